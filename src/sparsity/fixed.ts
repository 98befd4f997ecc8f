import { RandomStream, streams } from '../kernels/random.js';
import type { MaskChooser, MaskedMatrix } from './chooser.js';
import { blockCount, highest, keptBlocks } from './mask.js';

/** Blocks drawn once, every block equally likely; the mask never changes. */
export function fixedMasks(matrices: readonly MaskedMatrix[], seed: number): MaskChooser {
  return {
    initial() {
      const random = new RandomStream(seed, streams.masks);
      return matrices.map((matrix) => {
        const scores = Float64Array.from({ length: blockCount(matrix) }, () => random.uint32());
        return highest(scores, keptBlocks(matrix, matrix.density));
      });
    },
    update: () => undefined,
  };
}
