import { z } from 'zod';
import { limits, whole } from '../../base/limits.js';
import { boundaries, tokenSymbols } from '../../text/tokens.js';

const odd = (length: number) => length % 2 === 1;

/** Sizes of an acoustic model; files and recipes share the bounds. */
export const acousticConfigSchema = z.strictObject({
  /** Width of the three networks that read tokens. */
  tokenWidth: whole(limits.channels),
  /** Tokens that a convolution of theirs sees. */
  tokenKernel: whole(limits.kernel).refine(odd, 'expected an odd number'),
  /** The blocks of the networks of durations and prosody: from one token that a convolution sees to the next. */
  predictorDilations: z.array(whole(limits.dilation)).min(1).max(limits.layers.most),
  /** The same of the encoder. */
  encoderDilations: z.array(whole(limits.dilation)).min(1).max(limits.layers.most),
  /** Width of the decoder. */
  width: whole(limits.channels),
  /** Steps of two frames that a convolution of the decoder sees. */
  kernel: whole(limits.kernel).refine(odd, 'expected an odd number'),
  decoderDilations: z.array(whole(limits.dilation)).min(1).max(limits.layers.most),
});

/** See `acousticConfigSchema`. */
export type AcousticConfig = Readonly<z.infer<typeof acousticConfigSchema>>;

/** Frames that the decoder makes in a step. */
export const framesPerStep = 2;

/** What says where in its sentence a token is; see `positionsOf`. */
export const positionFeatures = 5;

/** Where in its token a frame is; see `decoderInput`. */
export const placeFeatures = 4;

/** What the network of prosody says of a token: log F0, energy, voicing; see `AcousticStatistics` for the units. */
export const prosodyValues = 3;

/** Whose durations: the reader of the model, and all others that lent their alignments. */
export const readers = 2;

/** The networks, in the order in which they are trained. */
export const networks = ['durations', 'prosody', 'decoder'] as const;
export type NetworkName = (typeof networks)[number];

/** What a parameter begins with. */
export type Beginning = { readonly kind: 'zeros' | 'ones' } | { readonly kind: 'normal'; readonly deviation: number };

export interface ParameterShape {
  readonly shape: readonly number[];
  readonly beginning: Beginning;
}

const zeros: Beginning = { kind: 'zeros' };
const ones: Beginning = { kind: 'ones' };
const normal = (deviation: number): Beginning => ({ kind: 'normal', deviation });

/** The blocks of one network of convolutions. */
function blockShapes(
  prefix: string,
  kernel: number,
  width: number,
  dilations: readonly number[],
): [string, ParameterShape][] {
  return dilations.flatMap((_, i): [string, ParameterShape][] => [
    // The variance of He et al. 2015 (arXiv 1502.01852, equation 10).
    [
      `${prefix}.block${i}.kernel`,
      { shape: [kernel, width, width], beginning: normal(Math.sqrt(2 / (kernel * width))) },
    ],
    [`${prefix}.block${i}.bias`, { shape: [width], beginning: zeros }],
    [`${prefix}.block${i}.gain`, { shape: [width], beginning: ones }],
    [`${prefix}.block${i}.shift`, { shape: [width], beginning: zeros }],
  ]);
}

/**
 * All parameters of a model by name, row-major, in the order in which they are stored; `bins` is the number of mel
 * bins. A name begins with the network that it is trained with: `durations`, `prosody`, or `decoder`, to which the
 * encoder belongs.
 */
export function acousticShapes(config: AcousticConfig, bins: number): Map<string, ParameterShape> {
  const { tokenWidth, tokenKernel, predictorDilations, encoderDilations, width, kernel, decoderDilations } = config;
  const symbols = tokenSymbols.length;
  const tokenShapes = (prefix: string, dilations: readonly number[]): [string, ParameterShape][] => [
    [`${prefix}.symbols`, { shape: [symbols, tokenWidth], beginning: normal(1) }],
    [`${prefix}.positions`, { shape: [positionFeatures, tokenWidth], beginning: normal(0.1) }],
    ...blockShapes(prefix, tokenKernel, tokenWidth, dilations),
  ];
  const inputs = framesPerStep * (tokenWidth + placeFeatures + bins);
  return new Map<string, ParameterShape>([
    ...tokenShapes('durations', predictorDilations),
    ['durations.readers', { shape: [readers, tokenWidth], beginning: zeros }],
    ['durations.output', { shape: [tokenWidth, 1], beginning: normal(0.1 / Math.sqrt(tokenWidth)) }],
    ['durations.outputBias', { shape: [1], beginning: zeros }],
    ...tokenShapes('prosody', predictorDilations),
    ['prosody.output', { shape: [tokenWidth, prosodyValues], beginning: normal(0.1 / Math.sqrt(tokenWidth)) }],
    ['prosody.outputBias', { shape: [prosodyValues], beginning: zeros }],
    ...tokenShapes('decoder.encoder', encoderDilations),
    ['decoder.encoder.prosody', { shape: [prosodyValues, tokenWidth], beginning: normal(0.3) }],
    ['decoder.input', { shape: [inputs, width], beginning: normal(1 / Math.sqrt(framesPerStep * tokenWidth)) }],
    ['decoder.inputBias', { shape: [width], beginning: zeros }],
    ...blockShapes('decoder', kernel, width, decoderDilations),
    ['decoder.output', { shape: [width, framesPerStep * 2 * bins], beginning: normal(0.1 / Math.sqrt(width)) }],
    ['decoder.outputBias', { shape: [framesPerStep * 2 * bins], beginning: zeros }],
    ['decoder.means', { shape: [symbols, bins], beginning: zeros }],
  ]);
}

/** Number of elements of a shape. */
export const sizeOf = (shape: readonly number[]): number => shape.reduce((product, length) => product * length, 1);

/** Whether a parameter is trained with a network. */
export const belongsTo = (name: string, network: NetworkName): boolean => name.startsWith(`${network}.`);

/** Whether the symbol with this number is a phone. */
export const isPhoneId = (id: number): boolean => id >= boundaries.length;
