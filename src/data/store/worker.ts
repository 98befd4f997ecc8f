import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import { toInt16 } from '../../audio/audio.js';
import { melSpectrogram } from '../../audio/mel.js';
import { readAudio } from '../../audio/read.js';
import { TtsError } from '../../base/errors.js';
import type { BuildAnswer, BuildTask, WorkerData } from './build.js';
import { filesOf, framesStored, writeWhole } from './files.js';

const { settings, folder } = workerData as WorkerData;

const bytesOf = (array: Int16Array | Float32Array) => new Uint8Array(array.buffer, array.byteOffset, array.byteLength);

async function build(path: string): Promise<{ content: string; frames: number }> {
  const content = createHash('sha256').update(readFileSync(path)).digest('hex');
  const files = filesOf(folder, content);
  const stored = framesStored(files, settings);
  if (stored !== undefined) return { content, frames: stored };
  const { samples } = await readAudio(path, { sampleRate: settings.sampleRate });
  const { data, frames } = melSpectrogram(samples, settings);
  const length = frames * settings.hop;
  if (length === 0) {
    throw new TtsError(
      'ERR_AUDIO_EMPTY',
      `${path} has ${samples.length} samples, expected at least one frame of ${settings.hop}`,
    );
  }
  const pcm = new Int16Array(length);
  pcm.set(toInt16(samples.subarray(0, length)));
  writeWhole(files.pcm, bytesOf(pcm));
  writeWhole(files.features, bytesOf(data));
  return { content, frames };
}

parentPort?.on('message', ({ index, path }: BuildTask) => {
  build(path).then(
    (result) => parentPort?.postMessage({ index, ...result } satisfies BuildAnswer),
    (error: unknown) =>
      parentPort?.postMessage({
        index,
        error: error instanceof Error ? error.message : String(error),
      } satisfies BuildAnswer),
  );
});
