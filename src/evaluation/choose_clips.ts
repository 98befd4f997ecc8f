import { TtsError } from '../base/errors.js';
import type { Clip } from '../data/corpora/corpus.js';

/**
 * Some of a folder's clips.
 * @param ids of those wanted; all unless given
 * @param limit at most so many, the first ones
 * @throws {TtsError} ERR_CORPUS when one is missing
 */
export function chooseClips(
  clips: readonly Clip[],
  folder: string,
  { ids, limit = Infinity }: { ids?: readonly string[]; limit?: number },
): Clip[] {
  const missing = ids?.filter((id) => clips.every((clip) => clip.id !== id)) ?? [];
  if (missing.length > 0)
    throw new TtsError(
      'ERR_CORPUS',
      `${folder} has no clip ${missing[0]}, expected one of its ${clips.length}, such as ${clips[0].id}`,
    );
  return clips.filter(({ id }) => ids === undefined || ids.includes(id)).slice(0, limit);
}
