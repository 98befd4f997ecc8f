import { canonicalJson } from '../../base/canonical_json.js';
import { TtsError } from '../../base/errors.js';

/**
 * Refuses to go on with a run under other settings than those it began with.
 * @param out the run's folder
 * @param before what the checkpoint holds, `now` what is asked for: plain data
 * @throws {TtsError} ERR_CHECKPOINT with the first value that differs
 */
export function checkSameRun(out: string, before: unknown, now: unknown): void {
  const [old, present] = [before, now].map((value) => new Map(flatten(value)));
  for (const key of new Set([...present.keys(), ...old.keys()])) {
    const [was, is] = [old.get(key), present.get(key)];
    if (was !== is)
      throw new TtsError(
        'ERR_CHECKPOINT',
        `${out} holds a run with ${key} ${was ?? 'unset'}, now ${is ?? 'unset'}; go on with the old ` +
          'settings, or give --out another folder',
      );
  }
}

function flatten(value: unknown, path = ''): [string, string][] {
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return Object.entries(value).flatMap(([key, inner]) => flatten(inner, path ? `${path}.${key}` : key));
  return value === undefined ? [] : [[path, canonicalJson(value)]];
}
