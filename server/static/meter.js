/** Level meters: what the loudspeaker gets and what the microphone gives, in decibels. */

const FLOOR_DB = -60;
/** How much of its height a falling needle keeps from one picture to the next. */
const DECAY = 0.88;

export class Meter {
  #element;
  #analyser = null;
  #samples;
  #shown = 0;

  /** The highest level since `watch`, as a share of full scale. */
  peak = 0;

  constructor(element) {
    this.#element = element;
  }

  watch(analyser) {
    this.#analyser = analyser;
    this.#samples = new Float32Array(analyser.fftSize);
    this.peak = 0;
  }

  stop() {
    this.#analyser = null;
    this.#show(0);
  }

  /** Draw the level of this moment; called for each picture. */
  draw() {
    if (!this.#analyser) return;
    this.#analyser.getFloatTimeDomainData(this.#samples);
    const rms = Math.sqrt(this.#samples.reduce((sum, x) => sum + x * x, 0) / this.#samples.length);
    this.peak = Math.max(this.peak, rms);
    const level = Math.max(0, 1 - (20 * Math.log10(rms + 1e-9)) / FLOOR_DB);
    this.#show(Math.max(level, this.#shown * DECAY));
  }

  #show(level) {
    this.#shown = level < 0.01 ? 0 : level;
    this.#element.style.setProperty("--level", this.#shown.toFixed(3));
  }
}
