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
    this.table = new Float32Array(rows * settings.bins);
    for (let row = 0; row < rows; row++)
      this.table.set(templateOf(lowest * Math.exp((span * row) / (rows - 1)), settings), row * settings.bins);
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

/** The logarithm of the mel spectrum of a comb of harmonics, less its mean over the bands around. */
function templateOf(frequency: number, settings: MelSettings): Float32Array {
  const { sampleRate, fftSize, bins, fMax } = settings;
  const signal = new Float32Array(fftSize);
  for (let harmonic = 1; harmonic * frequency <= fMax; harmonic++) {
    const step = (2 * Math.PI * harmonic * frequency) / sampleRate;
    // Phases that grow with the square keep the comb from becoming a pulse (Schroeder 1970). cos(a + n·step) by
    // Chebyshev's recurrence.
    const phase = 1.7 * harmonic * harmonic;
    const twice = 2 * Math.cos(step);
    let now = Math.cos(phase);
    let before = Math.cos(phase - step);
    for (let i = 0; i < fftSize; i++) {
      signal[i] += now;
      [now, before] = [twice * now - before, now];
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
  const peak = data.reduce((a, b) => Math.max(a, b), 0) || 1;
  const logs = Float32Array.from(data, (value) => Math.log(value / peak + floor));
  const reach = Math.max(1, Math.round((envelopeShare * bins - 1) / 2));
  const at = (bin: number) => logs[Math.max(0, Math.min(bins - 1, bin))];
  return logs.map((value, bin) => {
    let sum = 0;
    for (let other = bin - reach; other <= bin + reach; other++) sum += at(other);
    return value - sum / (2 * reach + 1);
  });
}
