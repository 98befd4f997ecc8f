import type { AlignerClip, AlignerModel } from './train.js';
export function misfits(
  found: readonly { material: AlignerClip; nodes: Int32Array; model: AlignerModel }[],
): (string | undefined)[] {
  return found.map(() => undefined);
}
