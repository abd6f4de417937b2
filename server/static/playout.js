/** The loudspeaker's side of the audio thread: obeys the call's messages to the sample. */
import { PlayoutQueue } from "./queue.js";
import { Resampler } from "./resampler.js";

class Playout extends AudioWorkletProcessor {
  #queue;
  #resampler;
  #sound = new Float32Array(128);
  #told = 0;

  constructor({ processorOptions: { rateHz } }) {
    super();
    this.#queue = new PlayoutQueue(rateHz, (answer) => this.port.postMessage(answer));
    this.#resampler = new Resampler(rateHz, sampleRate);
    this.port.onmessage = ({ data }) => {
      if (data instanceof ArrayBuffer) this.#queue.sound(data);
      else this.#queue.control(data);
    };
  }

  process(_, [[out]]) {
    const needed = this.#resampler.needed(out.length);
    if (needed > this.#sound.length) this.#sound = new Float32Array(needed);
    const sound = this.#sound.subarray(0, needed);
    this.#queue.pull(sound);
    this.#resampler.push(sound);
    this.#resampler.take(out);
    if (currentTime - this.#told >= 0.5) {
      this.#told = currentTime;
      const { playedSamples, gaps } = this.#queue;
      this.port.postMessage({ type: "vitals", playedSamples, gaps });
    }
    return true;
  }
}

registerProcessor("playout", Playout);
