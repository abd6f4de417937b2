/**
 * Changes the sample rate of a stream by any ratio of whole numbers: a polyphase filter whose
 * kernel is a sinc under a Kaiser window. Equal rates pass unchanged and without delay.
 */

/** Zero crossings of the sinc on each side: how steep the filter is. */
const CROSSINGS = 16;
/** Kaiser window's shape: 80 dB of stop band (Kaiser's formula: 0.1102 × (80 − 8.7)). */
const BETA = 7.857;
/** Pass band as a share of the lower rate's half; the rest is the filter's slope. */
const PASS = 0.92;

export class Resampler {
  #up;
  #down;
  #taps = 1;
  #kernels;
  #buffer = new Float32Array(4096);
  #filled = 0;
  #index = 0;
  #phase = 0;

  constructor(fromHz, toHz) {
    const divisor = gcd(fromHz, toHz);
    this.#up = toHz / divisor;
    this.#down = fromHz / divisor;
    if (this.#up === this.#down) {
      this.#kernels = [Float32Array.of(1)];
      return;
    }
    const cutoff = PASS * Math.min(1, toHz / fromHz);
    const half = Math.ceil(CROSSINGS / cutoff);
    this.#taps = 2 * half;
    this.#filled = half - 1; // the silence before the first sample
    this.#kernels = Array.from({ length: this.#up }, (_, phase) =>
      kernel(cutoff, half, phase / this.#up),
    );
  }

  /** How many more samples `push` has to bring before `take` can give `count`. */
  needed(count) {
    const steps = Math.floor((this.#phase + (count - 1) * this.#down) / this.#up);
    return Math.max(0, this.#index + steps + this.#taps - this.#filled);
  }

  push(samples) {
    this.#compact();
    if (this.#filled + samples.length > this.#buffer.length) {
      const larger = new Float32Array(2 * (this.#filled + samples.length));
      larger.set(this.#buffer.subarray(0, this.#filled));
      this.#buffer = larger;
    }
    this.#buffer.set(samples, this.#filled);
    this.#filled += samples.length;
  }

  /** Write into `out` as many samples as there are and it holds; their number is returned. */
  take(out) {
    let count = 0;
    while (count < out.length && this.#index + this.#taps <= this.#filled) {
      const weights = this.#kernels[this.#phase];
      let sum = 0;
      for (let i = 0; i < this.#taps; i++) sum += weights[i] * this.#buffer[this.#index + i];
      out[count++] = sum;
      this.#phase += this.#down;
      this.#index += Math.floor(this.#phase / this.#up);
      this.#phase %= this.#up;
    }
    return count;
  }

  /** Forget what no output needs any more. */
  #compact() {
    const gone = Math.min(this.#index, this.#filled);
    this.#buffer.copyWithin(0, gone, this.#filled);
    this.#filled -= gone;
    this.#index -= gone;
  }
}

function kernel(cutoff, half, fraction) {
  const weights = Float32Array.from({ length: 2 * half }, (_, i) => {
    const x = i - half + 1 - fraction;
    return sinc(cutoff * x) * bessel(BETA * Math.sqrt(Math.max(0, 1 - (x / half) ** 2)));
  });
  const gain = weights.reduce((sum, weight) => sum + weight, 0);
  return weights.map((weight) => weight / gain);
}

function sinc(x) {
  return x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x);
}

/** The modified Bessel function of the first kind and order 0, by its series. */
function bessel(x) {
  let sum = 1;
  let term = 1;
  for (let k = 1; term > 1e-9 * sum; k++) {
    term *= (x / (2 * k)) ** 2;
    sum += term;
  }
  return sum;
}

function gcd(a, b) {
  return b ? gcd(b, a % b) : a;
}
