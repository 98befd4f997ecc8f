/** Typed arrays of a kind, one behind the other in one. @param type of the result, which there is of no arrays too */
export function concatenated<
  T extends Float32Array | Float64Array | Int32Array | Int16Array | Uint32Array | Uint8Array,
>(arrays: readonly T[], type: new (length: number) => T): T {
  const all = new type(arrays.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const array of arrays) {
    all.set(array, at);
    at += array.length;
  }
  return all;
}
