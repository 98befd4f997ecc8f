import { join } from 'node:path';
import { makeFolder } from '../../base/output.js';
import { writeWholeFileSync } from '../../base/whole_file.js';
import { EventWriter } from './tensorboard.js';

/** The folder of a run while it trains: a place for samples and pictures, and the events for TensorBoard. */
export class RunFolder {
  readonly events: EventWriter;

  /** @param step where the run begins or goes on */
  constructor(
    readonly path: string,
    step: number,
  ) {
    makeFolder(path);
    this.events = new EventWriter(join(path, 'logs'), step);
  }

  /** Writes a picture of the masks into `masks/`, with the step in its name, and into the events. */
  maskPicture(step: number, png: Uint8Array): void {
    const folder = join(this.path, 'masks');
    makeFolder(folder);
    writeWholeFileSync(join(folder, `step-${String(step).padStart(7, '0')}.png`), png);
    // Width and height stand in the header of a PNG, from byte 16 on.
    const size = new DataView(png.buffer, png.byteOffset + 16, 8);
    this.events.image('masks', step, png, size.getUint32(0), size.getUint32(4));
  }

  /** Numbers at a step; those that are null are left out. */
  scalars(step: number, figures: Readonly<Record<string, number | null>>): void {
    for (const [name, value] of Object.entries(figures)) if (value !== null) this.events.scalar(name, step, value);
  }

  close(): void {
    this.events.close();
  }
}
