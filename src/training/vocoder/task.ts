import { basename, join, resolve } from 'node:path';
import { describeTreatment, isUntreated } from '../../audio/treatment.js';
import { keepInputs } from '../../base/output.js';
import { corpusNames } from '../../data/corpora/training_corpus.js';
import type { FeatureStore } from '../../data/store/feature_store.js';
import type { Kernels } from '../../kernels/index.js';
import { loadTensorFlow, type TensorFlow } from '../../model/backend/backend.js';
import { saveVoice, voiceKind } from '../../model/voice/file.js';
import { findVoice } from '../../model/voice/shipped.js';
import type { Provenance } from '../../model/voice/voice.js';
import { checkRunFolder, type RunLimits, runTask } from '../loop.js';
import type { ComputeParts } from '../parts/part.js';
import type { Recipe } from '../recipe/recipe.js';
import type { CurveColumn, RunPosition, TrainingTask } from '../task.js';
import { heldOutNll, writeSamples } from './held_out.js';
import { keepOrigin, originNotes, originProvenance } from './origin.js';
import { type PartMaterial, vocoderLearner } from './parts.js';
import { VocoderTrainer } from './trainer.js';

export interface RunOptions extends RunLimits {
  readonly recipe: Recipe;
  readonly store: FeatureStore;
  readonly kernels: Kernels;
  /** Where parts are computed; in this process unless given. */
  readonly compute?: (run: PartedRun) => Promise<ComputeParts>;
}

/** A run whose parts are to be computed. */
export interface PartedRun extends PartMaterial {
  /** Of the run's folder. */
  readonly name: string;
  /** See `TrainingTask`. */
  readonly identity: object;
  readonly tf: TensorFlow;
}

export interface RunResult {
  readonly step: number;
  readonly steps: number;
  /** Seconds of training, over all calls. */
  readonly seconds: number;
  readonly validationNll: number | null;
  readonly stoi: number | null;
  readonly samplesPerSecond: number;
  readonly voice: string;
  readonly kernels: string;
}

/** What the run ships, in its folder. */
const voiceName = 'voice.safetensors';

/** What curve.csv of a voice holds: nats per 16-bit sample, STOI, dB, bursts per clip. */
export const vocoderCurve: readonly CurveColumn[] = [
  { title: 'validation_nll', figure: 'validation/nll', digits: 4 },
  { title: 'stoi', figure: 'validation/stoi', digits: 4 },
  { title: 'log_spectral_distance', figure: 'validation/logSpectralDistance', digits: 3 },
  { title: 'bursts', figure: 'validation/bursts', digits: 2 },
];

/**
 * Refuses a folder that a voice cannot be trained in, before anything is prepared.
 * @throws {TtsError} what `checkRunFolder` throws
 */
export function checkVoiceFolder(out: string, { from, data }: Pick<Recipe, 'from' | 'data'>): void {
  // A run among the recordings would be heard as recordings.
  keepInputs([out], [data.corpus].flat());
  checkRunFolder(out, {
    shipped: { name: voiceName, kind: voiceKind },
    inputs: from === undefined ? [] : [findVoice(from).path],
  });
}

/**
 * Trains a voice, or goes on with a run that was stopped: see `runTask`. With a recipe that says `from` it begins with
 * the weights, the masks and the statistics of that voice; optimiser, schedule and count of steps are new.
 * @throws {TtsError} what `runTask`, `VocoderTrainer` and `keepOrigin` throw
 */
export async function trainVoice({ recipe, store, kernels, compute, ...limits }: RunOptions): Promise<RunResult> {
  checkVoiceFolder(limits.out, recipe);
  const outcome = await runTask(await vocoderTask(recipe, store, kernels, limits.out, compute), limits);
  const { step, steps, seconds, figures, perSecond, shipped } = outcome;
  const { 'validation/nll': validationNll = null, 'validation/stoi': stoi = null } = figures;
  return {
    step,
    steps,
    seconds,
    validationNll,
    stoi,
    samplesPerSecond: perSecond,
    voice: shipped,
    kernels: outcome.kernels,
  };
}

