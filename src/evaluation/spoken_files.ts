import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { writeWav } from '../audio/write.js';
import { writeError } from '../base/whole_file.js';

/** The folder of the originals beside those of the systems. */
export const referenceFolder = 'reference';

/**
 * Writes a clip as `out/FOLDER/CLIP.wav`, 16-bit; `folder` is the system's name, or that of the originals.
 * @throws {TtsError} ERR_FILE_WRITE
 */
export async function saveSpoken(
  out: string,
  folder: string,
  id: string,
  samples: Float32Array,
  sampleRate: number,
): Promise<void> {
  const path = join(out, folder, `${id}.wav`);
  await mkdir(dirname(path), { recursive: true }).catch((error: unknown) => {
    throw writeError(path, error);
  });
  await writeWav(path, samples, sampleRate);
}
