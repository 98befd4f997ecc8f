import type { StoredClip } from '../data/feature_store.js';
import type { Kernels, SampleRateNetwork } from '../kernels/index.js';
import { contextFrames } from '../model/conditioning.js';
import { GateConditioner } from '../model/conditioner.js';
import type { TensorFlow } from '../model/backend.js';
import { encodeSymbols, meanLogCellWidth, silence } from '../model/symbols.js';
import type { FeatureStore } from '../data/feature_store.js';
import type { Parameters } from './parameters.js';
import type { WaveRnnConfig } from '../model/config.js';

/** Frames per call of the kernels: a bound on memory only. */
const chunkFrames = 32;

/** More clips would tell little more and take long. */
const mostClips = 32;

/** Held-out NLL in nats per 16-bit sample of the averaged weights: whole clips, side by side as lanes, each from silence. NaN without clips. */
export function heldOutNll(tf: TensorFlow, kernels: Kernels, config: WaveRnnConfig, parameters: Parameters, store: FeatureStore): number {
  const clips = store.validation.slice(0, mostClips);
  if (clips.length === 0) return NaN;
  const network = parameters.network('average');
  const conditioning = new Map([...parameters.conditioning].map(([name, { shape, state }]) => [name, { shape, data: state.average }]));
  const conditioner = new GateConditioner(tf, config, conditioning, store.statistics);
  const state = new Float32Array(clips.length * config.hidden);
  const longest = Math.max(...clips.map(({ frames }) => frames));
  let nats = 0;
  for (let first = 0; first < longest; first += chunkFrames) {
    const frames = Math.min(chunkFrames, longest - first);
    nats += chunkNats(kernels, network, config, conditioner, clips, store.hop, first, frames, state);
  }
  conditioner.dispose();
  const width = (clip: StoredClip) => clip.samples * meanLogCellWidth(config.encoding, encodeSymbols(config.encoding, clip.pcm(0, clip.samples)));
  return (nats + clips.reduce((sum, clip) => sum + width(clip), 0)) / clips.reduce((sum, { samples }) => sum + samples, 0);
}

function chunkNats(
  kernels: Kernels,
  network: SampleRateNetwork,
  config: WaveRnnConfig,
  conditioner: GateConditioner,
  clips: readonly StoredClip[],
  hop: number,
  first: number,
  frames: number,
  state: Float32Array,
): number {
  const context = contextFrames(config);
  const steps = frames * hop;
  const codes = new Uint16Array(clips.length * (steps + 1));
  const gate = new Float32Array(clips.length * frames * 3 * config.hidden);
  clips.forEach((clip, lane) => {
    const at = lane * (steps + 1);
    codes.set(encodeSymbols(config.encoding, clip.pcm(first * hop - 1, steps + 1)), at);
    if (first === 0) codes[at] = silence(config.encoding);
    gate.set(conditioner.gate(clip.features(first - context, frames + 2 * context), frames), lane * frames * 3 * config.hidden);
  });
  const lengths = Int32Array.from(clips, ({ samples }) => Math.max(0, Math.min(steps, samples - first * hop)));
  const batch = { lanes: clips.length, steps, hop, phase: 0, frames, codes, gate, lengths, state };
  return kernels.sequenceLoss(network, batch).reduce((sum, lane) => sum + lane, 0);
}
