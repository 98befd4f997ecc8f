type Arrays = ReadonlyMap<string, Float32Array | Int32Array>;

/** Entries of a checkpoint's arrays with their names under a common one: `weights` becomes `PREFIX/weights`. */
export function withPrefix(prefix: string, arrays: Arrays): [string, Float32Array | Int32Array][] {
  return [...arrays].map(([name, array]) => [`${prefix}/${name}`, array]);
}

/** The arrays that `withPrefix` put under this prefix, by their own names. */
export function underPrefix(prefix: string, arrays: Arrays): Map<string, Float32Array | Int32Array> {
  return new Map(
    [...arrays]
      .filter(([name]) => name.startsWith(`${prefix}/`))
      .map(([name, array]) => [name.slice(prefix.length + 1), array]),
  );
}
