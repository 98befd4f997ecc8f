import { createHash } from 'node:crypto';
import { basename, join, resolve } from 'node:path';
import type { Treatment } from '../../audio/treatment.js';
import { keepInputs } from '../../base/output.js';
import { readWholeFileSync } from '../../base/whole_file.js';
import { corpusNames } from '../../data/corpora/training_corpus.js';
import type { Kernels } from '../../kernels/index.js';
import { acousticKind, loadAcousticSync, saveAcoustic } from '../../model/acoustic/file.js';
import type { AcousticModel } from '../../model/acoustic/model.js';
import { checkVoiceFits } from '../../model/acoustic/predict.js';
import { findAcoustic } from '../../model/acoustic/shipped.js';
import { loadVoiceSync } from '../../model/voice/file.js';
import { findVoice } from '../../model/voice/shipped.js';
import type { Lexicon } from '../../text/lexicon/own.js';
import { checkRunFolder, type RunLimits, runTask } from '../loop.js';
import type { ComputeParts } from '../parts/part.js';
import { acousticConfigOf } from '../recipe/acoustic_schema.js';
import type { AcousticRecipe } from '../recipe/recipe.js';
import type { CurveColumn, RunPosition, TrainingTask } from '../task.js';
import type { AcousticData } from './examples.js';
import { measureHeldOut, speakHeldOut } from './held_out.js';
import { acousticLearner } from './parts.js';
import { AcousticTrainer, stageOf } from './trainer.js';

export interface AcousticRunOptions extends RunLimits {
  readonly recipe: AcousticRecipe;
  readonly data: AcousticData;
  readonly treatment: Treatment;
  /** How the reader says words, to go into the model; none unless given. */
  readonly lexicon?: Lexicon;
  readonly kernels: Kernels;
  /** Where parts are computed; in this process unless given. */
  readonly compute?: (run: PartedAcousticRun) => Promise<ComputeParts>;
}

/** A run whose parts are to be computed. */
export interface PartedAcousticRun {
  readonly recipe: AcousticRecipe;
  readonly data: AcousticData;
  readonly kernels: Kernels;
  /** Of the run's folder. */
  readonly name: string;
  /** See `TrainingTask`. */
  readonly identity: object;
}

export interface AcousticRunResult {
  readonly step: number;
  readonly steps: number;
  /** Seconds of training, over all calls. */
  readonly seconds: number;
  /** Of held-out phones; null when it was not measured. */
  readonly durationCorrelation: number | null;
  readonly f0Correlation: number | null;
  /** Mean distance of held-out mels in nats, with the recording's durations and prosody. */
  readonly melDistance: number | null;
  readonly framesPerSecond: number;
  readonly model: string;
  readonly kernels: string;
}

const modelName = 'acoustic.safetensors';

/** What curve.csv of an acoustic model holds. */
export const acousticCurve: readonly CurveColumn[] = [
  { title: 'duration_correlation', figure: 'validation/duration_correlation', digits: 4 },
  { title: 'f0_correlation', figure: 'validation/f0_correlation', digits: 4 },
  { title: 'f0_rmse_cents', figure: 'validation/f0_rmse', digits: 1 },
  { title: 'f0_rmse_constant', figure: 'validation/f0_rmse_constant', digits: 1 },
  { title: 'mel_distance', figure: 'validation/mel_distance', digits: 4 },
  { title: 'mel_distance_predicted', figure: 'validation/mel_distance_predicted', digits: 4 },
  { title: 'mel_cepstral_distortion', figure: 'spoken/melCepstralDistortion', digits: 3 },
];

/**
 * Refuses a folder that an acoustic model cannot be trained in, before anything is prepared.
 * @throws {TtsError} what `checkRunFolder`, `findVoice` and `checkVoiceFits` throw
 */
export function checkAcousticFolder(out: string, { name, from, voice, data, features }: AcousticRecipe): void {
  keepInputs([out], [data.corpus].flat());
  const { name: voiceName, path } = findVoice(voice);
  checkVoiceFits({ features }, loadVoiceSync(path), { model: `the recipe ${name}`, voice: voiceName });
  checkRunFolder(out, {
    shipped: { name: modelName, kind: acousticKind },
    inputs: [path, ...(from === undefined ? [] : [from])],
  });
}

/**
 * Trains an acoustic model, or goes on with a run that was stopped: see `runTask`. With a recipe that says `from` it
 * begins with the weights of that model; optimiser, schedule, statistics and count of steps are new.
 * @throws {TtsError} what `runTask` throws; ERR_VOICE_MISMATCH when the vocoder expects other mels
 */
export async function trainAcoustic({
  recipe,
  data,
  treatment,
  lexicon = new Map(),
  kernels,
  compute,
  ...limits
}: AcousticRunOptions): Promise<AcousticRunResult> {
  checkAcousticFolder(limits.out, recipe);
  const name = basename(resolve(limits.out));
  const elsewhere = compute && ((identity: object) => compute({ recipe, data, kernels, name, identity }));
  const task = await acousticTask(recipe, data, treatment, lexicon, kernels, elsewhere);
  const { step, steps, seconds, figures, perSecond, shipped } = await runTask(task, limits);
  return {
    step,
    steps,
    seconds,
    durationCorrelation: figures['validation/duration_correlation'] ?? null,
    f0Correlation: figures['validation/f0_correlation'] ?? null,
    melDistance: figures['validation/mel_distance'] ?? null,
    framesPerSecond: perSecond,
    model: shipped,
    kernels: kernels.name,
  };
}

