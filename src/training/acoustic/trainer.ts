import { RandomStream, streams } from '../../base/random.js';
import { mean } from '../../base/statistics.js';
import type { AdamState, Kernels } from '../../kernels/index.js';
import { type AcousticConfig, type NetworkName, prosodyValues } from '../../model/acoustic/config.js';
import { MelDecoder } from '../../model/acoustic/decoder.js';
import { HarmonicTemplate } from '../../model/acoustic/harmonics.js';
import { Buffers, type Dropout } from '../../model/acoustic/layers.js';
import type { AcousticModel } from '../../model/acoustic/model.js';
import { tokenBatch } from '../../model/acoustic/positions.js';
import { TokenNetwork } from '../../model/acoustic/token_network.js';
import type { ChooserState } from '../../sparsity/chooser.js';
import { averageStates, globalNorm, statesFromArrays, statesToArrays } from '../adam_states.js';
import type { Learner, LearnerStep } from '../learner.js';
import type { PartedLead } from '../parts/generations.js';
import { type Generation, type Share, type TrainedPart, whole } from '../parts/part.js';
import type { AcousticTrainingSettings } from '../recipe/acoustic_schema.js';
import { learningRateAt } from '../recipe/schedule.js';
import type { AcousticData, AcousticExample, TimedTokens } from './examples.js';
import { AcousticParameters } from './parameters.js';

/** Where in the three stages a step is. */
export interface StagePosition {
  readonly stage: NetworkName;
  /** From 0. */
  readonly step: number;
  /** Of the stage. */
  readonly steps: number;
}

/** The stage of a step: durations, then prosody, then the decoder. */
export function stageOf(
  step: number,
  { steps, stages }: Pick<AcousticTrainingSettings, 'steps' | 'stages'>,
): StagePosition {
  const prosody = Math.round(steps * stages.durations);
  const decoder = Math.round(steps * (stages.durations + stages.prosody));
  if (step < prosody) return { stage: 'durations', step, steps: prosody };
  if (step < decoder) return { stage: 'prosody', step: step - prosody, steps: decoder - prosody };
  return { stage: 'decoder', step: step - decoder, steps: steps - decoder };
}

/** Blocks of random numbers that a step may use. */
const blocksOfStep = 2 ** 24;
/** The reader's own clips have at least n / (n + this) of the sequences that durations are learned from. */
const asIfOthers = 1000;

/**
 * An acoustic model in training, one network after the other. The loss of durations is the absolute error of log(1 +
 * frames), the median of what is said; of prosody the squared error, the mean; of the decoder |e| + e²/4 of
 * standardised mels.
 */
export class AcousticTrainer implements Learner, PartedLead {
  step = 0;
  readonly parameters: AcousticParameters;
  private readonly durations: TokenNetwork;
  private readonly prosody: TokenNetwork;
  private readonly decoder: MelDecoder;
  readonly template: HarmonicTemplate;
  private readonly buffers = new Buffers();
  private readonly orders = new Map<string, { readonly epoch: number; readonly order: Int32Array }>();
  /** What this trainer has of each step. */
  private share: Share = whole;

  /** @param from weights to begin with; 'generations': they come with each */
  constructor(
    readonly config: AcousticConfig,
    private readonly training: AcousticTrainingSettings,
    private readonly data: AcousticData,
    private readonly kernels: Kernels,
    from?: AcousticModel | 'generations',
  ) {
    const { features } = data;
    this.parameters = new AcousticParameters(config, features.bins, training.seed);
    if (from === undefined) this.parameters.setMeans(data);
    else if (from !== 'generations') this.parameters.beginWith(from.weights);
    this.durations = new TokenNetwork(kernels, 'durations', config, config.predictorDilations, 1);
    this.prosody = new TokenNetwork(kernels, 'prosody', config, config.predictorDilations, prosodyValues);
    this.decoder = new MelDecoder(kernels, config, features.bins);
    this.template = new HarmonicTemplate(features);
    this.begins = from === undefined;
  }
  /** Whether the networks begin without anything learned. */
  private readonly begins: boolean;

  advance(): LearnerStep {
    this.beginStage();
    const { loss, norm, learningRate, applied, stage } = this.learn();
    return { loss, applied, figures: figuresOf(stage, loss, norm, learningRate) };
  }

  /** The network of prosody begins with what that of durations has learned of tokens. */
  private beginStage(): void {
    const { stage, step } = stageOf(this.step, this.training);
    if (stage === 'prosody' && step === 0 && this.begins) this.parameters.shareTokens();
  }

