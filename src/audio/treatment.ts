import { z } from 'zod';
import { highPass } from './high_pass.js';
import { integratedLoudness } from './loudness.js';

/** What is done to recordings before anything is computed from them; it travels with the voice. */
export const treatmentSchema = z.strictObject({
  /** Cut-off of a high-pass filter in Hz, against DC and rumble; null for none. See `highPass`. */
  highPass: z.number().min(10).max(300).nullable(),
  /** Loudness that recordings are brought to, in LUFS (ITU-R BS.1770); null leaves them as loud as they are. */
  level: z.number().min(-60).max(-5).nullable(),
});

export type Treatment = Readonly<z.infer<typeof treatmentSchema>>;

/** Recordings as they are. */
export const untreated: Treatment = { highPass: null, level: null };

/** Quieter recordings are hardly speech: they gain so many dB and no more. */
const mostGain = 40;

/** The largest 16-bit sample. */
const fullScale = 32767 / 32768;

/** The gain in dB that brings a loudness to the level of a treatment: 0 without a level, and for silence. */
export function gainFor(loudness: number, { level }: Treatment): number {
  return level === null || loudness === -Infinity ? 0 : Math.min(mostGain, level - loudness);
}

/**
 * Treats a recording: filters it, then brings it to the level by its own loudness, or by a gain that is given. A gain
 * that would clip is made smaller, so that the peak is just below full scale.
 *
 * @param samples in [-1, 1); they stay as they are
 * @param gain in dB, for all recordings of a corpus; see `gainFor`
 */
export function treat(samples: Float32Array, sampleRate: number, treatment: Treatment, gain?: number): Float32Array {
  if (isUntreated(treatment)) return samples;
  const filtered = treatment.highPass === null ? samples : highPass(samples, sampleRate, treatment.highPass);
  const decibels = gain ?? gainFor(integratedLoudness([filtered], sampleRate), treatment);
  const peak = filtered.reduce((most, sample) => Math.max(most, Math.abs(sample)), 0);
  const factor = Math.min(10 ** (decibels / 20), peak > 0 ? fullScale / peak : 1);
  return filtered.map((sample) => factor * sample);
}

export function isUntreated(treatment: Treatment): boolean {
  return treatment.highPass === null && treatment.level === null;
}

/** The treatment in words, for people: `high-pass 60 Hz, level -23 LUFS`, or `none`. */
export function describeTreatment(treatment: Treatment): string {
  const parts = [
    ...(treatment.highPass === null ? [] : [`high-pass ${treatment.highPass} Hz`]),
    ...(treatment.level === null ? [] : [`level ${treatment.level} LUFS`]),
  ];
  return parts.length === 0 ? 'none' : parts.join(', ');
}