async function acousticTask(
  recipe: AcousticRecipe,
  data: AcousticData,
  treatment: Treatment,
  lexicon: Lexicon,
  kernels: Kernels,
  compute: ((identity: object) => Promise<ComputeParts>) | undefined,
): Promise<TrainingTask> {
  const { training } = recipe;
  const config = acousticConfigOf(recipe);
  const voiceFile = findVoice(recipe.voice);
  const voice = loadVoiceSync(voiceFile.path);
  const origin = recipe.from === undefined ? undefined : openAcousticOrigin(recipe.from);
  const trainer = new AcousticTrainer(config, training, data, kernels, origin?.model);
  const stage = () => stageOf(trainer.step - 1, training).stage;
  const identity = {
    ...settingsOf(recipe),
    'corpus, split and alignments': data.hash.slice(0, 16),
    from: origin?.sha256,
  };
  const model = ({ step, seconds, figures }: RunPosition): AcousticModel => ({
    config,
    features: data.features,
    treatment,
    statistics: data.statistics,
    weights: trainer.parameters.averages,
    lexicon,
    provenance: {
      recipe: `${recipe.name}-${recipe.size}`,
      corpus: corpusNames(recipe.data.corpus),
      ...(recipe.data.licence !== undefined && { licence: recipe.data.licence }),
      otherAlignments: data.others.length,
      corpusHash: data.hash,
      steps: step,
      seconds: Math.round(seconds),
      melDistance: figures['validation/mel_distance'] ?? null,
      kernels: kernels.name,
      created: new Date().toISOString(),
      ...(origin && { from: { model: origin.name, sha256: origin.sha256 } }),
    },
  });
  const known = (learned: 'prosody' | 'decoder') =>
    origin !== undefined || stage() === learned || (learned === 'prosody' && stage() === 'decoder');
  const meanFrames = data.train.reduce((sum, { clip }) => sum + clip.frames, 0) / data.train.length;
  const minutes = (clips: AcousticData['train']) =>
    (clips.reduce((sum, { clip }) => sum + clip.samples, 0) / data.features.sampleRate / 60).toFixed(1);
  return {
    learner: acousticLearner(trainer, { recipe, data, kernels }, await compute?.(identity)),
    kernels,
    training,
    batch: { size: Math.round(training.clips * meanFrames), unit: 'frames' },
    identity,
    introduction: [
      ...(origin ? [`begins from ${origin.name} (${origin.model.provenance.corpus})`] : []),
      `kernels ${kernels.name}, ${kernels.threads} threads; ${data.train.length} clips (${minutes(data.train)} minutes) ` +
        `to train on, ${data.validation.length} held out, ${data.others.length} alignments of others; samples by the ` +
        `voice ${voiceFile.name}`,
    ],
    measurements: [
      {
        every: data.validation.length > 0 ? training.validateEvery : Infinity,
        run: (_, position) =>
          measureHeldOut(model(position), kernels, data.validation, {
            prosody: known('prosody'),
            decoder: known('decoder'),
          }),
      },
      {
        every: training.sampleEvery,
        run: (folder, position) =>
          known('decoder') ? speakHeldOut(folder, position.step, model(position), voice, data.validation, kernels) : {},
      },
    ],
    measureFirst: false,
    curve: acousticCurve,
    describe: (figures) => {
      const shown = (name: string, digits: number) => figures[name]?.toFixed(digits) ?? '–';
      return [
        stage(),
        `durations ${shown('validation/duration_correlation', 3)}`,
        `pitch ${shown('validation/f0_correlation', 3)}`,
        `mels ${shown('validation/mel_distance', 3)}`,
      ];
    },
    async ship(out, position) {
      const path = join(out, modelName);
      await saveAcoustic(path, model(position), { force: true });
      return path;
    },
  };
}

interface AcousticOrigin {
  readonly name: string;
  readonly model: AcousticModel;
  readonly sha256: string;
}

function openAcousticOrigin(nameOrFile: string): AcousticOrigin {
  const { path } = findAcoustic(nameOrFile);
  const model = loadAcousticSync(path);
  return { name: basename(path), model, sha256: createHash('sha256').update(readWholeFileSync(path)).digest('hex') };
}

/** What may differ between the calls that make up one run: how long it goes, when it measures, where data lie. */
function settingsOf({
  data: _data,
  from: _from,
  voice: _voice,
  sizes,
  size,
  training,
  ...rest
}: AcousticRecipe): object {
  const free = ['steps', 'validateEvery', 'sampleEvery', 'checkpointEvery'];
  return {
    ...rest,
    size: sizes[size],
    training: Object.fromEntries(Object.entries(training).filter(([key]) => !free.includes(key))),
  };
}
