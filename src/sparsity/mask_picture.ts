import { encode } from 'fast-png';
import type { Mask, MatrixShape } from './mask.js';

/** Pixels between two matrices, and their grey: neither kept nor not. */
const gap = 4;
const gapGrey = 96;

/**
 * A PNG of the masks of all matrices side by side, tops in line: a square of `scale` × `scale` pixels per block, black
 * where no member keeps it, white where all do, grey by the share of the members between.
 * @param masks [member][matrix]
 */
export function maskPicture(
  matrices: readonly MatrixShape[],
  masks: readonly (readonly Mask[])[],
  scale = 1,
): Uint8Array {
  const sizes = matrices.map(({ rows, columns, block }) => ({
    height: rows / block.rows,
    width: columns / block.columns,
  }));
  const width = sizes.reduce((sum, size) => sum + scale * size.width, gap * (sizes.length - 1));
  const height = scale * Math.max(...sizes.map((size) => size.height));
  const data = new Uint8Array(width * height).fill(gapGrey);
  let left = 0;
  sizes.forEach((size, i) => {
    for (let y = 0; y < scale * size.height; y++) {
      for (let x = 0; x < scale * size.width; x++) {
        const block = Math.floor(y / scale) * size.width + Math.floor(x / scale);
        const holders = masks.reduce((sum, member) => sum + member[i][block], 0);
        data[y * width + left + x] = Math.round((255 * holders) / masks.length);
      }
    }
    left += scale * size.width + gap;
  });
  return encode({ width, height, data, channels: 1, depth: 8 });
}
