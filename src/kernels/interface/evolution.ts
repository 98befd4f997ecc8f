/**
 * Where the noise of the pairs of an evolution strategy begins: pair p has the standard normal numbers that
 * `fillNormals` of src/base/random.ts gives for (seed, stream, first + p · stride), within a few roundings.
 */
export interface PairNoise {
  readonly seed: number;
  readonly stream: number;
  readonly first: number;
  readonly stride: number;
}

/** What the kernels offer for evolution strategies with mirrored pairs. The noise is drawn where it is used. */
export interface EvolutionKernels {
  /**
   * Members 2p and 2p+1, [weights] each, become mean ± scale · sigma · noise of pair p; mean and sigma are [weights].
   */
  mirroredMembers(
    noise: PairNoise,
    mean: Float32Array,
    sigma: Float32Array,
    scale: number,
    members: readonly Float32Array[],
  ): void;
  /** sum [weights] = Σ_p pairs[p] · noise of pair p. */
  noiseSum(noise: PairNoise, pairs: Float32Array, sum: Float32Array): void;
}
