import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fromInt16 } from '../../audio/audio.js';
import { writeWav } from '../../audio/write.js';
import type { FeatureStore, StoredClip } from '../../data/store/feature_store.js';
import { meanInterval } from '../../evaluation/comparison.js';
import { type CopyReport, evaluateCopy } from '../../evaluation/copy_report.js';
import type { Kernels } from '../../kernels/index.js';
import type { Voice } from '../../model/voice/voice.js';
import { synthesize } from '../../synthesis/synthesize.js';
import type { EventWriter } from '../run_folder/tensorboard.js';

/** Held-out clips that are spoken at intervals. */
const clipsSpoken = 6;

/**
 * Speaks held-out clips by copy synthesis and writes them, with the step in the name, beside their targets in `folder`.
 * @returns the means of the objective measures over the clips for which there is a value; null where there is none
 */
export async function writeSamples(
  folder: string,
  step: number,
  voice: Voice,
  store: FeatureStore,
  kernels: Kernels,
  events: EventWriter,
): Promise<Partial<Record<keyof CopyReport, number | null>>> {
  mkdirSync(folder, { recursive: true });
  const reports: CopyReport[] = [];
  for (const clip of store.validation.slice(0, clipsSpoken)) {
    const { sampleRate } = store.settings;
    const name = clip.id.replaceAll(/[^\w.-]+/g, '_');
    const target = clip.pcm(0, clip.samples);
    const targetPath = join(folder, `${name}-target.wav`);
    if (!existsSync(targetPath)) await writeWav(targetPath, target, sampleRate);
    const spoken = await speak(voice, clip, kernels);
    const path = join(folder, `${name}-step-${String(step).padStart(7, '0')}.wav`);
    await writeWav(path, spoken, sampleRate);
    events.audio(`samples/${name}`, step, readFileSync(path), sampleRate, spoken.length);
    reports.push(evaluateCopy(fromInt16(target), fromInt16(spoken), sampleRate));
  }
  const names = Object.keys(reports[0] ?? {}) as (keyof CopyReport)[];
  return Object.fromEntries(names.map((name) => [name, meanInterval(reports.map((report) => report[name])).mean]));
}

/** Copy synthesis of a whole clip. */
async function speak(voice: Voice, clip: StoredClip, kernels: Kernels): Promise<Int16Array> {
  const pcm = new Int16Array(clip.samples);
  let at = 0;
  for await (const chunk of synthesize(
    voice,
    { data: clip.features(0, clip.frames), frames: clip.frames },
    { kernels },
  )) {
    pcm.set(chunk, at);
    at += chunk.length;
  }
  return pcm;
}
