import type { WaveRnnConfig } from '../wavernn/config.js';

/**
 * The shapes of the conditioning network's tensors by name (see `conditioningParameters`), for features of `bins` bins.
 */
export function conditioningShapes(
  { hidden, conditioning: { channels, kernel, residualBlocks } }: WaveRnnConfig,
  bins: number,
): Record<string, number[]> {
  const kernels: Record<string, number[]> = { input: [kernel, bins, channels] };
  for (let i = 0; i < residualBlocks; i++) {
    kernels[`residual${i}.wide`] = [3, channels, channels];
    kernels[`residual${i}.narrow`] = [1, channels, channels];
  }
  kernels.output = [channels, 3 * hidden];
  return Object.fromEntries(
    Object.entries(kernels).flatMap(([name, shape]) => [
      [`${name}.kernel`, shape],
      [`${name}.bias`, shape.slice(-1)],
    ]),
  );
}
