import type { AdamState } from '../kernels/index.js';

/** New weights: no moments yet, the average is the weights themselves. */
export function freshState(weights: Float32Array): AdamState {
  return {
    weights,
    first: new Float32Array(weights.length),
    second: new Float32Array(weights.length),
    average: weights.slice(),
  };
}

/** The arrays of states as `NAME/KIND`, for a checkpoint. */
export function statesToArrays(states: Iterable<[name: string, state: AdamState]>): Map<string, Float32Array> {
  const arrays = new Map<string, Float32Array>();
  for (const [name, state] of states)
    for (const [kind, array] of Object.entries(state) as [string, Float32Array][]) arrays.set(`${name}/${kind}`, array);
  return arrays;
}

/** Fills states with what `statesToArrays` gave. Throws RangeError where an array is missing or has another size. */
export function statesFromArrays(
  states: Iterable<[name: string, state: AdamState]>,
  arrays: ReadonlyMap<string, Float32Array | Int32Array>,
): void {
  for (const [key, array] of statesToArrays(states)) {
    const saved = arrays.get(key);
    if (saved?.length !== array.length)
      throw new RangeError(`${key} has ${saved?.length ?? 0} elements in the checkpoint, expected ${array.length}`);
    array.set(saved);
  }
}

/**
 * Fills states with the means of copies, as `statesToArrays` gave them: in float64, in the order of the copies. Throws
 * RangeError, before anything is changed, where an array is missing or has another size.
 */
export function averageStates(
  states: Iterable<[name: string, state: AdamState]>,
  copies: readonly ReadonlyMap<string, Float32Array | Int32Array>[],
): void {
  const found = [...statesToArrays(states)].map(([key, array]) => ({
    array,
    from: copies.map((copy, i) => {
      const values = copy.get(key);
      if (values?.length !== array.length)
        throw new RangeError(`${key} of part ${i} has ${values?.length ?? 0} elements, expected ${array.length}`);
      return values;
    }),
  }));
  for (const { array, from } of found)
    for (let k = 0; k < array.length; k++) {
      let sum = 0;
      for (const values of from) sum += values[k];
      array[k] = sum / from.length;
    }
}

/** The norm of all arrays together. */
export function globalNorm(arrays: readonly Float32Array[]): number {
  let sum = 0;
  for (const array of arrays) for (let i = 0; i < array.length; i++) sum += array[i] * array[i];
  return Math.sqrt(sum);
}

/** The sum of arrays of one length; the first is overwritten. */
export function sumInto([first, ...others]: readonly Float32Array[]): Float32Array {
  for (const other of others) for (let i = 0; i < first.length; i++) first[i] += other[i];
  return first;
}
