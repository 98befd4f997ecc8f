import { z } from 'zod';
import { limits, real, whole } from '../base/limits.js';
import { paddings } from './stft.js';

const frequency = real(limits.frequency);
const level = real(limits.level);
const interval = z.tuple([level, level]);

/**
 * Everything that decides the values of a mel spectrogram; it travels with features and voices. A frame is computed in
 * this order: pre-emphasis, STFT, magnitude or power, filter bank, floor and logarithm, normalisation.
 */
export const melSettingsSchema = z
  .strictObject({
    /** Samples per second. */
    sampleRate: whole(limits.sampleRate),
    /** Length of the FFT in samples, a power of two. */
    fftSize: whole(limits.fftSize).refine((size) => (size & (size - 1)) === 0, { error: 'expected a power of two' }),
    /** Length of the periodic Hann window in samples, at most fftSize. */
    windowLength: whole(limits.windowLength),
    /** Samples from one frame to the next, at most fftSize and a quarter of a second. */
    hop: whole(limits.hop),
    padding: z.enum(paddings),
    /** Number of mel bins. */
    bins: whole(limits.bins),
    /** Lower edge of the first filter and upper edge of the last, in Hz. */
    fMin: frequency,
    fMax: frequency,
    /** 1 sums magnitudes, 2 sums powers. */
    power: z.union([z.literal(1), z.literal(2)]),
    /** Added to re² + im² before the root (HiFi-GAN's 1e-9); else 0. */
    powerOffset: level.min(0),
    /** The mel formula: Slaney's Auditory Toolbox (librosa's default) or HTK's. */
    scale: z.enum(['slaney', 'htk']),
    /** Whether a filter's area (`slaney`) or its peak (`none`) is constant. */
    norm: z.enum(['slaney', 'none']),
    /** Natural logarithm, base 2, base 10, decibels (20 log10 of magnitudes, 10 log10 of powers), or none. */
    log: z.enum(['e', '2', '10', 'db', 'none']),
    /** Smallest value that goes into the logarithm. */
    floor: level.min(0),
    /** Coefficient a of y[n] = x[n] - a x[n-1] before the STFT; 0 for none. */
    preEmphasis: z.number().min(0).max(1),
    /** Maps the interval `from` linearly onto `to` and clips there; null leaves values as they are. */
    normalisation: z.strictObject({ from: interval, to: interval }).nullable(),
  })
  .superRefine((settings, context) => {
    const complain = (path: keyof MelSettings, message: string) =>
      context.addIssue({ code: 'custom', path: [path], message });
    if (settings.windowLength > settings.fftSize)
      complain('windowLength', `expected at most fftSize (${settings.fftSize})`);
    if (settings.hop > settings.fftSize)
      complain('hop', `expected at most fftSize (${settings.fftSize}), or there would be sound in no frame`);
    const longest = Math.floor(limits.frameSeconds.most * settings.sampleRate);
    if (settings.hop > longest)
      complain('hop', `expected at most ${longest} (${limits.frameSeconds.most} s) at ${settings.sampleRate} Hz`);
    if (settings.fMin >= settings.fMax) complain('fMin', `expected less than fMax (${settings.fMax} Hz)`);
    if (settings.fMax > settings.sampleRate / 2)
      complain('fMax', `expected at most half the sample rate (${settings.sampleRate / 2} Hz)`);
    if (settings.log !== 'none' && settings.floor === 0)
      complain('floor', 'expected more than 0, since a logarithm follows');
    if (settings.normalisation && settings.normalisation.from[0] >= settings.normalisation.from[1])
      complain('normalisation', 'expected an ascending interval `from`');
    if (settings.normalisation && settings.normalisation.to[0] >= settings.normalisation.to[1])
      complain('normalisation', 'expected an ascending interval `to`');
  });

/** The settings of a mel spectrogram; see `melSettingsSchema` for units and `melPresets` for the conventions in use. */
export type MelSettings = Readonly<z.infer<typeof melSettingsSchema>>;

/** The settings in which two kinds of features differ. */
export function differingSettings(a: MelSettings, b: MelSettings): (keyof MelSettings)[] {
  const keys = [...new Set([...Object.keys(a), ...Object.keys(b)])] as (keyof MelSettings)[];
  return keys.filter((key) => JSON.stringify(a[key]) !== JSON.stringify(b[key]));
}
