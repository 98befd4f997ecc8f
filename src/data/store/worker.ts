import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import { toInt16 } from '../../audio/audio.js';
import { melSpectrogram } from '../../audio/mel.js';
import { readAudio } from '../../audio/read.js';
import { TtsError } from '../../base/errors.js';
import type { BuildAnswer, BuildTask, WorkerData } from './build.js';
import { filesOf, framesStored } from './files.js';

const { settings, folder } = workerData as WorkerData;

type Built = Omit<Extract<BuildAnswer, { content: string }>, 'index'>;

async function build(path: string): Promise<Built> {
  const content = createHash('sha256').update(readFileSync(path)).digest('hex');
  const stored = framesStored(filesOf(folder, content), settings);
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
  return { content, frames, made: { pcm, features: data } };
}

parentPort?.on('message', ({ index, path }: BuildTask) => {
  build(path).then(
    (built) =>
      parentPort?.postMessage(
        { index, ...built } satisfies BuildAnswer,
        built.made ? ([built.made.pcm.buffer, built.made.features.buffer] as ArrayBuffer[]) : [],
      ),
    (error: unknown) =>
      parentPort?.postMessage({
        index,
        error: error instanceof Error ? error.message : String(error),
      } satisfies BuildAnswer),
  );
});
