import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { concatenated } from '../../base/concatenated.js';
import type { Kernels } from '../../kernels/index.js';
import { type GpuCase, resultsOf } from './cases.js';

/** How far kernels in float32 may be from others, over the largest value of an array. */
export const tolerance = 1e-5;

/** Writes what `kernels` make of some cases: a file of float32 each, array after array. */
export function writeExpected(folder: string, cases: readonly GpuCase[], kernels: Kernels): void {
  for (const each of cases)
    writeFileSync(join(folder, `${each.name}.f32`), concatenated([...resultsOf(each, kernels).values()], Float32Array));
}

export interface CheckedCase {
  readonly name: string;
  /** Of the array that is farthest off. */
  readonly worst: string;
  readonly difference: number;
  /** Whether a second run gave the same bits. */
  readonly sameBits: boolean;
  readonly passed: boolean;
}

/** Compares what `kernels` make of a case with what is expected. */
export function checkCase(folder: string, each: GpuCase, kernels: Kernels): CheckedCase {
  const results = resultsOf(each, kernels);
  const bytes = readFileSync(join(folder, `${each.name}.f32`));
  const expected = new Float32Array(Uint8Array.from(bytes).buffer);
  let [worst, difference, at] = ['', 0, 0];
  for (const [name, array] of results) {
    const own = expected.subarray(at, (at += array.length));
    const largest = own.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    let far = own.length === array.length ? 0 : Infinity;
    for (let i = 0; i < own.length; i++) {
      const away = Math.abs(array[i] - own[i]) / (largest || 1);
      if (!(away <= far)) far = Number.isNaN(away) ? Infinity : away;
    }
    if (worst === '' || far > difference) [worst, difference] = [name, far];
  }
  const again = [...resultsOf(each, kernels).values()];
  const sameBits = [...results.values()].every((array, i) => array.every((value, k) => Object.is(value, again[i][k])));
  return { name: each.name, worst, difference, sameBits, passed: difference <= tolerance && sameBits };
}
