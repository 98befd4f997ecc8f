import Fft from 'fft.js';
import { TtsError } from '../base/errors.js';

/**
 * How the ends of a signal are treated:
 * - `center-reflect`, `center-constant`: fftSize/2 mirrored samples (or zeros) on both sides, frame f is centred on
 *   sample f·hop (librosa, ESPnet, NVIDIA Tacotron 2);
 * - `hop-reflect`: (fftSize - hop)/2 mirrored samples on both sides, frame f is centred on the middle of samples f·hop
 *   … (f+1)·hop - 1 (HiFi-GAN);
 * - `none`: frame f starts at sample f·hop.
 */
export const paddings = ['center-reflect', 'center-constant', 'hop-reflect', 'none'] as const;
export type Padding = (typeof paddings)[number];

/**
 * The framing of a short-time Fourier transform; the window is a periodic Hann window, centred in fftSize. Lengths in
 * samples.
 */
export interface StftSettings {
  /** A power of two. */
  readonly fftSize: number;
  /** At most fftSize. */
  readonly windowLength: number;
  readonly hop: number;
  readonly padding: Padding;
}

/** The number of frames of a signal with this many samples. */
export function framesOf(samples: number, { fftSize, hop, padding }: StftSettings): number {
  const padded = samples + 2 * padLength({ fftSize, hop, padding });
  return samples === 0 || padded < fftSize ? 0 : Math.floor((padded - fftSize) / hop) + 1;
}

/** The smallest number of samples with this many frames; with `hop-reflect` it is frames · hop. */
export function samplesOf(frames: number, { fftSize, hop, padding }: StftSettings): number {
  if (frames === 0) return 0;
  return Math.max(1, (frames - 1) * hop + fftSize - 2 * padLength({ fftSize, hop, padding }));
}

/**
 * Goes through the frames of a signal and calls `visit` with the power spectrum re² + im² of each: fftSize/2 + 1 bins
 * in an array that is reused for the next frame. Returns the number of frames.
 *
 * @throws TtsError ERR_AUDIO_EMPTY if the signal is too short for one frame.
 */
export function forEachFrame(
  samples: Float32Array | Float64Array,
  settings: StftSettings,
  visit: (power: Float64Array, frame: number) => void,
): number {
  const { fftSize, hop, padding } = settings;
  const frames = framesOf(samples.length, settings);
  if (frames === 0)
    throw new TtsError(
      'ERR_AUDIO_EMPTY',
      `audio of ${samples.length} samples is too short for one frame: expected at least ${samplesOf(1, settings)}`,
    );
  const window = centredHann(settings);
  const fft = new Fft(fftSize);
  const input = new Float64Array(fftSize);
  const spectrum = new Float64Array(2 * fftSize);
  const power = new Float64Array(fftSize / 2 + 1);
  const pad = padLength(settings);
  for (let frame = 0; frame < frames; frame++) {
    const first = frame * hop - pad;
    for (let i = 0; i < fftSize; i++)
      input[i] = window[i] === 0 ? 0 : window[i] * sampleAt(samples, first + i, padding);
    fft.realTransform(spectrum, input);
    for (let bin = 0; bin < power.length; bin++) power[bin] = spectrum[2 * bin] ** 2 + spectrum[2 * bin + 1] ** 2;
    visit(power, frame);
  }
  return frames;
}

/**
 * The magnitude (power 1) or power (2) spectrogram, row-major [frames, fftSize/2 + 1], as librosa.stft and torch.stft
 * define it.
 *
 * @throws TtsError ERR_AUDIO_EMPTY if the signal is too short for one frame.
 */
export function spectrogram(
  samples: Float32Array,
  settings: StftSettings,
  power: 1 | 2 = 1,
): { data: Float32Array; frames: number; bins: number } {
  const bins = settings.fftSize / 2 + 1;
  const frames = framesOf(samples.length, settings);
  const data = new Float32Array(frames * bins);
  forEachFrame(samples, settings, (spectrum, frame) =>
    data.set(power === 2 ? spectrum : spectrum.map(Math.sqrt), frame * bins),
  );
  return { data, frames, bins };
}

/** Samples before the first one that frame 0 begins at. */
export function padLength({ fftSize, hop, padding }: Pick<StftSettings, 'fftSize' | 'hop' | 'padding'>): number {
  if (padding === 'none') return 0;
  return padding === 'hop-reflect' ? Math.floor((fftSize - hop) / 2) : fftSize / 2;
}

/**
 * Sample `index` of the padded signal. Reflection leaves out the edge sample and goes back and forth if the signal is
 * short.
 */
function sampleAt(samples: Float32Array | Float64Array, index: number, padding: Padding): number {
  const { length } = samples;
  if (index >= 0 && index < length) return samples[index];
  if (padding === 'center-constant' || padding === 'none') return 0;
  if (length === 1) return samples[0];
  const period = 2 * (length - 1);
  const folded = ((index % period) + period) % period;
  return samples[Math.min(folded, period - folded)];
}

/** A periodic Hann window [fftSize], zero outside of its length. */
export function centredHann({ fftSize, windowLength }: StftSettings): Float64Array {
  const window = new Float64Array(fftSize);
  const left = Math.floor((fftSize - windowLength) / 2);
  for (let i = 0; i < windowLength; i++) window[left + i] = 0.5 - 0.5 * Math.cos((2 * Math.PI * i) / windowLength);
  return window;
}
