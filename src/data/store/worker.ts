import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { workerData } from 'node:worker_threads';
import { toInt16 } from '../../audio/audio.js';
import { augment } from '../../audio/augmentation.js';
import { melSpectrogram } from '../../audio/mel.js';
import { readWithFaults } from '../../audio/read.js';
import { treat } from '../../audio/treatment.js';
import { TtsError } from '../../base/errors.js';
import type { BuildData, BuildResult } from './build.js';
import { filesOf, framesStored } from './files.js';
import { answerTasks } from './workers.js';

const {
  making: { settings, treatment, gain, altered },
  folder,
} = workerData as BuildData;

async function build(path: string): Promise<BuildResult> {
  const content = createHash('sha256').update(readFileSync(path)).digest('hex');
  const stored = await framesStored(filesOf(folder, content), settings);
  if (stored !== undefined) return { content, frames: stored };
  const recording = await readWithFaults(path, { sampleRate: settings.sampleRate });
  const rate = recording.fileRate;
  const hopeless = recording.faults.find(({ usable }) => !usable);
  if (hopeless) return { content, frames: 0, facts: { rate, notes: [], leftOut: hopeless.what } };
  const treated = treat(recording.samples, settings.sampleRate, treatment, gain);
  const seed = Number.parseInt(content.slice(0, 12), 16);
  const samples = altered ? augment(treated, settings.sampleRate, altered, seed, altered.copy) : treated;
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
  const notes = recording.faults.map(({ what }) => what);
  return { content, frames, made: { pcm, features: data }, facts: { rate, notes } };
}

answerTasks(build, ({ made }) => (made ? [made.pcm.buffer, made.features.buffer] : []));
