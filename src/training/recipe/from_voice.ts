import type { Document } from 'yaml';
import { canonicalJson } from '../../base/canonical_json.js';
import { TtsError } from '../../base/errors.js';
import type { Voice } from '../../model/voice/voice.js';
import { differences } from '../run_folder/same_run.js';
import { sizeSchema } from './vocoder_schema.js';

/** What a voice and a run must have in common for the run to begin from the voice. */
export type Fitting = Pick<Voice, 'config' | 'features'>;

/**
 * Puts the sizes, the model and the features of a voice in place of those of a recipe, the counterpart of
 * `waveRnnConfig`.
 * @param sizeAsked whether a size is asked for by name: then the recipe's sizes stay as they are, to be compared with
 * the voice
 */
export function applyVoice(document: Document, { config, features }: Fitting, sizeAsked: boolean): void {
  const { block, ...rest } = config;
  const entries = Object.entries({ ...rest, block: [block.rows, block.columns] });
  const ofSize = Object.fromEntries(entries.filter(([key]) => key in sizeSchema.shape));
  const model = Object.fromEntries(entries.filter(([key]) => !(key in sizeSchema.shape)));
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
export function checkFits(name: string, voice: Fitting, asked: Fitting): void {
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
