import type { StoredClip } from '../data/store/feature_store.js';
import {
  inFloat32,
  type Kernels,
  type Precision,
  precisionOf,
  precisions,
  type Sampler,
  type SamplerNetwork,
  withPrecision,
} from '../kernels/index.js';
import { loadTensorFlow } from '../model/backend/backend.js';
import { voiceNetwork } from '../model/voice/network.js';
import type { Voice } from '../model/voice/voice.js';
import { symbolCodec } from '../model/wavernn/codecs.js';
import { GateConditioner } from '../model/wavernn/conditioner.js';
import { contextFrames } from '../model/wavernn/conditioning.js';
import { vectorsPerFrame } from '../model/wavernn/config.js';

/** What a precision costs on held-out speech. */
export interface PrecisionFigures {
  readonly precision: Precision;
  /**
   * Nats per 16-bit sample, teacher-forced through the sampler's own arithmetic; every sample of every clip, each clip
   * from its beginning.
   */
  readonly nll: number;
  /** How far it lies above that of the first row. */
  readonly over: number;
  /** Mean Kullback-Leibler divergence of the first row's distributions from these, nats per sample. */
  readonly divergence: number;
  readonly clips: number;
  readonly samples: number;
  readonly kernels: string;
}

/** Frames per call of the sampler: a bound on memory only. */
const framesPerCall = 32;

/**
 * The NLL of a voice in each precision that can be made from its weights: those of its own and of less.
 * @param onProgress called with the number of clips that are done, first with 0
 */
export async function benchPrecision(
  voice: Voice,
  clips: readonly StoredClip[],
  kernels: Kernels,
  onProgress?: (done: number, all: number) => void,
): Promise<PrecisionFigures[]> {
  const network = voiceNetwork(voice);
  const own = precisionOf(network);
  const lower = precisions.slice(precisions.indexOf(own) + 1);
  const networks = [network, ...lower.map((precision) => withPrecision(inFloat32(network), precision))];
  const { tf } = await loadTensorFlow(kernels);
  const conditioner = new GateConditioner(tf, voice.config, voice.conditioning, voice.statistics);
  const sums = networks.map(() => ({ nats: 0, divergence: 0 }));
  onProgress?.(0, clips.length);
  for (const [i, clip] of clips.entries()) {
    addClip(voice, networks, clip, kernels, conditioner, sums);
    onProgress?.(i + 1, clips.length);
  }
  const samples = clips.reduce((sum, { frames }) => sum + frames * voice.features.hop, 0);
  return networks.map((each, i) => ({
    precision: precisionOf(each),
    nll: sums[i].nats / samples,
    over: (sums[i].nats - sums[0].nats) / samples,
    divergence: sums[i].divergence / samples,
    clips: clips.length,
    samples,
    kernels: kernels.name,
  }));
}

function addClip(
  voice: Voice,
  networks: readonly SamplerNetwork[],
  clip: StoredClip,
  kernels: Kernels,
  conditioner: GateConditioner,
  sums: { nats: number; divergence: number }[],
): void {
  const { hop } = voice.features;
  const codec = symbolCodec(voice.config, voice.features);
  const context = contextFrames(voice.config);
  const vectors = vectorsPerFrame(voice.config);
  const samplers = networks.map((network): Sampler =>
    kernels.createSampler(network, { seed: 1, temperature: 1, firstCode: codec.silence, hearing: codec.hearing }),
  );
  const { classes } = networks[0];
  for (let first = 0; first < clip.frames; first += framesPerCall) {
    const frames = Math.min(framesPerCall, clip.frames - first);
    const { codes, meanLogWidths } = codec.encode(
      {
        pcm: clip.pcm(first * hop - codec.history, codec.history + frames * hop),
        phase: 0,
        features: clip.features(first - codec.lead, frames + codec.lead),
      },
      { kernels },
    );
    const gate = conditioner.gate(clip.features(first - context, frames + 2 * context), frames);
    const symbols = codes.subarray(1);
    const predictors = codec.predictors?.(clip.features(first, frames));
    const probabilities = samplers.map((sampler) =>
      sampler.forced(gate, frames * vectors, hop / vectors, symbols, predictors),
    );
    probabilities.forEach((p, i) => {
      sums[i].nats += frames * hop * meanLogWidths[0] + natsOf(p, symbols, classes);
      sums[i].divergence += divergenceOf(probabilities[0], p);
    });
  }
}

function natsOf(probabilities: Float32Array, codes: Uint16Array, classes: number): number {
  let nats = 0;
  codes.forEach((code, t) => {
    nats -=
      Math.log(probabilities[2 * t * classes + Math.floor(code / classes)]) +
      Math.log(probabilities[(2 * t + 1) * classes + (code % classes)]);
  });
  return nats;
}

function divergenceOf(p: Float32Array, q: Float32Array): number {
  let nats = 0;
  for (let i = 0; i < p.length; i++) if (p[i] > 0) nats += p[i] * Math.log(p[i] / q[i]);
  return nats;
}
