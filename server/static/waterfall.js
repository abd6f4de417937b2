/**
 * The latency waterfall of each turn, from its ledger, against the budget. Colours and order of
 * the stages are those of the server's own drawings.
 */
import { element } from "./element.js";
import { milliseconds, word } from "./words.js";

/** The default budget's shares (docs/protocols/media.md). */
const BUDGET_MS = {
  endpointing: 250,
  transcription: 100,
  understanding: 250,
  speech: 150,
  playout: 50,
};
const TOTAL_MS = Object.values(BUDGET_MS).reduce((sum, ms) => sum + ms);

export class Waterfalls {
  #list;
  #summary;
  #ledgers = [];
  #longest = TOTAL_MS;
  #latest = null;

  /** `summary` holds the elements `median`, `turns` and `within`. */
  constructor(list, summary) {
    this.#list = list;
    this.#summary = summary;
  }

  begin() {
    this.#ledgers = [];
    this.#latest = null;
    this.#list.replaceChildren();
    this.#summarise();
  }

  add(ledger) {
    this.#ledgers.push(ledger);
    this.#longest = Math.max(this.#longest, ledger.gap_ms);
    this.#list.style.setProperty("--axis-ms", this.#longest * 1.04);
    this.#list.style.setProperty("--budget-ms", TOTAL_MS);
    if (this.#latest?.dataset.touched === undefined) this.#latest?.removeAttribute("open");
    this.#latest = turn(ledger);
    this.#list.prepend(element("li", {}, this.#latest));
    this.#summarise();
  }

  /** Show all of it again: the language has changed. */
  redraw() {
    const ledgers = this.#ledgers;
    this.begin();
    for (const ledger of ledgers) this.add(ledger);
  }

  #summarise() {
    const gaps = this.#ledgers.filter(isAnswer).map((ledger) => ledger.gap_ms);
    const within = gaps.filter((ms) => ms <= TOTAL_MS).length;
    this.#summary.turns.textContent = gaps.length;
    this.#summary.median.textContent = gaps.length ? milliseconds(median(gaps)) : "–";
    this.#summary.within.textContent = gaps.length ? `${within} / ${gaps.length}` : "–";
    this.#summary.within.classList.toggle("over", within < gaps.length);
  }
}

export function legend(list) {
  list.replaceChildren(
    ...Object.keys(BUDGET_MS).map((stage) =>
      element("li", { "data-stage": stage }, word("stage", stage)),
    ),
    element("li", { class: "budget" }, `${word("budget")} ${milliseconds(TOTAL_MS)}`),
  );
}

/** A turn that answered somebody, as opposed to the greeting. */
function isAnswer({ heard, marks }) {
  return Boolean(heard) && marks.first_played !== undefined;
}

function median(values) {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

function turn(ledger) {
  const { heard, spans, gap_ms: gapMs } = ledger;
  const label = heard ? `«\u00a0${heard}\u00a0»` : word(ledger.turn === 1 ? "greeting" : "noWords");
  const over = gapMs > TOTAL_MS ? " over" : "";
  const details = element(
    "details",
    { class: isAnswer(ledger) ? "turn" : "turn soft", "data-turn": ledger.turn },
    element(
      "summary",
      {},
      element("span", { class: "number" }, String(ledger.turn)),
      element("span", { class: "label" }, label),
      element("span", { class: `gap${over}` }, milliseconds(gapMs)),
      bar(spans),
    ),
    stages(ledger),
  );
  details.open = isAnswer(ledger);
  details.firstChild.addEventListener("click", () => (details.dataset.touched = ""));
  return details;
}

function bar(spans) {
  const segments = Object.entries(spans).map(([stage, ms]) => segment(stage, ms, 0));
  return element("span", { class: "track", "aria-hidden": "true" }, ...segments);
}

function segment(stage, ms, startMs) {
  const made = element("i", { class: "segment", "data-stage": stage, "data-ms": ms });
  made.style.setProperty("--ms", ms);
  made.style.setProperty("--start-ms", startMs);
  made.title = `${word("stage", stage) ?? stage} ${milliseconds(ms)}`;
  return made;
}

/** A row for each stage, each bar beginning where the one before it ended. */
function stages({ spans, over, steps_down: stepsDown, interrupted }) {
  const rows = [];
  let startMs = 0;
  for (const [stage, ms] of Object.entries(spans)) {
    rows.push(
      element(
        "div",
        {},
        element("dt", {}, word("stage", stage) ?? stage),
        element("dd", { class: "track", "aria-hidden": "true" }, segment(stage, ms, startMs)),
        element("dd", { class: stage in over ? "ms over" : "ms" }, milliseconds(ms)),
        element("dd", { class: "share soft" }, `/\u00a0${BUDGET_MS[stage] ?? "–"}`),
      ),
    );
    startMs += ms;
  }
  const remarks = stepsDown.map(({ left, why }) => `${word("steppedDown")} ${left} (${why})`);
  if (interrupted) remarks.push(word("interrupted"));
  if (remarks.length) rows.push(element("p", { class: "soft" }, remarks.join(" · ")));
  return element("dl", { class: "stages" }, ...rows);
}
