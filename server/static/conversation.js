/** The transcript: what either side said, and of our replies what was really heard. */
import { word } from "./words.js";
import { element } from "./element.js";

export class Conversation {
  #log;
  #interim;
  #scroll;
  #replies = new Map();
  #notices = new Set();

  constructor(log, interim, scroll) {
    this.#log = log;
    this.#interim = interim;
    this.#scroll = scroll;
  }

  /** A new call: what was said stays to be read, turns count anew. */
  begin() {
    this.#replies.clear();
    this.#showInterim("");
  }

  heard(text, final) {
    if (!final) {
      this.#showInterim(text);
      return;
    }
    this.#showInterim("");
    if (text) this.#append("bubble user", element("p", {}, text));
  }

  reply(turn, text) {
    const line = element("span", { class: "waiting" }, text);
    const reply = this.#replies.get(turn);
    if (reply) {
      reply.lines.push(line);
      reply.bubble.append(" ", line);
      this.#follow();
      return;
    }
    const bubble = element("p", {}, line);
    this.#replies.set(turn, { bubble, lines: [line] });
    this.#append("bubble engine", bubble);
  }

  /** The mark `turn.n` was reached: n lines have been heard, and the next one begins. */
  reached(name) {
    const [turn, heard] = name.split(".").map(Number);
    for (const line of this.#replies.get(turn)?.lines.slice(0, heard + 1) ?? []) {
      line.classList.remove("waiting");
    }
  }

  /** A turn's ledger: what was not heard of its lines is shown as such. */
  settle({ turn, said, interrupted }) {
    const reply = this.#replies.get(turn);
    if (!reply) return;
    for (const line of reply.lines) line.classList.remove("waiting");
    const all = words(reply.lines.map((line) => line.textContent).join(" "));
    const heard = words(said).length;
    if (!interrupted || heard >= all.length) return;
    const cut = element("span", { class: "cut" }, `[${word("cut")}]`);
    const unsaid = element("del", {}, all.slice(heard).join(" "));
    reply.bubble.replaceChildren(all.slice(0, heard).join(" "), " ", cut, " ", unsaid);
    this.#follow();
  }

  /** Something for the person who reads: shown once. */
  notice(text) {
    if (this.#notices.has(text)) return;
    this.#notices.add(text);
    this.#append("note", element("p", {}, text));
  }

  /** A line of the page's own: the end of the call, a key. */
  remark(text) {
    this.#append("remark", element("p", {}, text));
  }

  #append(kind, content) {
    const item = element("li", { class: kind }, content);
    this.#log.append(item);
    this.#follow();
    return item;
  }

  #showInterim(text) {
    this.#interim.textContent = text;
    this.#interim.hidden = !text;
    this.#follow();
  }

  #follow() {
    this.#scroll.scrollTop = this.#scroll.scrollHeight;
  }
}

function words(text) {
  return text.split(/\s+/).filter(Boolean);
}
