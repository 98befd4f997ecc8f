import { differingSettings } from '../../audio/mel_settings.js';
import { TtsError } from '../../base/errors.js';
import { limits, within } from '../../base/limits.js';
import { type Token, tokenSymbols } from '../../text/tokens.js';
import type { Voice } from '../voice/voice.js';
import { isPhoneId, prosodyValues } from './config.js';
import { MelDecoder } from './decoder.js';
import { HarmonicTemplate } from './harmonics.js';
import { Buffers, type Product } from './layers.js';
import type { AcousticModel } from './model.js';
import { tokenBatch } from './positions.js';
import { TokenNetwork } from './token_network.js';

export interface PredictOptions {
  /** Times as fast; 1 as read. */
  readonly speed?: number;
  /** Times as high; 1 as read. */
  readonly pitch?: number;
}

/** A sentence as mels, and when its tokens are spoken. */
export interface PredictedMel {
  /** [frames, bins], for a voice with the model's feature settings. */
  readonly data: Float32Array;
  readonly frames: number;
  /** [tokens + 1] first frames: token i has starts[i] … starts[i + 1] - 1, none where a boundary is no silence. */
  readonly starts: Int32Array;
  /** [frames] the fundamental frequency that it is spoken at, in Hz. */
  readonly f0: Float32Array;
}

/** More frames of one token are no speech. */
const longestToken = 200;

/** Frames of each token, before and after they are rounded: [tokens]. */
export interface PredictedDurations {
  readonly exact: Float32Array;
  readonly frames: Int32Array;
}

/** Makes mels of tokens; one call at a time. It needs nothing of Node. */
export class MelPredictor {
  private readonly durationNetwork: TokenNetwork;
  private readonly prosodyNetwork: TokenNetwork;
  private readonly decoder: MelDecoder;
  private readonly template: HarmonicTemplate;

  /** @param kernels for the products of matrices */
  constructor(
    private readonly model: AcousticModel,
    kernels: Product,
  ) {
    const { config, features } = model;
    const shared = new Buffers();
    const { predictorDilations } = config;
    this.durationNetwork = new TokenNetwork(kernels, 'durations', config, predictorDilations, 1, shared);
    this.prosodyNetwork = new TokenNetwork(kernels, 'prosody', config, predictorDilations, prosodyValues, shared);
    this.decoder = new MelDecoder(kernels, config, features.bins, shared);
    this.template = new HarmonicTemplate(features);
  }

  /**
   * The mel spectrogram of a sentence, by its tokens (see `tokensOf`). An empty sequence has no frames.
   * @throws {TtsError} ERR_ARGUMENT for a token or a factor that there is not; ERR_NOT_FINITE for weights so large that
   * what comes out is not finite
   */
  predict(tokens: readonly Pick<Token, 'id'>[], { speed = 1, pitch = 1 }: PredictOptions = {}): PredictedMel {
    for (const [name, factor] of Object.entries({ speed, pitch }))
      if (typeof factor !== 'number' || !within(factor, limits.factor))
        throw new TtsError(
          'ERR_ARGUMENT',
          `${name} is ${String(factor)}, expected a number from ${limits.factor.least} to ${limits.factor.most}`,
        );
    const bad = tokens.findIndex(({ id }) => !Number.isInteger(id) || id < 0 || id >= tokenSymbols.length);
    if (bad >= 0)
      throw new TtsError(
        'ERR_ARGUMENT',
        `token ${bad} has number ${tokens[bad].id}, expected 0 to ${tokenSymbols.length - 1}`,
      );
    const ids = Uint8Array.from(tokens, ({ id }) => id);
    if (ids.length === 0) return this.decode(ids, new Int32Array(0), new Float32Array(0));
    return this.decode(ids, this.durations(ids, speed).frames, this.prosody(ids), { pitch });
  }

  /**
   * Frames of each token. What is rounded away from one phone is given to the next, so that a word keeps its length; a
   * phone has one frame at least.
   */
  durations(ids: Uint8Array, speed = 1): PredictedDurations {
    const logs = this.durationNetwork.forward(this.model.weights, tokenBatch([ids], new Uint8Array(1)));
    // NaN counts as nothing: what is not finite shows in the mels.
    const exact = logs.map((value) => Math.min(longestToken, Math.max(0, Math.expm1(value) || 0) / speed));
    const frames = new Int32Array(ids.length);
    let left = 0;
    for (let t = 0; t < ids.length; t++) {
      if (!isPhoneId(ids[t])) {
        frames[t] = Math.round(exact[t]);
        continue;
      }
      frames[t] = Math.max(1, Math.round(exact[t] + left));
      left = Math.max(-1, Math.min(1, exact[t] + left - frames[t]));
    }
    return { exact, frames };
  }

