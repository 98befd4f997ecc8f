import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { EventWriter } from './tensorboard.js';

/** Figures of the masks that the log shows; TensorBoard has them all. */
const shown = ['es/overlap', 'es/spread', 'es/noise', 'masks/churn', 'masks/ever_active'];

/** The figures of a chooser in a line; empty where there are none to show. */
export function describeMasks(figures: Readonly<Record<string, number>>): string {
  return shown.flatMap((name) => (name in figures ? [`${name} ${figures[name].toPrecision(3)}`] : [])).join(' · ');
}

/** Writes a picture of the masks into `masks/` of a run, with the step in its name, and into the events. */
export function writeMaskPicture(out: string, step: number, png: Uint8Array, events: EventWriter): void {
  const folder = join(out, 'masks');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, `step-${String(step).padStart(7, '0')}.png`), png);
  // Width and height stand in the header of a PNG, from byte 16 on.
  const size = new DataView(png.buffer, png.byteOffset + 16, 8);
  events.image('masks', step, png, size.getUint32(0), size.getUint32(4));
}