  private learn() {
    const { training, parameters } = this;
    const { stage, step, steps } = stageOf(this.step, training);
    const names = parameters.of(stage);
    const gradients = names.map((name) => parameters.gradients.get(name)!);
    for (const gradient of gradients) gradient.fill(0);
    const loss = this[stage === 'decoder' ? 'learnMels' : stage === 'prosody' ? 'learnProsody' : 'learnDurations']();
    const norm = globalNorm(gradients);
    const applied = Number.isFinite(loss) && Number.isFinite(norm);
    const learningRate = learningRateAt(step, { ...training, steps });
    this.step++;
    if (applied) {
      const { adam, clip, ema } = training;
      const settings = {
        learningRate,
        ...adam,
        step: step + 1,
        gradientScale: norm > clip ? clip / norm : 1,
        // Early on the average follows fast, so that it does not carry the random start along.
        average: Math.min(ema, (2 + step) / (11 + step)),
      };
      names.forEach((name, i) => this.kernels.adam(settings, gradients[i], parameters.states.get(name)!));
    }
    return { loss, norm, learningRate, applied, stage };
  }

  /** A generation ends with its stage; its arrays are those of the network that the stage is about. */
  beginGeneration(most: number): Generation {
    const { step } = this;
    this.beginStage();
    const { stage, step: done, steps: all } = stageOf(step, this.training);
    const steps = Math.min(most, all - done);
    const paired = Array.from({ length: steps }, () => false);
    return { step, steps, members: 1, paired, arrays: statesToArrays(this.statesOf(stage)) };
  }

  trainPart({ step, steps, arrays }: Generation, share: Share): TrainedPart {
    const { stage } = stageOf(step, this.training);
    statesFromArrays(this.statesOf(stage), arrays);
    this.share = share;
    const losses = new Float64Array(steps);
    const norms = new Float64Array(steps);
    for (let s = 0; s < steps; s++) {
      this.step = step + s;
      ({ loss: losses[s], norm: norms[s] } = this.learn());
    }
    const own = statesToArrays(this.statesOf(stage));
    return { arrays: new Map([...own].map(([name, array]) => [name, array.slice()])), losses, norms };
  }

  endGeneration({ step, steps }: Generation, parts: readonly TrainedPart[]): LearnerStep {
    const { stage } = stageOf(step, this.training);
    averageStates(
      this.statesOf(stage),
      parts.map(({ arrays }) => arrays),
    );
    this.step = step + steps;
    const good = parts.flatMap(({ losses, norms }) =>
      [...losses].filter((loss, s) => Number.isFinite(loss) && Number.isFinite(norms[s])),
    );
    const dropped = steps * parts.length - good.length;
    const loss = mean(good);
    const last = stageOf(this.step - 1, this.training);
    const learningRate = learningRateAt(last.step, { ...this.training, steps: last.steps });
    const norm = mean(parts.map(({ norms }) => norms[steps - 1]));
    return {
      loss,
      applied: good.length > 0,
      steps,
      figures: {
        ...figuresOf(stage, loss, norm, learningRate),
        ...(dropped > 0 && { 'train/dropped_steps': dropped }),
      },
    };
  }

  private statesOf(stage: NetworkName): [name: string, state: AdamState][] {
    const { parameters } = this;
    return parameters.of(stage).map((name) => [name, parameters.states.get(name)!]);
  }

  diagnostics(): Record<string, number> {
    return {};
  }

  save(): ChooserState {
    return { arrays: statesToArrays(this.parameters.states), state: {} };
  }

  restore({ arrays }: ChooserState, step: number): void {
    statesFromArrays(this.parameters.states, arrays);
    this.step = step;
  }

  private learnDurations(): number {
    const { train, others } = this.data;
    const count = this.training.tokenClips;
    const own = train.length / Math.min(train.length + others.length, train.length + asIfOthers);
    const ofOthers = Math.round(count * (1 - own));
    const drawn = this.shareOf<{ readonly tokens: TimedTokens; readonly reader: number }>([
      ...this.draw('durations', train, count - ofOthers).map((tokens) => ({ tokens, reader: 0 })),
      ...this.draw('others', others, ofOthers).map((tokens) => ({ tokens, reader: 1 })),
    ]);
    const sequences = drawn.map(({ tokens }) => tokens);
    const batch = tokenBatch(
      sequences.map(({ ids }) => ids),
      Uint8Array.from(drawn, ({ reader }) => reader),
    );
    const { weights, gradients } = this.parameters;
    const y = this.durations.forward(weights, batch, { dropout: this.dropout(this.training.tokenDropout) });
    const dy = this.buffers.take('dy', y.length);
    let loss = 0;
    let t = 0;
    for (const { durations } of sequences)
      for (let i = 0; i < durations.length; i++, t++) {
        const error = y[t] - Math.log1p(durations[i]);
        loss += Math.abs(error);
        dy[t] = Math.sign(error) / y.length;
      }
    this.durations.backward(weights, gradients, dy);
    return loss / y.length;
  }

