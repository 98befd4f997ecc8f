import type { Document } from 'yaml';
import { canonicalJson } from '../../base/canonical_json.js';
import { TtsError } from '../../base/errors.js';
import type { AcousticModel } from '../../model/acoustic/model.js';
import type { Voice } from '../../model/voice/voice.js';
import { differences } from '../run_folder/same_run.js';
import { acousticSizeSchema } from './acoustic_schema.js';
import { sizeSchema } from './vocoder_schema.js';

/** What a voice and a run must have in common for the run to begin from the voice. */
export type Fitting = Pick<Voice, 'config' | 'features'>;

/** The same of an acoustic model, or of a voice. */
type AnyFitting = { readonly config: object; readonly features: object };

/**
 * Puts the sizes, the model and the features of a voice in place of those of a recipe, the counterpart of
 * `waveRnnConfig`.
 * @param sizeAsked whether a size is asked for by name: then the recipe's sizes stay as they are, to be compared with
 * the voice
 */
export function applyVoice(document: Document, { config, features }: Fitting, sizeAsked: boolean): void {
  const { block, ...rest } = config;
  applyNetwork(document, { ...rest, block: [block.rows, block.columns] }, features, sizeSchema, sizeAsked);
}

/** The same for an acoustic model, the counterpart of `acousticConfigOf`. */
export function applyAcoustic(
  document: Document,
  { config, features }: Pick<AcousticModel, 'config' | 'features'>,
  sizeAsked: boolean,
): void {
  applyNetwork(document, config, features, acousticSizeSchema, sizeAsked);
}

function applyNetwork(
  document: Document,
  config: object,
  features: object,
  { shape }: { readonly shape: object },
  sizeAsked: boolean,
): void {
  const entries = Object.entries(config);
  const ofSize = Object.fromEntries(entries.filter(([key]) => key in shape));
  const model = Object.fromEntries(entries.filter(([key]) => !(key in shape)));
  // Whole: what the recipe's model says and the voice does not have must go.
  document.setIn(['model'], document.createNode(model));
  document.setIn(['features'], document.createNode(features));
  if (sizeAsked) return;
  const sizes = Object.entries((document.toJS() as { sizes?: Record<string, unknown> }).sizes ?? {});
  const same = sizes.find(([, size]) => canonicalJson(size) === canonicalJson(ofSize));
  if (same) document.setIn(['size'], same[0]);
  else document.setIn(['sizes', document.get('size')], document.createNode(ofSize));
}

/**
 * @param name of the voice, for the message
 * @throws {TtsError} ERR_VOICE_MISMATCH with every value in which the run differs from the voice
 */
export function checkFits(name: string, voice: AnyFitting, asked: AnyFitting): void {
  const { config, features } = voice;
  const found = differences({ ...config, features }, { ...asked.config, features: asked.features });
  if (found.length === 0) return;
  const list = found.map(({ key, was, is }) => `${key} is ${is ?? 'unset'}, expected ${was ?? 'unset'}`);
  throw new TtsError(
    'ERR_VOICE_MISMATCH',
    `the run does not fit the voice ${name} that it is to begin from: ${list.join('; ')}; the voice brings these ` +
      'settings along, leave them out',
  );
}
