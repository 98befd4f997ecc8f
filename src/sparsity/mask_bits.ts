import type { Mask } from './mask.js';

/** A mask as a checkpoint holds it: 32 blocks in each number, the first in the lowest bit. */
export function maskToBits(mask: Mask): Int32Array {
  const bits = new Int32Array(Math.ceil(mask.length / 32));
  for (let i = 0; i < mask.length; i++) bits[i >>> 5] |= mask[i] << (i & 31);
  return bits;
}

/**
 * The mask of `length` blocks from its bits. Throws RangeError when the bits are missing or those of another length.
 */
export function maskFromBits(bits: Int32Array | Float32Array | undefined, length: number): Mask {
  if (bits?.length !== Math.ceil(length / 32))
    throw new RangeError(`the saved mask has up to ${32 * (bits?.length ?? 0)} blocks, expected ${length}`);
  return Uint8Array.from({ length }, (_, i) => (bits[i >>> 5] >>> (i & 31)) & 1);
}
