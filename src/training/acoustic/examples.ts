import { createHash } from 'node:crypto';
import type { MelSettings } from '../../audio/mel_settings.js';
import { TtsError } from '../../base/errors.js';
import type { FeatureStatistics } from '../../data/features/fit.js';
import type { FeatureStore, StoredClip } from '../../data/store/feature_store.js';
import { isPhoneId, prosodyValues } from '../../model/acoustic/config.js';
import type { AcousticStatistics } from '../../model/acoustic/model.js';

/** A clip's tokens and when they are spoken, as aligners give them. */
export interface AlignedClip {
  /** As in the corpus. */
  readonly id: string;
  /** In order, without gaps from 0 to the end of the clip; times in seconds. */
  readonly tokens: readonly { readonly id: number; readonly start: number; readonly end: number }[];
}

/** Tokens with their frames: what durations are learned from. */
export interface TimedTokens {
  readonly id: string;
  /** [tokens] */
  readonly ids: Uint8Array;
  /** [tokens] frames of each. */
  readonly durations: Int32Array;
}

/** A clip with audio, as all three networks learn from it. */
export interface AcousticExample extends TimedTokens {
  readonly clip: StoredClip;
  /** [frames] log F0 in Hz; where there is no voice, on a straight line between those around. */
  readonly contour: Float32Array;
  /** [frames] 1 where there is a voice. */
  readonly voiced: Uint8Array;
  /** [tokens, prosodyValues], standardised. */
  readonly prosody: Float32Array;
  /** [tokens] what each token's pitch counts: its voiced share, and a little where it has none. */
  readonly pitchWeight: Float32Array;
}

/** Everything that an acoustic model is trained on and measured by. */
export interface AcousticData {
  readonly train: readonly AcousticExample[];
  readonly validation: readonly AcousticExample[];
  /** Of other readers. */
  readonly others: readonly TimedTokens[];
  readonly statistics: AcousticStatistics;
  readonly features: MelSettings;
  /** SHA-256 of all that is learned from. */
  readonly hash: string;
  readonly notes: readonly string[];
}

/** Frames of a clip's tokens: ends are rounded, so no rounding adds up. The last token ends with the clip. */
export function framesOfTokens(
  { tokens }: AlignedClip,
  { sampleRate, hop }: MelSettings,
  frames?: number,
): TimedTokens['durations'] {
  const total = frames ?? Math.round((tokens[tokens.length - 1].end * sampleRate) / hop);
  let before = 0;
  return Int32Array.from(tokens, ({ end }, t) => {
    const at = t === tokens.length - 1 ? total : Math.min(total, Math.round((end * sampleRate) / hop));
    const count = Math.max(0, at - before);
    before += count;
    return count;
  });
}

/**
 * Puts recordings and alignments together.
 * @param pitch [frames] of a clip in Hz, 0 without a voice
 * @param given what numbers are standardised by; that of the clips to train on unless given
 * @throws {TtsError} ERR_CORPUS when no clip to train on has an alignment
 */
export async function acousticData(
  store: FeatureStore,
  alignments: readonly AlignedClip[],
  others: readonly AlignedClip[],
  pitch: (clip: StoredClip) => Promise<Float32Array> | Float32Array,
  given?: AcousticStatistics,
): Promise<AcousticData> {
  const { settings } = store;
  const aligned = new Map(alignments.map((alignment) => [alignment.id, alignment]));
  const raw = async (clips: readonly StoredClip[]): Promise<RawExample[]> => {
    const found: RawExample[] = [];
    for (const clip of clips) {
      const alignment = aligned.get(clip.id);
      if (alignment !== undefined && alignment.tokens.length > 1)
        found.push(rawExample(clip, alignment, given ?? store.statistics, settings, await pitch(clip)));
    }
    return found;
  };
  const [train, validation] = [await raw(store.train), await raw(store.validation)];
  const missing = store.train.length + store.validation.length - train.length - validation.length;
  if (train.length === 0)
    throw new TtsError(
      'ERR_CORPUS',
      `none of the ${store.train.length} clips to train on has an alignment, expected one for most of them`,
    );
  const statistics = given ?? statisticsOf(store.statistics, train);
  // A sentence that is held out must not come back from another reader.
  const key = ({ ids }: { ids: Uint8Array }) => ids.filter(isPhoneId).join();
  const heldOut = new Set(validation.map(key));
  const heldOutIds = new Set(store.validation.map(({ id }) => id));
  const timed = others
    .filter(({ id, tokens }) => !heldOutIds.has(id) && tokens.length > 1)
    .map((alignment) => ({
      id: alignment.id,
      ids: Uint8Array.from(alignment.tokens, ({ id }) => id),
      durations: framesOfTokens(alignment, settings),
    }))
    .filter((tokens) => !heldOut.has(key(tokens)));
  const hash = createHash('sha256').update(store.hash);
  for (const { id, ids, durations } of [...train, ...validation, ...timed])
    hash.update(id).update(ids).update(new Uint8Array(durations.buffer));
  return {
    train: train.map((example) => standardised(example, statistics)),
    validation: validation.map((example) => standardised(example, statistics)),
    others: timed,
    statistics,
    features: settings,
    hash: hash.digest('hex'),
    notes: missing === 0 ? [] : [`${missing} clips have no alignment and are left out`],
  };
}

