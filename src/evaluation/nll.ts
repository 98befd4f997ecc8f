import type { MelSettings } from '../audio/mel_settings.js';
import type { Kernels, SampleRateNetwork } from '../kernels/index.js';
import { type SymbolCodec } from '../model/wavernn/codec.js';
import { symbolCodec } from '../model/wavernn/codecs.js';
import type { GateConditioner } from '../model/wavernn/conditioner.js';
import { contextFrames } from '../model/wavernn/conditioning.js';
import { cueCount, vectorsPerFrame, type WaveRnnConfig } from '../model/wavernn/config.js';

/** Clips are measured in pieces of this many frames, so that short and long ones fill the lanes alike. */
const pieceFrames = 64;

/** Frames before a piece that the network hears but that do not count: it begins from a state of zeros. */
const warmUpFrames = 4;

/** Pieces per call of the kernels: a bound on memory only. */
const lanesPerCall = 32;

/** Speech with its features; see `StoredClip`, which is one. */
export interface MeasuredSpeech {
  readonly frames: number;
  /** `length` samples from `start` on; zeros before the beginning and after the end. */
  pcm(start: number, length: number): Int16Array;
  /**
   * `count` frames from `startFrame` on, row-major [count, bins]; the first and last frame are repeated beyond the
   * ends.
   */
  features(startFrame: number, count: number): Float32Array;
}

/** A network that is ready to be measured. */
export interface MeasuredNetwork {
  readonly kernels: Kernels;
  readonly network: SampleRateNetwork;
  readonly config: WaveRnnConfig;
  readonly conditioner: GateConditioner;
  readonly settings: MelSettings;
}

interface Piece {
  readonly clip: MeasuredSpeech;
  /** First frame that is fed, first one that counts, and the one after the last. */
  readonly start: number;
  readonly first: number;
  readonly end: number;
}

/**
 * Negative log-likelihood in nats per 16-bit sample: the mean of -ln p(sample | the samples before it, the features)
 * over all samples of the clips (Kalchbrenner et al. 2018, arXiv 1802.08435; for encodings of fewer symbols the values
 * within a symbol's cell are taken as equally likely, see `Symbols`). Clips are measured in pieces of 64 frames, each
 * begun afresh four frames before what counts. Lower is better; uniform noise is ln 65,536 = 11.09. NaN without clips.
 */
export function negativeLogLikelihood(measured: MeasuredNetwork, clips: readonly MeasuredSpeech[]): number {
  const { hop } = measured.settings;
  const pieces = clips.flatMap(piecesOf);
  const codec = symbolCodec(measured.config, measured.settings);
  let nats = 0;
  for (let i = 0; i < pieces.length; i += lanesPerCall)
    nats += natsOf(pieces.slice(i, i + lanesPerCall), measured, codec);
  return nats / pieces.reduce((sum, { first, end }) => sum + (end - first) * hop, 0);
}

function piecesOf(clip: MeasuredSpeech): Piece[] {
  return Array.from({ length: Math.ceil(clip.frames / pieceFrames) }, (_, i) => {
    const first = i * pieceFrames;
    return { clip, start: Math.max(0, first - warmUpFrames), first, end: Math.min(clip.frames, first + pieceFrames) };
  });
}

function natsOf(
  pieces: readonly Piece[],
  { kernels, network, config, conditioner, settings: { hop } }: MeasuredNetwork,
  codec: SymbolCodec,
): number {
  const context = contextFrames(config);
  const lanes = pieces.length;
  const frames = Math.max(...pieces.map(({ start, end }) => end - start));
  const steps = frames * hop;
  const vectors = vectorsPerFrame(config);
  const cueCounts = cueCount(config);
  const codes = new Uint16Array(lanes * (steps + 1));
  const cues = new Float32Array(lanes * steps * cueCounts);
  const gate = new Float32Array(lanes * frames * vectors * 3 * config.hidden);
  let nats = 0;
  pieces.forEach(({ clip, start, first, end }, lane) => {
    const symbols = (from: number, to: number) =>
      codec.encode(
        {
          pcm: clip.pcm(from * hop - codec.history, codec.history + (to - from) * hop),
          phase: 0,
          features: clip.features(from - codec.lead, to - from + codec.lead),
        },
        { kernels },
      );
    const all = symbols(start, start + frames);
    codes.set(all.codes, lane * (steps + 1));
    if (all.cues) cues.set(all.cues, lane * steps * cueCounts);
    if (start === 0) codes[lane * (steps + 1)] = codec.silence;
    nats += (end - first) * hop * symbols(first, end).meanLogWidths[0];
    gate.set(
      conditioner.gate(clip.features(start - context, frames + 2 * context), frames),
      lane * frames * vectors * 3 * config.hidden,
    );
  });
  const lengths = Int32Array.from(pieces, ({ start, end }) => (end - start) * hop);
  const nll = new Float32Array(lanes * steps);
  kernels.sequenceLoss(network, {
    lanes,
    steps,
    hop: hop / vectors,
    phase: 0,
    frames: frames * vectors,
    codes,
    ...(cueCounts > 0 && { cues }),
    gate,
    lengths,
    nll,
  });
  pieces.forEach(({ start, first, end }, lane) => {
    for (let t = (first - start) * hop; t < (end - start) * hop; t++) nats += nll[lane * steps + t];
  });
  return nats;
}
