/** Mono audio; samples are nominally in [-1, 1). */
export interface Audio {
  /** Samples per second. */
  readonly sampleRate: number;
  readonly samples: Float32Array;
}

/** Converts samples in [-1, 1) to 16-bit integers: times 32768, rounded, clamped to [-32768, 32767]. */
export function toInt16(samples: Float32Array | Float64Array): Int16Array {
  const pcm = new Int16Array(samples.length);
  for (let i = 0; i < samples.length; i++) pcm[i] = Math.max(-32768, Math.min(32767, Math.round(samples[i] * 32768)));
  return pcm;
}

/** Converts 16-bit integers to samples in [-1, 1): divided by 32768, so that `toInt16(fromInt16(pcm))` is exact. */
export function fromInt16(pcm: Int16Array): Float32Array {
  const samples = new Float32Array(pcm.length);
  for (let i = 0; i < pcm.length; i++) samples[i] = pcm[i] / 32768;
  return samples;
}

/** A decoded file: samples in [-1, 1) for each channel, all of the same length. */
export interface DecodedAudio {
  readonly sampleRate: number;
  readonly channels: readonly Float32Array[];
}
