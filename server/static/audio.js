/** Microphone and loudspeaker of a call, both as s16le mono at 16 kHz. */
import { Problem, microphoneProblem, refusal } from "./problem.js";

export const RATE_HZ = 16000;
const FRAME_MS = 20;
/** Longer than any loudspeaker's way that browsers report (Bluetooth is at 0.2 to 0.3 s). */
const MAX_OUTPUT_LATENCY_S = 0.5;

/** The person's microphone, as a stream. Throws Problem. Call it from a click. */
export async function openMicrophone() {
  if (!window.isSecureContext || !navigator.mediaDevices) throw new Problem("origin.insecure");
  try {
    return await navigator.mediaDevices.getUserMedia({
      audio: {
        channelCount: 1,
        echoCancellation: true,
        noiseSuppression: true,
        autoGainControl: true,
      },
    });
  } catch (error) {
    throw microphoneProblem(error);
  }
}

export class CallAudio {
  /** Called with each frame of the microphone, an ArrayBuffer. */
  onframe = () => {};
  /** Called with each answer of the playout: `mark` and `played`. */
  onanswer = () => {};
  /** Called when the microphone is gone. */
  onlost = () => {};
  vitals = { playedSamples: 0, gaps: 0 };

  #stream;
  #context;
  #playout;

  /** Ask for the microphone and start both ways. Throws Problem. Call it from a click. */
  static async open() {
    const audio = new CallAudio();
    try {
      await audio.#open();
    } catch (error) {
      audio.close();
      throw error instanceof Problem ? error : new Problem("audio.failed", error.message);
    }
    return audio;
  }

  async #open() {
    this.#context = new AudioContext({ sampleRate: RATE_HZ, latencyHint: "interactive" });
    this.#stream = await openMicrophone();
    for (const track of this.#stream.getTracks()) track.onended = () => this.onlost();
    const source = this.#source();
    const context = this.#context;
    try {
      await Promise.all([
        context.audioWorklet.addModule("/static/capture.js"),
        context.audioWorklet.addModule("/static/playout.js"),
      ]);
    } catch (error) {
      const why = await refusal();
      throw why.code === "server.unreachable" ? why : error;
    }
    const mono = { channelCount: 1, channelCountMode: "explicit", outputChannelCount: [1] };
    const capture = new AudioWorkletNode(context, "capture", {
      ...mono,
      processorOptions: { rateHz: RATE_HZ, frameMs: FRAME_MS },
    });
    this.#playout = new AudioWorkletNode(context, "playout", {
      ...mono,
      numberOfInputs: 0,
      processorOptions: { rateHz: RATE_HZ },
    });
    this.userLevel = new AnalyserNode(context, { fftSize: 512 });
    this.engineLevel = new AnalyserNode(context, { fftSize: 512 });
    capture.port.onmessage = ({ data }) => this.onframe(data);
    this.#playout.port.onmessage = ({ data }) => this.#fromPlayout(data);
    source.connect(this.userLevel);
    // The capture puts out silence; it is connected because only what is heard is run.
    source.connect(capture).connect(context.destination);
    this.#playout.connect(this.engineLevel).connect(context.destination);
    await context.resume();
  }

  /** Some browsers want a microphone and its context to have one rate: then it is theirs. */
  #source() {
    try {
      return this.#context.createMediaStreamSource(this.#stream);
    } catch {
      this.#context.close();
      this.#context = new AudioContext({ latencyHint: "interactive" });
      return this.#context.createMediaStreamSource(this.#stream);
    }
  }

  get rateHz() {
    return this.#context.sampleRate;
  }

  /** From the playout to the ear, in seconds, as far as the browser knows. */
  get outputLatencyS() {
    return Math.min(this.#context.outputLatency || 0, MAX_OUTPUT_LATENCY_S);
  }

  /** Play sound (an ArrayBuffer), or obey a message of the server. */
  play(message) {
    const transfer = message instanceof ArrayBuffer ? [message] : [];
    this.#playout.port.postMessage(message, transfer);
  }

  #fromPlayout(message) {
    if (message.type === "vitals") {
      this.vitals = message;
    } else if (message.type === "mark") {
      // What the playout has let go is heard when it has passed the loudspeaker's buffers. A
      // position needs no such wait: what was let go before a pause is still heard.
      setTimeout(() => this.onanswer(message), this.outputLatencyS * 1000);
    } else {
      this.onanswer(message);
    }
  }

  /** Let go of microphone and loudspeaker. Safe to call again. */
  close() {
    this.onframe = this.onanswer = this.onlost = () => {};
    for (const track of this.#stream?.getTracks() ?? []) {
      track.onended = null;
      track.stop();
    }
    if (this.#context && this.#context.state !== "closed") this.#context.close();
  }
}
