import { createHash } from 'node:crypto';
import { TtsError } from '../../base/errors.js';
import type { Clip } from './corpus.js';
import { sameName } from './text.js';

/** Which clips are held out from training. */
export interface ValidationChoice {
  /** Share of the clips, 0 … 1, chosen by a hash of the text, or of the id where there is none. */
  readonly share?: number;
  /** These ids. With `share` beside it, the share holds for a corpus that has none of them. */
  readonly clips?: readonly string[];
}

type ClipToSplit = Pick<Clip, 'id' | 'text' | 'corpus'>;

/**
 * What is said, without what does not sound: lower case, letters and digits alone. Equal for takes of one text; empty
 * for a clip without a transcript.
 */
export function spokenText(text = ''): string {
  return text
    .normalize('NFKC')
    .toLowerCase()
    .replace(/[^\p{L}\p{M}\p{N}]+/gu, '');
}

/** Clips that have to stay on one side have the same key: takes of one text. */
const keyOf = ({ id, text }: ClipToSplit): string => spokenText(text) || id;

/** The id within the clip's own corpus. */
const shortId = ({ id, corpus }: ClipToSplit): string => (corpus === undefined ? id : id.slice(corpus.length + 1));

/** Where a key lies in [0, 1), evenly: the first 48 bits of its SHA-256. */
function position(key: string): number {
  return createHash('sha256').update(key).digest().readUIntBE(0, 6) / 2 ** 48;
}

/**
 * The ids to hold out. Takes of one text (see `spokenText`) stay on one side: a voice that has heard a sentence is not
 * measured on it. By share, a clip is held out if the hash of its text, or of its id without one, lies below the share:
 * it does not depend on the order or on the other clips, so a clip keeps its side when the corpus grows. If that holds
 * out none of two or more texts, the one with the lowest hash is. Listed clips take the other takes of their texts with
 * them. Throws ERR_CORPUS if listed ids are missing or nothing is left to train on, ERR_ARGUMENT for a share outside
 * 0 … 1.
 */
export function validationIds(all: readonly ClipToSplit[], { share, clips = [] }: ValidationChoice): Set<string> {
  const listed = clips.map(sameName);
  if (share !== undefined && !(share >= 0 && share <= 1)) {
    throw new TtsError('ERR_ARGUMENT', `the validation share is ${share}, expected a number in 0 … 1`);
  }
  const keys = new Map(all.map((clip) => [clip.id, keyOf(clip)]));
  // A list may leave the name of the corpus away.
  const named = new Map([...all.map((clip) => [shortId(clip), keyOf(clip)] as const), ...keys]);
  const missing = listed.filter((id) => !named.has(id));
  const useList = listed.length > 0 && (share === undefined || missing.length < listed.length);
  if (useList && missing.length > 0) {
    throw new TtsError(
      'ERR_CORPUS',
      `the corpus lacks ${missing.length} of the ${listed.length} listed validation clips; the first is ` +
        `${missing[0]}, expected an id such as ${all[0].id}`,
    );
  }
  const heldOut = useList ? new Set(listed.map((id) => named.get(id))) : chooseByHash([...keys.values()], share ?? 0);
  const chosen = new Set([...keys].flatMap(([id, key]) => (heldOut.has(key) ? [id] : [])));
  if (chosen.size === keys.size) {
    throw new TtsError('ERR_CORPUS', `all ${keys.size} clips are held out for validation, expected some to train on`);
  }
  return chosen;
}

function chooseByHash(all: readonly string[], share: number): Set<string> {
  const keys = [...new Set(all)];
  const chosen = keys.filter((key) => position(key) < share);
  if (chosen.length === 0 && share > 0 && keys.length > 1) {
    chosen.push(keys.reduce((lowest, key) => (position(key) < position(lowest) ? key : lowest)));
  }
  return new Set(chosen);
}
