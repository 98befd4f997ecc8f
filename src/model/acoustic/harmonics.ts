import { melSpectrogram } from '../../audio/mel.js';
import type { MelSettings } from '../../audio/mel_settings.js';

/** The range of speaking voices, in Hz. */
const lowest = 60;
const highest = 600;
/** Rows of the table, evenly spaced by the logarithm of the frequency: 1.2% from one to the next. */
const rows = 192;
const span = Math.log(highest / lowest);
/** Bands around, as a share of all, over whose mean harmonics stand out. */
const envelopeShare = 25 / 80;
const floor = 1e-3;
/** In Hz: beyond it voices have hardly any. */
const highestHarmonic = 12_000;

/**
 * The harmonic template: what harmonics at a fundamental frequency look like in mel bins. Without it a decoder learns
 * where formants are, but draws no harmonics: it would have to know each of them from one number.
 */
export class HarmonicTemplate {
  /** [rows, bins]. */
  private readonly table: Float32Array;
  private readonly bins: number;

  constructor(settings: MelSettings) {
    this.bins = settings.bins;
    this.table = templates(settings);
  }

  /**
   * The templates of frames.
   * @param logF0 [frames] natural logarithm of Hz; beyond 60 … 600 Hz the template of the nearest frequency
   * @param out [frames, bins]
   */
  fill(logF0: Float32Array, out: Float32Array): void {
    const { bins, table } = this;
    for (let frame = 0; frame < logF0.length; frame++) {
      const place = Math.round(((logF0[frame] - Math.log(lowest)) / span) * (rows - 1));
      const from = Math.max(0, Math.min(rows - 1, place)) * bins;
      out.set(table.subarray(from, from + bins), frame * bins);
    }
  }
}

/**
 * For each frequency the logarithm of the mel spectrum of a comb of harmonics, less its mean over the bands around.
 * @returns [rows, bins]
 */
function templates(settings: MelSettings): Float32Array {
  const { sampleRate, fftSize, bins, fMax } = settings;
  const signal = new Float32Array(rows * fftSize);
  for (let row = 0; row < rows; row++) {
    const frequency = lowest * Math.exp((span * row) / (rows - 1));
    for (let harmonic = 1; harmonic * frequency <= Math.min(fMax, highestHarmonic); harmonic++) {
      const step = (2 * Math.PI * harmonic * frequency) / sampleRate;
      // Phases that grow with the square keep the comb from becoming a pulse (Schroeder 1970, IEEE Trans. Inf. Theory
      // 16(1)). cos(a + n·step) by Chebyshev's recurrence.
      const phase = 1.7 * harmonic * harmonic;
      const twice = 2 * Math.cos(step);
      let now = Math.cos(phase);
      let before = Math.cos(phase - step);
      for (let i = row * fftSize; i < (row + 1) * fftSize; i++) {
        signal[i] += now;
        const next = twice * now - before;
        before = now;
        now = next;
      }
    }
  }
  const { data } = melSpectrogram(signal, {
    ...settings,
    padding: 'none',
    hop: fftSize,
    power: 1,
    powerOffset: 0,
    preEmphasis: 0,
    log: 'none',
    floor: 0,
    normalisation: null,
  });
  const reach = Math.max(1, Math.round((envelopeShare * bins - 1) / 2));
  const table = new Float32Array(rows * bins);
  for (let row = 0; row < rows; row++) {
    const mel = data.subarray(row * bins, (row + 1) * bins);
    const peak = mel.reduce((a, b) => Math.max(a, b), 0) || 1;
    const logs = mel.map((value) => Math.log(value / peak + floor));
    for (let bin = 0; bin < bins; bin++) {
      let sum = 0;
      for (let other = bin - reach; other <= bin + reach; other++) sum += logs[Math.max(0, Math.min(bins - 1, other))];
      table[row * bins + bin] = logs[bin] - sum / (2 * reach + 1);
    }
  }
  return table;
}