  private learnProsody(): number {
    const examples = this.shareOf(this.draw('prosody', this.data.train, this.training.tokenClips));
    const batch = tokenBatch(examples.map(({ ids }) => ids));
    const { weights, gradients } = this.parameters;
    const y = this.prosody.forward(weights, batch, { dropout: this.dropout(this.training.tokenDropout) });
    const dy = this.buffers.take('dy', y.length);
    const tokens = batch.ids.length;
    let loss = 0;
    let at = 0;
    for (const { prosody, pitchWeight } of examples)
      for (let i = 0; i < prosody.length; i++, at++) {
        const weight = i % prosodyValues === 0 ? pitchWeight[i / prosodyValues] : 1;
        const error = y[at] - prosody[i];
        loss += (weight * error * error) / (prosodyValues * tokens);
        dy[at] = (2 * weight * error) / (prosodyValues * tokens);
      }
    this.prosody.backward(weights, gradients, dy);
    return loss;
  }

  private learnMels(): number {
    const { training, data, buffers } = this;
    const examples = this.shareOf(this.draw('mels', data.train, training.clips));
    const { mean, std } = data.statistics;
    const { bins } = data.features;
    const batch = tokenBatch(examples.map(({ ids }) => ids));
    const tokens = batch.ids.length;
    const frames = examples.reduce((sum, { clip }) => sum + clip.frames, 0);
    const durations = new Int32Array(tokens);
    const prosody = new Float32Array(tokens * prosodyValues);
    const contour = buffers.take('contour', frames);
    const target = buffers.take('target', frames * bins);
    let token = 0;
    let frame = 0;
    for (const example of examples) {
      durations.set(example.durations, token);
      prosody.set(example.prosody, token * prosodyValues);
      contour.set(example.contour, frame);
      target.set(example.clip.features(0, example.clip.frames), frame * bins);
      token += example.ids.length;
      frame += example.clip.frames;
    }
    const noise = this.random(streams.acousticNoise);
    for (let i = 0; i < prosody.length; i++) prosody[i] += training.prosodyNoise * noise.normal();
    const templates = buffers.take('templates', frames * bins);
    this.template.fill(contour, templates);
    const { weights, gradients } = this.parameters;
    const mel = this.decoder.forward(
      weights,
      batch,
      { durations, prosody, templates },
      { tokenDropout: this.dropout(training.tokenDropout), dropout: this.dropout(training.dropout, 1) },
    );
    const dMel = buffers.take('dMel', mel.length);
    const scale = 1 / mel.length;
    let loss = 0;
    for (let at = 0; at < mel.length; at += bins)
      for (let bin = 0; bin < bins; bin++) {
        const error = mel[at + bin] - (target[at + bin] - mean[bin]) / std[bin];
        loss += Math.abs(error) + 0.25 * error * error;
        dMel[at + bin] = scale * (Math.sign(error) + 0.5 * error);
      }
    this.decoder.backward(weights, gradients, dMel);
    return loss * scale;
  }

  /** The items of this step: all of them once in each round, in an order of its own. */
  private draw<T extends TimedTokens | AcousticExample>(what: string, items: readonly T[], count: number): T[] {
    const first = stageOf(this.step, this.training).step * count;
    return Array.from({ length: items.length === 0 ? 0 : count }, (_, i) => {
      const epoch = Math.floor((first + i) / items.length);
      return items[this.orderOf(what, items.length, epoch)[(first + i) % items.length]];
    });
  }

  /** Every so many of the items of a step: the parts together have them all. */
  private shareOf<T>(items: readonly T[]): T[] {
    const { index, count } = this.share;
    return items.filter((_, i) => i % count === index);
  }

  private orderOf(what: string, length: number, epoch: number): Int32Array {
    const known = this.orders.get(what);
    if (known?.epoch === epoch) return known.order;
    // What is drawn from does not repeat the order of another kind: stages have blocks of their own.
    const kind = ['durations', 'others', 'prosody', 'mels'].indexOf(what);
    const random = new RandomStream(this.training.seed, streams.batches, (4 * epoch + kind) * 2 ** 20);
    const order = random.shuffle(Int32Array.from({ length }, (_, i) => i));
    this.orders.set(what, { epoch, order });
    return order;
  }

  private dropout(share: number, part = 0): Dropout | undefined {
    if (share === 0) return undefined;
    const random = this.random(streams.dropout, part);
    return { share, random: () => random.uint32() };
  }

  /** Random numbers of this step, and of our share of it. */
  private random(stream: number, part = 0): RandomStream {
    const { index, count } = this.share;
    const own = Math.floor((index / count) * blocksOfStep);
    return new RandomStream(this.training.seed, stream, (2 * this.step + part) * blocksOfStep + own);
  }
}

const figuresOf = (stage: NetworkName, loss: number, norm: number, learningRate: number) => ({
  [`train/${stage}_loss`]: loss,
  'train/gradient_norm': norm,
  'train/learning_rate': learningRate,
});
