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
    const line = element("p", {}, text);
    const item = this.#append("bubble engine waiting", line);
    const lines = this.#replies.get(turn) ?? [];
    lines.push({ item, line, text });
    this.#replies.set(turn, lines);
  }

  /** The mark `turn.n` was reached: n lines have been heard, and the next one begins. */
  reached(name) {
    const [turn, heard] = name.split(".").map(Number);
    for (const { item } of this.#replies.get(turn)?.slice(0, heard + 1) ?? []) {
      item.classList.remove("waiting");
    }
  }

  /** A turn's ledger: what was not heard of its lines is shown as such. */
  settle({ turn, said, interrupted }) {
    const lines = this.#replies.get(turn) ?? [];
    let left = words(said).length;
    for (const { item, line, text } of lines) {
      item.classList.remove("waiting");
      const all = words(text);
      const count = Math.min(left, all.length);
      left -= count;
      if (!interrupted || count === all.length) continue;
      item.classList.add("cut");
      const cut = element("span", { class: "cut-mark", title: word("cut") }, `[${word("cut")}]`);
      const unsaid = element("del", {}, all.slice(count).join(" "));
      line.replaceChildren(all.slice(0, count).join(" "), " ", cut, " ", unsaid);
    }
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
