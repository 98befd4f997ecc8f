import type { Audio } from '../../audio/audio.js';
import { melSpectrogram } from '../../audio/mel.js';
import { samplesOf } from '../../audio/stft.js';

/** What the aligner hears of a clip. */
export interface ClipFeatures {
  /** Row-major [frames, dimensions]. */
  readonly data: Float32Array;
  readonly frames: number;
  /** From one frame to the next; frame f is centred on f · hopSeconds. */
  readonly hopSeconds: number;
  /** Length of the recording. */
  readonly seconds: number;
}

/** Cepstral coefficients of a frame, with the level as the first. */
const cepstra = 13;
/** Cepstra, their slopes, and the slopes of those. */
export const dimensions = 3 * cepstra;
const bins = 26;
/** Frames on each side that a slope is fitted to. */
const slopeReach = 2;

/**
 * Mel-frequency cepstra with their slopes (Davis and Mermelstein 1980; Furui 1986), as recognisers hear speech: short
 * frames, at any sample rate from 16 kHz the same bands.
 *
 * @throws TtsError ERR_AUDIO_EMPTY for a recording without samples
 */
export function alignmentFeatures({ samples, sampleRate }: Audio, hop: number): ClipFeatures {
  const hopSamples = Math.max(1, Math.round(hop * sampleRate));
  const longest = Math.max(hopSamples, Math.round(0.025 * sampleRate));
  const fftSize = 2 ** Math.round(Math.log2(longest));
  const settings = {
    sampleRate,
    fftSize,
    windowLength: Math.min(fftSize, longest),
    hop: hopSamples,
    padding: 'center-reflect',
    bins,
    fMin: 60,
    fMax: Math.min(7600, sampleRate / 2),
    power: 2,
    powerOffset: 0,
    scale: 'htk',
    norm: 'none',
    log: 'e',
    floor: 1e-9,
    preEmphasis: 0.97,
    normalisation: null,
  } as const;
  const enough = samplesOf(1, settings);
  const padded = samples.length > 0 && samples.length < enough ? lengthened(samples, enough) : samples;
  const mel = melSpectrogram(padded, settings);
  const data = new Float32Array(mel.frames * dimensions);
  for (let frame = 0; frame < mel.frames; frame++)
    for (let i = 0; i < cepstra; i++) {
      let sum = 0;
      for (let bin = 0; bin < bins; bin++) sum += cosines[i * bins + bin] * mel.data[frame * bins + bin];
      data[frame * dimensions + i] = sum;
    }
  for (const from of [0, cepstra]) addSlopes(data, mel.frames, from);
  return { data, frames: mel.frames, hopSeconds: hopSamples / sampleRate, seconds: samples.length / sampleRate };
}

function lengthened(samples: Float32Array, length: number): Float32Array {
  const longer = new Float32Array(length);
  longer.set(samples);
  return longer;
}

/** The cosine transform, [cepstra, bins]. */
const cosines = Float64Array.from(
  { length: cepstra * bins },
  (_, i) => Math.sqrt(2 / bins) * Math.cos((Math.PI * Math.floor(i / bins) * ((i % bins) + 0.5)) / bins),
);

/** Puts the slopes of the coefficients from `from` behind them; at the ends the last frame stands for what would follow. */
function addSlopes(data: Float32Array, frames: number, from: number): void {
  let norm = 0;
  for (let reach = 1; reach <= slopeReach; reach++) norm += 2 * reach * reach;
  for (let frame = 0; frame < frames; frame++)
    for (let i = from; i < from + cepstra; i++) {
      let sum = 0;
      for (let reach = 1; reach <= slopeReach; reach++) {
        const [before, after] = [Math.max(0, frame - reach), Math.min(frames - 1, frame + reach)];
        sum += reach * (data[after * dimensions + i] - data[before * dimensions + i]);
      }
      data[frame * dimensions + i + cepstra] = sum / norm;
    }
}

/**
 * Gives the features of one reader mean 0 and deviation 1 in every dimension, in place: what remains is what is said
 * and not who says it into which microphone.
 */
export function normaliseFeatures(clips: readonly ClipFeatures[]): void {
  const sums = new Float64Array(dimensions);
  const squares = new Float64Array(dimensions);
  let count = 0;
  for (const { data, frames } of clips) {
    count += frames;
    for (let at = 0; at < data.length; at++) {
      sums[at % dimensions] += data[at];
      squares[at % dimensions] += data[at] ** 2;
    }
  }
  const means = sums.map((sum) => sum / count);
  const scales = squares.map((square, i) => 1 / Math.sqrt(Math.max(1e-6, square / count - means[i] ** 2)));
  for (const { data } of clips)
    for (let at = 0; at < data.length; at++) data[at] = (data[at] - means[at % dimensions]) * scales[at % dimensions];
}
