import { shortened } from '../../base/bounded_json.js';
import { canonicalJson } from '../../base/canonical_json.js';
import { TtsError } from '../../base/errors.js';

/** A value that differs, as JSON; `undefined` where there is none. */
export interface Difference {
  /** Path of keys with dots between. */
  readonly key: string;
  readonly was: string | undefined;
  readonly is: string | undefined;
}

/** Every value in which two pieces of plain data differ; arrays count as values. */
export function differences(before: unknown, now: unknown): Difference[] {
  const [old, present] = [before, now].map((value) => new Map(flatten(value)));
  return [...new Set([...present.keys(), ...old.keys()])]
    .map((key) => ({ key, was: old.get(key), is: present.get(key) }))
    .filter(({ was, is }) => was !== is);
}

/**
 * Refuses to go on with a run under other settings than those it began with.
 * @param out the run's folder
 * @param before what the checkpoint holds, `now` what is asked for: plain data
 * @throws {TtsError} ERR_CHECKPOINT with the first value that differs
 */
export function checkSameRun(out: string, before: unknown, now: unknown): void {
  for (const { key, was, is } of differences(before, now))
    throw new TtsError(
      'ERR_CHECKPOINT',
      `${out} holds a run with ${shortened(key)} ${shortened(was ?? 'unset')}, now ${shortened(is ?? 'unset')}; go on with the old ` +
        'settings, or give --out another folder',
    );
}

function flatten(value: unknown, path = ''): [string, string][] {
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return Object.entries(value).flatMap(([key, inner]) => flatten(inner, path ? `${path}.${key}` : key));
  return value === undefined ? [] : [[path, canonicalJson(value)]];
}
