/**
 * What the far end of a call plays: sound and marks in order, held and dropped to the sample.
 *
 * Pure: no clock and no audio interface. Messages are those of docs/protocols/media.md; sound
 * belongs to the turn of the last `reply`. `answer` is given each message to send back.
 */
export class PlayoutQueue {
  #rateHz;
  #answer;
  #items = [];
  #offset = 0;
  #turn = 0;
  #played = new Map();
  #dryTurn = 0;

  paused = false;
  /** Samples played, of all turns. */
  playedSamples = 0;
  /** Times that a turn's sound ran out and then went on. */
  gaps = 0;

  constructor(rateHz, answer) {
    this.#rateHz = rateHz;
    this.#answer = answer;
  }

  /** Append s16le sound. */
  sound(buffer) {
    const samples = new Int16Array(buffer);
    if (!samples.length) return;
    if (this.#dryTurn === this.#turn) this.gaps += 1;
    this.#dryTurn = 0;
    this.#items.push({ turn: this.#turn, samples });
  }

  /** Take a control message; those that do not concern the playout are left. */
  control(message) {
    switch (message.type) {
      case "reply":
        this.#turn = message.turn;
        break;
      case "mark":
        this.#items.push({ turn: this.#turn, mark: message.name });
        this.#passMarks();
        break;
      case "pause":
        this.paused = true;
        this.#tellPosition(message.turn);
        break;
      case "resume":
        this.paused = false;
        break;
      case "clear":
        this.#clear(message.turn);
        break;
    }
  }

  /** Fill `out` with what is to be heard next: sound, or silence where there is none. */
  pull(out) {
    let at = 0;
    while (at < out.length && !this.paused && this.#items.length) {
      const { turn, samples } = this.#items[0];
      const size = Math.min(out.length - at, samples.length - this.#offset);
      for (let i = 0; i < size; i++) out[at + i] = samples[this.#offset + i] / 32768;
      at += size;
      this.#offset += size;
      this.#played.set(turn, (this.#played.get(turn) ?? 0) + size);
      this.playedSamples += size;
      if (this.#offset < samples.length) continue;
      this.#shift();
      if (!this.#items.length) this.#dryTurn = turn;
      this.#passMarks();
    }
    out.fill(0, at);
  }

  #clear(turn) {
    if (this.#items[0]?.turn === turn) this.#offset = 0;
    this.#items = this.#items.filter((item) => item.turn !== turn);
    this.#dryTurn = 0;
    this.paused = false;
    this.#passMarks();
    this.#tellPosition(turn);
  }

  #shift() {
    this.#items.shift();
    this.#offset = 0;
  }

  /** A mark at the head has been reached, and is no gap in the sound. */
  #passMarks() {
    while (this.#items[0]?.mark !== undefined) {
      this.#dryTurn = 0;
      this.#answer({ type: "mark", name: this.#items[0].mark });
      this.#shift();
    }
  }

  #tellPosition(turn) {
    const ms = ((this.#played.get(turn) ?? 0) * 1000) / this.#rateHz;
    this.#answer({ type: "played", turn, ms });
  }
}
