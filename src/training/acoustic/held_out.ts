import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fromInt16 } from '../../audio/audio.js';
import { writeWav } from '../../audio/write.js';
import { makeFolder } from '../../base/output.js';
import { meanInterval } from '../../evaluation/comparison.js';
import { type CopyReport, evaluateWarped } from '../../evaluation/copy_report.js';
import type { Kernels } from '../../kernels/index.js';
import { isPhoneId } from '../../model/acoustic/config.js';
import type { AcousticModel } from '../../model/acoustic/model.js';
import { contourOf, MelPredictor } from '../../model/acoustic/predict.js';
import type { Voice } from '../../model/voice/voice.js';
import { synthesize } from '../../synthesis/synthesize.js';
import type { RunFolder } from '../run_folder/run_folder.js';
import type { AcousticExample } from './examples.js';

/** Held-out clips that are measured: more would tell little more and take long. */
const clipsMeasured = 64;
/** Held-out clips that are spoken at intervals. */
const clipsSpoken = 6;

/** Which of the networks have begun to learn. */
export interface Learned {
  readonly prosody: boolean;
  readonly decoder: boolean;
}

/**
 * How near a model comes to held-out clips, each network by itself: durations of phones; pitch of voiced frames, with
 * the recording's durations; mels, with the recording's durations and prosody, and with predicted prosody.
 */
export function measureHeldOut(
  model: AcousticModel,
  kernels: Kernels,
  examples: readonly AcousticExample[],
  learned: Learned,
): Record<string, number | null> {
  const measured = examples.slice(0, clipsMeasured);
  const predictor = new MelPredictor(model, kernels);
  const { logF0 } = model.statistics;
  const durations = new Pairs();
  const pitch = new Pairs();
  let predicted = 0;
  let spoken = 0;
  const distances = { own: 0, predicted: 0, values: 0 };
  for (const example of measured) {
    const { ids, clip, voiced, contour } = example;
    const guess = predictor.durations(ids);
    for (let t = 0; t < ids.length; t++) if (isPhoneId(ids[t])) durations.add(guess.exact[t], example.durations[t]);
    predicted += guess.exact.reduce((sum, frames) => sum + frames, 0);
    spoken += clip.frames;
    if (!learned.prosody) continue;
    const starts = new Int32Array(ids.length + 1);
    example.durations.forEach((count, t) => (starts[t + 1] = starts[t] + count));
    const prosody = predictor.prosody(ids);
    const melody = contourOf(ids, starts, prosody, logF0);
    for (let frame = 0; frame < clip.frames; frame++) if (voiced[frame] === 1) pitch.add(melody[frame], contour[frame]);
    if (!learned.decoder) continue;
    const target = clip.features(0, clip.frames);
    const away = (values: Float32Array): number =>
      values.reduce((sum, value, i) => sum + Math.abs(value - target[i]), 0);
    distances.own += away(predictor.decode(ids, example.durations, example.prosody, { contour }).data);
    distances.predicted += away(predictor.decode(ids, example.durations, prosody).data);
    distances.values += target.length;
  }
  const cents = 1200 / Math.LN2;
  return {
    'validation/duration_correlation': durations.correlation(),
    'validation/duration_ratio': spoken > 0 ? predicted / spoken : null,
    ...(learned.prosody && {
      'validation/f0_correlation': pitch.correlation(),
      'validation/f0_rmse': cents * pitch.rootMeanSquare(),
      // Of who says every phone at the reader's mean pitch.
      'validation/f0_rmse_constant': cents * pitch.rootMeanSquare(logF0.mean),
    }),
    ...(learned.decoder && {
      'validation/mel_distance': distances.own / distances.values,
      'validation/mel_distance_predicted': distances.predicted / distances.values,
    }),
  };
}

/** Predicted values beside true ones. */
class Pairs {
  private readonly predicted: number[] = [];
  private readonly actual: number[] = [];

  add(predicted: number, actual: number): void {
    this.predicted.push(predicted);
    this.actual.push(actual);
  }

  /** Pearson's correlation; null where one side does not vary. */
  correlation(): number | null {
    const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
    const [a, b] = [mean(this.predicted), mean(this.actual)];
    let [ab, aa, bb] = [0, 0, 0];
    this.predicted.forEach((value, i) => {
      ab += (value - a) * (this.actual[i] - b);
      aa += (value - a) ** 2;
      bb += (this.actual[i] - b) ** 2;
    });
    return aa > 0 && bb > 0 ? ab / Math.sqrt(aa * bb) : null;
  }

  /** Of the errors, or of those of a constant in place of what was predicted. */
  rootMeanSquare(constant?: number): number {
    const squares = this.actual.reduce((sum, value, i) => sum + (value - (constant ?? this.predicted[i])) ** 2, 0);
    return Math.sqrt(squares / this.actual.length);
  }
}

/**
 * Speaks held-out clips by their tokens, with all that the model predicts, and writes them beside their targets in
 * `samples/` of the run. The measures are those of `evaluateWarped`.
 */
export async function speakHeldOut(
  { path: out, events }: RunFolder,
  step: number,
  model: AcousticModel,
  voice: Voice,
  examples: readonly AcousticExample[],
  kernels: Kernels,
): Promise<Record<string, number | null>> {
  const folder = join(out, 'samples');
  makeFolder(folder);
  const { sampleRate } = model.features;
  const predictor = new MelPredictor(model, kernels);
  const reports: CopyReport[] = [];
  for (const { clip, ids } of examples.slice(0, clipsSpoken)) {
    const name = clip.id.replaceAll(/[^\w.-]+/g, '_');
    const target = clip.pcm(0, clip.samples);
    const targetPath = join(folder, `${name}-target.wav`);
    if (!existsSync(targetPath)) await writeWav(targetPath, target, sampleRate);
    const { data, frames } = predictor.predict(Array.from(ids, (id) => ({ id })));
    const chunks: Int16Array[] = [];
    for await (const chunk of synthesize(voice, { data, frames }, { kernels })) chunks.push(chunk.slice());
    const spoken = new Int16Array(chunks.reduce((sum, { length }) => sum + length, 0));
    let at = 0;
    for (const chunk of chunks) {
      spoken.set(chunk, at);
      at += chunk.length;
    }
    const path = join(folder, `${name}-step-${String(step).padStart(7, '0')}.wav`);
    await writeWav(path, spoken, sampleRate);
    events.audio(`samples/${name}`, step, readFileSync(path), sampleRate, spoken.length);
    reports.push(evaluateWarped(fromInt16(target), fromInt16(spoken), sampleRate));
  }
  const names = (['melCepstralDistortion', 'f0Rmse', 'voicingError', 'harmonicity'] as const).filter(
    () => reports.length > 0,
  );
  return Object.fromEntries(
    names.map((name) => [`spoken/${name}`, meanInterval(reports.map((report) => report[name])).mean]),
  );
}