/** A voice as something to train: measured by its NLL, and by speaking held-out clips. */
async function vocoderTask(
  recipe: Recipe,
  store: FeatureStore,
  kernels: Kernels,
  out: string,
  compute: RunOptions['compute'],
): Promise<TrainingTask> {
  const { tf, backend, reason } = await loadTensorFlow(kernels);
  const trainer = new VocoderTrainer(recipe, store, kernels, tf);
  const { origin } = trainer;
  await keepOrigin(out, origin);
  const { training } = recipe;
  const identity = {
    ...settingsOf(recipe),
    ...(isUntreated(store.treatment) ? {} : { treatment: recipe.data.treatment }),
    'corpus and split': store.hash.slice(0, 16),
    from: origin?.sha256,
  };
  const material = { recipe, store: { ...store, statistics: trainer.statistics }, kernels };
  const elsewhere = await compute?.({ ...material, name: basename(resolve(out)), identity, tf });
  const provenance = ({ step, seconds, figures }: RunPosition): Provenance => ({
    recipe: `${recipe.name}-${recipe.size}`,
    corpus: corpusNames(recipe.data.corpus),
    ...(recipe.data.licence !== undefined && { licence: recipe.data.licence }),
    corpusHash: store.hash,
    steps: step,
    seconds: Math.round(seconds),
    nll: figures['validation/nll'] ?? null,
    kernels: kernels.name,
    created: new Date().toISOString(),
    ...(origin && { from: originProvenance(origin) }),
  });
  return {
    learner: vocoderLearner(trainer, material, tf, elsewhere),
    kernels,
    training,
    batch: { size: training.lanes * training.segment, unit: 'samples' },
    identity,
    introduction: [
      ...(origin ? originNotes(origin) : []),
      ...(reason === undefined ? [] : [reason]),
      `kernels ${kernels.name}, ${kernels.threads} threads, TensorFlow.js backend ${backend}; ` +
        `${store.train.length} clips to train on, ${store.validation.length} held out`,
      ...(isUntreated(store.treatment) ? [] : [treatmentLine(store)]),
    ],
    measurements: [
      {
        every: store.validation.length > 0 ? training.validateEvery : Infinity,
        run: () => ({ 'validation/nll': heldOutNll(tf, kernels, trainer, store) }),
      },
      {
        every: training.sampleEvery,
        async run(folder, position) {
          folder.maskPicture(position.step, trainer.picture());
          return writeSamples(folder, position.step, trainer.voice(provenance(position)), store, kernels);
        },
      },
    ],
    measureFirst: origin !== undefined,
    curve: vocoderCurve,
    describe: (figures) => [
      `validation ${figures['validation/nll']?.toFixed(3) ?? '–'}`,
      `density ${(100 * trainer.density).toFixed(1)}%`,
    ],
    async ship(out, position) {
      const path = join(out, voiceName);
      await saveVoice(path, trainer.voice(provenance(position)), { force: true });
      return path;
    },
  };
}

const treatmentLine = ({ treatment, gains }: FeatureStore): string =>
  `recordings treated: ${describeTreatment(treatment)}` +
  (gains.length === 0 ? '' : `, all by ${gains.map((gain) => gain.toFixed(2)).join(' and ')} dB`);

/**
 * What may differ between the calls that make up one run: how long it goes, when it measures, where the recordings and
 * the voice that it began from lie.
 */
function settingsOf({ data: _data, from: _from, sizes, size, training, ...rest }: Recipe): object {
  const free = ['steps', 'validateEvery', 'sampleEvery', 'checkpointEvery'];
  return {
    ...rest,
    size: sizes[size],
    training: Object.fromEntries(Object.entries(training).filter(([key]) => !free.includes(key))),
  };
}
