/**
 * Seconds from frame to frame of the measures that look at speech in frames, as usual for vocoders (WORLD, STRAIGHT,
 * SPTK).
 */
const hopSeconds = 0.005;

/** The same in samples. */
export function measureHop(sampleRate: number): number {
  return Math.max(1, Math.round(hopSeconds * sampleRate));
}
