/** The microphone's side of the audio thread: 20 ms of s16le at 16 kHz at a time. */
import { Resampler } from "./resampler.js";

class Capture extends AudioWorkletProcessor {
  #resampler;
  #frame;
  #filled = 0;

  constructor({ processorOptions: { rateHz, frameMs } }) {
    super();
    this.#resampler = new Resampler(sampleRate, rateHz);
    this.#frame = new Float32Array((rateHz * frameMs) / 1000);
  }

  process([[samples]]) {
    if (samples === undefined) return true; // the microphone gives nothing just now
    this.#resampler.push(samples);
    for (;;) {
      this.#filled += this.#resampler.take(this.#frame.subarray(this.#filled));
      if (this.#filled < this.#frame.length) return true;
      const pcm = Int16Array.from(this.#frame, toS16);
      this.port.postMessage(pcm.buffer, [pcm.buffer]);
      this.#filled = 0;
    }
  }
}

function toS16(sample) {
  return Math.max(-32768, Math.min(32767, Math.round(sample * 32768)));
}

registerProcessor("capture", Capture);
