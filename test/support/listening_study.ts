import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { writeWav } from '../../src/audio/write.js';
import { RandomStream } from '../../src/base/random.js';
import type { StudyFile } from '../../src/listening/study/definition.js';

/** Noise with the rhythm of syllables. */
export function speechlike(seconds: number, sampleRate: number, seed: number, level: number): Float32Array {
  const random = new RandomStream(seed, 0);
  let low = 0;
  return Float32Array.from({ length: Math.round(seconds * sampleRate) }, (_, n) => {
    low += 0.3 * (random.normal() - low);
    return level * low * (0.6 + 0.4 * Math.sin((2 * Math.PI * 4 * n) / sampleRate));
  });
}

/** Writes the folder of a study: short clips of noise, each system with its own loudness. */
export async function writeStudyFolder(
  folder: string,
  file: StudyFile,
  options: { systems?: readonly string[]; clips?: readonly string[]; seconds?: number; sampleRate?: number } = {},
): Promise<void> {
  const {
    systems = ['reference', 'ours', 'theirs'],
    clips = ['one', 'two', 'three', 'four'],
    seconds = 0.6,
    sampleRate = 16000,
  } = options;
  for (const [s, system] of systems.entries()) {
    mkdirSync(join(folder, 'systems', system), { recursive: true });
    for (const [c, clip] of clips.entries())
      await writeWav(
        join(folder, 'systems', system, `${clip}.wav`),
        speechlike(seconds, sampleRate, 100 * s + c, 0.2 / (1 + s)),
        sampleRate,
      );
  }
  writeFileSync(join(folder, 'test.yaml'), stringify(file));
}
