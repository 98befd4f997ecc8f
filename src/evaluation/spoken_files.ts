import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { writeError } from '../audio/whole_file.js';
import { writeWav } from '../audio/write.js';
import type { Spoken } from './system.js';

/** The folder of the originals beside those of the systems. */
export const referenceFolder = 'reference';

/**
 * Writes what a system has said as `out/SYSTEM/CLIP.wav` and the original as `out/reference/CLIP.wav`, both 16-bit.
 * @throws {TtsError} ERR_FILE_WRITE
 */
export async function saveSpoken(out: string, system: string, id: string, { original, output, sampleRate }: Spoken): Promise<void> {
  for (const [folder, samples] of [[system, output], [referenceFolder, original]] as const) {
    const path = join(out, folder, `${id}.wav`);
    await mkdir(dirname(path), { recursive: true }).catch((error: unknown) => {
      throw writeError(path, error);
    });
    await writeWav(path, samples, sampleRate);
  }
}