  /** How each token is said: standardised log F0 and energy, and voicing from -1 to 1. @returns [tokens, 3] */
  prosody(ids: Uint8Array): Float32Array {
    return this.prosodyNetwork.forward(this.model.weights, tokenBatch([ids])).slice();
  }

  /**
   * Mels of tokens with given frames and prosody.
   * @param options.contour [frames] log F0 in Hz instead of that of the prosody
   */
  decode(
    ids: Uint8Array,
    durations: Int32Array,
    prosody: Float32Array,
    options: { readonly pitch?: number; readonly contour?: Float32Array } = {},
  ): PredictedMel {
    const { pitch = 1, contour: given } = options;
    const { features, statistics, weights } = this.model;
    const { bins } = features;
    const starts = new Int32Array(ids.length + 1);
    durations.forEach((count, t) => (starts[t + 1] = starts[t] + count));
    const frames = starts[ids.length];
    if (frames === 0) return { data: new Float32Array(0), frames, starts, f0: new Float32Array(0) };
    const shifted = prosody.slice();
    const { logF0 } = statistics;
    for (let t = 0; t < ids.length; t++) shifted[t * prosodyValues] += Math.log(pitch) / logF0.std;
    const contour = given ?? contourOf(ids, starts, shifted, logF0);
    const templates = new Float32Array(frames * bins);
    this.template.fill(contour, templates);
    const mel = this.decoder.forward(weights, tokenBatch([ids]), { durations, prosody: shifted, templates });
    const data = new Float32Array(mel.length);
    for (let i = 0; i < mel.length; i++) data[i] = mel[i] * statistics.std[i % bins] + statistics.mean[i % bins];
    const f0 = contour.map(Math.exp);
    checkFinite('mels', data, bins);
    checkFinite('a pitch', f0, 1);
    return { data, frames, starts, f0 };
  }
}

/** @throws {TtsError} ERR_NOT_FINITE for values, so many a frame, that are not finite */
function checkFinite(what: string, values: Float32Array, perFrame: number): void {
  const wrong = values.findIndex((value) => !Number.isFinite(value));
  if (wrong >= 0)
    throw new TtsError(
      'ERR_NOT_FINITE',
      `the acoustic model gives ${what} of ${values[wrong]} in frame ${Math.floor(wrong / perFrame)}, expected finite ` +
        'numbers: its weights or statistics are absurdly large',
    );
}

/**
 * The melody, log F0 of each frame: straight lines between the middles of the tokens that last some time.
 * @param starts [tokens + 1] the first frame of each
 * @param prosody [tokens, 3], log F0 first, standardised
 */
export function contourOf(
  ids: Uint8Array,
  starts: Int32Array,
  prosody: Float32Array,
  logF0: { readonly mean: number; readonly std: number },
): Float32Array {
  const frames = starts[ids.length];
  const contour = new Float32Array(frames);
  // Pauses have no melody of their own.
  const tokens = Array.from(ids.keys()).filter((t) => starts[t + 1] > starts[t] && isPhoneId(ids[t]));
  const middle = (t: number) => (starts[t] + starts[t + 1]) / 2;
  const value = (t: number) => prosody[t * prosodyValues] * logF0.std + logF0.mean;
  for (let frame = 0, next = 0; frame < frames; frame++) {
    while (next < tokens.length && middle(tokens[next]) <= frame + 0.5) next++;
    const before = tokens[next - 1] as number | undefined;
    const after = tokens[next] as number | undefined;
    if (before === undefined) contour[frame] = after === undefined ? logF0.mean : value(after);
    else if (after === undefined) contour[frame] = value(before);
    else {
      const share = (frame + 0.5 - middle(before)) / (middle(after) - middle(before));
      contour[frame] = value(before) + share * (value(after) - value(before));
    }
  }
  return contour;
}

/**
 * @param names of the two, for the message
 * @throws {TtsError} ERR_VOICE_MISMATCH when a voice expects other mels than an acoustic model makes
 */
export function checkVoiceFits(
  model: Pick<AcousticModel, 'features'>,
  voice: Pick<Voice, 'features'>,
  names: { readonly model: string; readonly voice: string },
): void {
  const found = differingSettings(model.features, voice.features);
  if (found.length === 0) return;
  const list = found.map(
    (key) => `${key} is ${JSON.stringify(model.features[key])}, expected ${JSON.stringify(voice.features[key])}`,
  );
  throw new TtsError(
    'ERR_VOICE_MISMATCH',
    `the mels of ${names.model} are not those of the voice ${names.voice}: ${list.join('; ')}`,
  );
}
