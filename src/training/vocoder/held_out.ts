import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fromInt16 } from '../../audio/audio.js';
import { writeWav } from '../../audio/write.js';
import { makeFolder } from '../../base/output.js';
import type { FeatureStore, StoredClip } from '../../data/store/feature_store.js';
import { meanInterval } from '../../evaluation/comparison.js';
import { type CopyReport, evaluateCopy } from '../../evaluation/copy_report.js';
import { negativeLogLikelihood } from '../../evaluation/nll.js';
import type { Kernels } from '../../kernels/index.js';
import type { TensorFlow } from '../../model/backend/fast_kernel.js';
import type { Voice } from '../../model/voice/voice.js';
import { GateConditioner } from '../../model/wavernn/conditioner.js';
import { synthesize } from '../../synthesis/synthesize.js';
import type { RunFolder } from '../run_folder/run_folder.js';
import type { VocoderTrainer } from './trainer.js';

/** Held-out clips whose likelihood is measured: more would tell little more and take long. */
const clipsMeasured = 32;

/**
 * Held-out NLL in nats per 16-bit sample of the deployed masks and the averaged weights: every sample of the first 32
 * held-out clips. NaN without clips.
 */
export function heldOutNll(tf: TensorFlow, kernels: Kernels, trainer: VocoderTrainer, store: FeatureStore): number {
  const { config } = trainer;
  const conditioner = new GateConditioner(tf, config, trainer.parameters.averagedConditioning(), trainer.statistics);
  return negativeLogLikelihood(
    { kernels, network: trainer.deployed(), config, conditioner, settings: store.settings },
    store.validation.slice(0, clipsMeasured),
  );
}

/** Held-out clips that are spoken at intervals. */
const clipsSpoken = 6;

/**
 * Speaks held-out clips by copy synthesis and writes them, with the step in the name, beside their targets in
 * `samples/` of the run.
 * @returns the means of the objective measures over the clips for which there is a value; null where there is none
 */
export async function writeSamples(
  { path: out, events }: RunFolder,
  step: number,
  voice: Voice,
  store: FeatureStore,
  kernels: Kernels,
): Promise<Record<string, number | null>> {
  const folder = join(out, 'samples');
  makeFolder(folder);
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
  return Object.fromEntries(
    names.map((name) => [`validation/${name}`, meanInterval(reports.map((report) => report[name])).mean]),
  );
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
