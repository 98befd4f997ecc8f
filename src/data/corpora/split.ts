import { createHash } from 'node:crypto';
import { TtsError } from '../../base/errors.js';

/** Which clips are held out from training. */
export interface ValidationChoice {
  /** Share of the clips, 0 … 1, chosen by a hash of the id. */
  readonly share?: number;
  /** Exactly these ids. With `share` beside it, the share holds for a corpus that has none of them. */
  readonly clips?: readonly string[];
}

/** Where an id lies in [0, 1), evenly: the first 48 bits of its SHA-256. */
function position(id: string): number {
  return createHash('sha256').update(id).digest().readUIntBE(0, 6) / 2 ** 48;
}

/**
 * The ids to hold out. By share, an id is held out if its hash lies below the share: it does not depend on the order or
 * on the other clips, so a clip keeps its side when the corpus grows. If that holds out none of two or more clips, the
 * one with the lowest hash is. Throws ERR_CORPUS if listed ids are missing or nothing is left to train on, ERR_ARGUMENT
 * for a share outside 0 … 1.
 */
export function validationIds(ids: readonly string[], { share, clips }: ValidationChoice): Set<string> {
  if (share !== undefined && !(share >= 0 && share <= 1)) {
    throw new TtsError('ERR_ARGUMENT', `the validation share is ${share}, expected a number in 0 … 1`);
  }
  const all = new Set(ids);
  const listed = clips ?? [];
  const missing = listed.filter((id) => !all.has(id));
  const useList = listed.length > 0 && (share === undefined || missing.length < listed.length);
  if (useList && missing.length > 0) {
    throw new TtsError(
      'ERR_CORPUS',
      `the corpus lacks ${missing.length} of the ${listed.length} listed validation clips; the first is ` +
        `${missing[0]}, expected an id such as ${ids[0]}`,
    );
  }
  const chosen = useList ? new Set(listed) : chooseByHash(ids, share ?? 0);
  if (chosen.size === all.size) {
    throw new TtsError('ERR_CORPUS', `all ${all.size} clips are held out for validation, expected some to train on`);
  }
  return chosen;
}

function chooseByHash(ids: readonly string[], share: number): Set<string> {
  const chosen = ids.filter((id) => position(id) < share);
  if (chosen.length === 0 && share > 0 && ids.length > 1) {
    chosen.push(ids.reduce((lowest, id) => (position(id) < position(lowest) ? id : lowest)));
  }
  return new Set(chosen);
}
