import { closeSync, fsyncSync, openSync, writeSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { makeFolder } from '../../base/output.js';
import { writeError } from '../../base/whole_file.js';
import { bytesField, doubleField, floatField, intField, message, record, stringField } from './tensorboard_encoding.js';

/**
 * The PNG colour type (byte 25 of the file) as TensorBoard's colorspace: greyscale 1, greyscale with alpha 2, RGB 3,
 * RGBA 4.
 */
const colorspaces: Record<number, number> = { 0: 1, 2: 3, 3: 3, 4: 2, 6: 4 };

/**
 * Writes what TensorBoard shows, into a new event file in a folder (TFRecords of `Event` messages; field numbers from
 * event.proto and summary.proto in github.com/tensorflow/tensorboard, tensorboard/compat/proto). Every call is on its
 * way to the disk when it returns.
 */
export class EventWriter {
  readonly path: string;
  private readonly file: number;

  /**
   * `step` is where the run starts or resumes: TensorBoard forgets what earlier files say about this step and later
   * ones.
   */
  constructor(dir: string, step = 0) {
    makeFolder(dir);
    [this.path, this.file] = openNew(dir);
    this.event(0, stringField(3, 'brain.Event:2'));
    const start = 1;
    if (step > 0) this.event(step, message(7, intField(1, start)));
  }

  /** A number at a step. */
  scalar(tag: string, step: number, value: number): void {
    this.summary(step, tag, floatField(2, value));
  }

  /** A sound at a step: the bytes of a mono WAV file, its sample rate in Hz and its length in samples. */
  audio(tag: string, step: number, wavBytes: Uint8Array, sampleRate: number, frames: number): void {
    const channels = 1;
    this.summary(
      step,
      tag,
      message(
        6,
        floatField(1, sampleRate),
        intField(2, channels),
        intField(3, frames),
        bytesField(4, wavBytes),
        stringField(5, 'audio/wav'),
      ),
    );
  }

  /** A picture at a step: the bytes of a PNG file and its size in pixels. */
  image(tag: string, step: number, pngBytes: Uint8Array, width: number, height: number): void {
    const colorspace = colorspaces[pngBytes[25]] ?? 3;
    this.summary(
      step,
      tag,
      message(4, intField(1, height), intField(2, width), intField(3, colorspace), bytesField(4, pngBytes)),
    );
  }

  /** Waits until everything is on the disk. */
  flush(): void {
    fsyncSync(this.file);
  }

  close(): void {
    this.flush();
    closeSync(this.file);
  }

  private summary(step: number, tag: string, value: Uint8Array): void {
    this.event(step, message(5, message(1, stringField(1, tag), value)));
  }

  private event(step: number, what: Uint8Array): void {
    const bytes = record(Buffer.concat([doubleField(1, Date.now() / 1000), intField(2, step), what]));
    try {
      for (let at = 0; at < bytes.length;) at += writeSync(this.file, bytes, at);
    } catch (error) {
      throw writeError(this.path, error);
    }
  }
}

/**
 * A file that did not exist; TensorBoard reads a folder's event files in the order of their names, which start with the
 * time.
 */
function openNew(dir: string): [path: string, file: number] {
  for (let attempt = 0; ; attempt++) {
    const seconds = String(Math.floor(Date.now() / 1000)).padStart(10, '0');
    const path = join(dir, `events.out.tfevents.${seconds}.${hostname()}.${process.pid}.${attempt}`);
    try {
      return [path, openSync(path, 'wx')];
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw writeError(path, error);
    }
  }
}
