import { z } from 'zod';
import { RandomStream, streams } from '../base/random.js';
import { resample } from './resample.js';

/** How copies of recordings differ from them; each copy draws from these ranges evenly. */
export const augmentationSchema = z.strictObject({
  /** Altered copies of each recording, beside the recording itself. */
  copies: z.int().min(0).max(20),
  /** Largest change of the speed, and with it of the pitch, as a share: drawn in steps of 0.02. */
  speed: z.number().min(0).max(0.3).default(0.1),
  /** Largest change of the level, in dB. */
  gain: z.number().min(0).max(20).default(6),
  /** Largest rise or fall of the spectrum from 0 Hz to half of the sample rate, in dB. */
  tilt: z.number().min(0).max(12).default(3),
});

export type Augmentation = Readonly<z.infer<typeof augmentationSchema>>;

const speedStep = 0.02;

/** The largest 16-bit sample. */
const fullScale = 32767 / 32768;

/**
 * An altered copy of a recording: played faster or slower, louder or softer, through a filter of first order that is
 * flat at 0 Hz. A gain that would clip is made smaller, so that the peak is just below full scale.
 *
 * @param samples in [-1, 1); they stay as they are
 * @param seed below 2^53; of one seed every copy is another
 */
export function augment(
  samples: Float32Array,
  sampleRate: number,
  { speed, gain, tilt }: Omit<Augmentation, 'copies'>,
  seed: number,
  copy: number,
): Float32Array {
  const random = new RandomStream(seed, streams.augmentation, copy);
  const most = Math.floor(speed / speedStep + 1e-9);
  const factor = 1 + speedStep * (random.below(2 * most + 1) - most);
  const decibels = gain * (2 * random.uniform() - 1);
  const slope = tilt * (2 * random.uniform() - 1);
  const played = resample(samples, Math.round(sampleRate * factor), sampleRate);
  const tilted = tilt === 0 ? played : tiltedBy(played, slope);
  const peak = tilted.reduce((highest, sample) => Math.max(highest, Math.abs(sample)), 0);
  const scale = Math.min(10 ** (decibels / 20), peak > 0 ? fullScale / peak : 1);
  return tilted.map((sample) => scale * sample);
}

/** y[n] = (x[n] - a x[n-1]) / (1 - a): the gain is 1 at 0 Hz and (1 + a) / (1 - a) at half of the sample rate. */
function tiltedBy(samples: Float32Array, decibels: number): Float32Array {
  const ratio = 10 ** (decibels / 20);
  const a = (ratio - 1) / (ratio + 1);
  return samples.map((sample, n) => (sample - (n > 0 ? a * samples[n - 1] : 0)) / (1 - a));
}