/** An example before its numbers are standardised. */
interface RawExample extends Omit<AcousticExample, 'prosody'> {
  /** [tokens] means over the frames of each. */
  readonly logF0: Float64Array;
  readonly energy: Float64Array;
  readonly voicing: Float64Array;
}

function rawExample(
  clip: StoredClip,
  alignment: AlignedClip,
  statistics: Pick<FeatureStatistics, 'mean' | 'std'>,
  settings: MelSettings,
  pitch: Float32Array,
): RawExample {
  const { bins } = settings;
  const ids = Uint8Array.from(alignment.tokens, ({ id }) => id);
  const durations = framesOfTokens(alignment, settings, clip.frames);
  const voiced = Uint8Array.from(pitch, (frequency) => (frequency > 0 ? 1 : 0));
  const contour = continued(pitch);
  const mel = clip.features(0, clip.frames);
  const levels = new Float64Array(clip.frames);
  for (let frame = 0; frame < clip.frames; frame++)
    for (let bin = 0; bin < bins; bin++)
      levels[frame] += (mel[frame * bins + bin] - statistics.mean[bin]) / statistics.std[bin] / bins;
  const count = ids.length;
  const logF0 = new Float64Array(count);
  const energy = new Float64Array(count);
  const voicing = new Float64Array(count);
  for (let t = 0, first = 0; t < count; t++) {
    const end = first + durations[t];
    let sung = 0;
    let sum = 0;
    let all = 0;
    for (let frame = first; frame < end; frame++) {
      sung += voiced[frame];
      sum += voiced[frame] * contour[frame];
      all += contour[frame];
      energy[t] += levels[frame] / durations[t];
    }
    const at = Math.min(clip.frames - 1, first);
    logF0[t] = sung > 0 ? sum / sung : durations[t] > 0 ? all / durations[t] : contour[at];
    voicing[t] = durations[t] > 0 ? sung / durations[t] : 0;
    if (durations[t] === 0) energy[t] = levels[at];
    first = end;
  }
  const pitchWeight = Float32Array.from(voicing, (share) => 0.05 + share);
  return { id: clip.id, ids, durations, clip, contour, voiced, pitchWeight, logF0, energy, voicing };
}

/** log F0 of all frames, on straight lines through those without a voice. */
function continued(pitch: Float32Array): Float32Array {
  const contour = new Float32Array(pitch.length);
  const voiced = Array.from(pitch.keys()).filter((frame) => pitch[frame] > 0);
  if (voiced.length === 0) return contour.fill(Math.log(150));
  for (let frame = 0, next = 0; frame < pitch.length; frame++) {
    while (next < voiced.length && voiced[next] < frame) next++;
    const after = voiced[Math.min(next, voiced.length - 1)];
    const before = after <= frame ? after : voiced[Math.max(0, next - 1)];
    const share = after === before ? 0 : (frame - before) / (after - before);
    const [low, high] = [Math.log(pitch[before]), Math.log(pitch[after])];
    contour[frame] = low + Math.max(0, Math.min(1, share)) * (high - low);
  }
  return contour;
}

function statisticsOf({ mean, std }: FeatureStatistics, examples: readonly RawExample[]): AcousticStatistics {
  const pitches: number[] = [];
  const energies: number[] = [];
  for (const { ids, durations, logF0, voicing, energy } of examples)
    for (let t = 0; t < ids.length; t++) {
      if (durations[t] === 0 || !isPhoneId(ids[t])) continue;
      energies.push(energy[t]);
      if (voicing[t] > 0.5) pitches.push(logF0[t]);
    }
  return { mean, std, logF0: moments(pitches, Math.log(150)), energy: moments(energies, 0) };
}

function moments(values: readonly number[], otherwise: number): { mean: number; std: number } {
  if (values.length === 0) return { mean: otherwise, std: 1 };
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const square = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
  return { mean, std: Math.max(1e-3, Math.sqrt(square)) };
}

function standardised(
  { logF0, energy, voicing, ...example }: RawExample,
  { logF0: pitch, energy: level }: AcousticStatistics,
): AcousticExample {
  const prosody = new Float32Array(logF0.length * prosodyValues);
  for (let t = 0; t < logF0.length; t++)
    prosody.set(
      [(logF0[t] - pitch.mean) / pitch.std, (energy[t] - level.mean) / level.std, 2 * voicing[t] - 1],
      t * prosodyValues,
    );
  return { ...example, prosody };
}
