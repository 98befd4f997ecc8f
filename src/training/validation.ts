import type { StoredClip } from '../data/feature_store.js';
import type { Kernels, SampleRateNetwork } from '../kernels/index.js';
import { contextFrames } from '../model/conditioning.js';
import { GateConditioner } from '../model/conditioner.js';
import type { TensorFlow } from '../model/backend.js';
import { symbolCodec, type SymbolCodec } from '../model/codec.js';
import type { FeatureStore } from '../data/feature_store.js';
import type { WaveRnnConfig } from '../model/config.js';
import type { Trainer } from './trainer.js';

/** Clips are measured in pieces of this many frames, so that short and long ones fill the lanes alike. */
const pieceFrames = 64;

/** Frames before a piece that the network hears without being measured: it begins from a state of zeros. */
const warmUpFrames = 4;

/** Pieces per call of the kernels: a bound on memory only. */
const lanesPerCall = 32;

/** More clips would tell little more and take long. */
const mostClips = 32;

interface Piece {
  readonly clip: StoredClip;
  /** First frame that is fed, first one that counts, and the one after the last. */
  readonly start: number;
  readonly first: number;
  readonly end: number;
}

/** Held-out NLL in nats per 16-bit sample of the deployed masks and the averaged weights: every sample of the first 32 held-out clips. NaN without clips. */
export function heldOutNll(tf: TensorFlow, kernels: Kernels, trainer: Trainer, store: FeatureStore): number {
  const pieces = store.validation.slice(0, mostClips).flatMap(piecesOf);
  if (pieces.length === 0) return NaN;
  const { config, parameters } = trainer;
  const network = trainer.deployed();
  const conditioning = new Map([...parameters.conditioning].map(([name, { shape, state }]) => [name, { shape, data: state.average }]));
  const conditioner = new GateConditioner(tf, config, conditioning, store.statistics);
  const codec = symbolCodec(config.encoding, store.settings);
  let nats = 0;
  for (let i = 0; i < pieces.length; i += lanesPerCall) nats += natsOf(pieces.slice(i, i + lanesPerCall), kernels, network, config, conditioner, codec, store.hop);
  conditioner.dispose();
  return nats / pieces.reduce((sum, { first, end }) => sum + (end - first) * store.hop, 0);
}

function piecesOf(clip: StoredClip): Piece[] {
  return Array.from({ length: Math.ceil(clip.frames / pieceFrames) }, (_, i) => {
    const first = i * pieceFrames;
    return { clip, start: Math.max(0, first - warmUpFrames), first, end: Math.min(clip.frames, first + pieceFrames) };
  });
}

function natsOf(pieces: readonly Piece[], kernels: Kernels, network: SampleRateNetwork, config: WaveRnnConfig, conditioner: GateConditioner, codec: SymbolCodec, hop: number): number {
  const context = contextFrames(config);
  const lanes = pieces.length;
  const frames = Math.max(...pieces.map(({ start, end }) => end - start));
  const steps = frames * hop;
  const codes = new Uint16Array(lanes * (steps + 1));
  const gate = new Float32Array(lanes * frames * 3 * config.hidden);
  let nats = 0;
  pieces.forEach(({ clip, start, first, end }, lane) => {
    const symbols = (from: number, to: number) =>
      codec.encode(clip.pcm(from * hop - codec.history, codec.history + (to - from) * hop), 0, clip.features(from - 1, to - from + 1));
    codes.set(symbols(start, start + frames).codes, lane * (steps + 1));
    if (start === 0) codes[lane * (steps + 1)] = codec.silence;
    nats += (end - first) * hop * symbols(first, end).meanLogWidth;
    gate.set(conditioner.gate(clip.features(start - context, frames + 2 * context), frames), lane * frames * 3 * config.hidden);
  });
  const lengths = Int32Array.from(pieces, ({ start, end }) => (end - start) * hop);
  const nll = new Float32Array(lanes * steps);
  kernels.sequenceLoss(network, { lanes, steps, hop, phase: 0, frames, codes, gate, lengths, nll });
  pieces.forEach(({ start, first, end }, lane) => {
    for (let t = (first - start) * hop; t < (end - start) * hop; t++) nats += nll[lane * steps + t];
  });
  return nats;
}
