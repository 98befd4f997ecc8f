import { type AcousticConfig, framesPerStep, placeFeatures } from './config.js';
import {
  arrayOf,
  type Arrays,
  Buffers,
  type Dropout,
  linearForward,
  linearWeights,
  type Product,
  type ResidualBlock,
  residualBlocks,
  type Starts,
} from './layers.js';
import { type TokenBatch, TokenNetwork } from './token_network.js';

/** Frames of several clips, one clip after the other. */
export interface FrameBatch {
  /** [tokens] frames of each token, 0 or more. */
  readonly durations: Int32Array;
  /** [tokens, prosodyValues], standardised. */
  readonly prosody: Float32Array;
  /** [frames, bins] the harmonic template of each frame. */
  readonly templates: Float32Array;
}

/**
 * Encoder and decoder. Tokens become vectors, which hear the token's pitch, energy and voicing; each is repeated for
 * the frames of its token (the length regulator of FastSpeech, Ren et al. 2019, arXiv 1905.09263, section 3.2, with the
 * place of the frame in its token beside it); dilated blocks run over steps of two frames. A frame is the mean of its
 * token's frames, plus what the decoder says, plus the harmonic template by a gain for each bin.
 */
export class MelDecoder {
  private readonly buffers = new Buffers();
  private readonly encoder: TokenNetwork;
  private readonly blocks: readonly ResidualBlock[];
  private tokens: TokenBatch | undefined;
  private frames: FrameBatch | undefined;
  /** [frames] index of the token of each frame. */
  private owner = new Int32Array(0);
  private frameStarts: Starts = new Int32Array(1);
  private stepStarts: Starts = new Int32Array(1);
  private input: Float32Array = new Float32Array(0);
  private top: Float32Array = new Float32Array(0);

  /** @param shared of a decoder that only goes forwards; see `residualBlocks` */
  constructor(
    private readonly product: Product,
    private readonly config: AcousticConfig,
    private readonly bins: number,
    shared?: Buffers,
  ) {
    const { encoderDilations, width, kernel, decoderDilations } = config;
    this.encoder = new TokenNetwork(product, 'decoder.encoder', config, encoderDilations, 0, shared);
    this.blocks = residualBlocks(product, 'decoder', { channels: width, kernel, dilations: decoderDilations }, shared);
  }

  /** @returns normalised mels [frames, bins], the decoder's own until the next call */
  forward(
    weights: Arrays,
    tokens: TokenBatch,
    frames: FrameBatch,
    { tokenDropout, dropout }: { tokenDropout?: Dropout; dropout?: Dropout } = {},
  ): Float32Array {
    const { buffers, bins, product } = this;
    const { width, tokenWidth } = this.config;
    this.tokens = tokens;
    this.frames = frames;
    this.layOut(tokens, frames);
    const encoded = this.encoder.forward(weights, tokens, {
      added: { prosody: frames.prosody },
      dropout: tokenDropout,
    });
    const steps = this.stepStarts[this.stepStarts.length - 1];
    const inputs = framesPerStep * (tokenWidth + placeFeatures + bins);
    this.input = buffers.take('input', steps * inputs);
    this.fillInput(encoded, frames);
    let x = buffers.take('entered', steps * width);
    linearForward(product, this.input, arrayOf(weights, 'decoder.input'), arrayOf(weights, 'decoder.inputBias'), x);
    for (const block of this.blocks) x = block.forward(weights, x, this.stepStarts, dropout);
    this.top = x;
    const out = buffers.take('out', steps * framesPerStep * 2 * bins);
    linearForward(product, x, arrayOf(weights, 'decoder.output'), arrayOf(weights, 'decoder.outputBias'), out);
    return this.assemble(out, arrayOf(weights, 'decoder.means'), frames.templates);
  }

  /** Adds the gradients of all parameters; `dMel` is the gradient of what the last `forward` returned. */
  backward(weights: Arrays, gradients: Arrays, dMel: Float32Array): void {
    const { buffers, bins, product, tokens, frames, top, input } = this;
    if (tokens === undefined || frames === undefined) throw new RangeError('nothing went forwards before');
    const { width, tokenWidth } = this.config;
    const steps = top.length / width;
    const outputs = framesPerStep * 2 * bins;
    const dOut = buffers.take('dOut', steps * outputs);
    this.takeApart(dMel, dOut, arrayOf(gradients, 'decoder.means'), frames.templates);
    const gradientOf = (name: string) => ({
      weights: arrayOf(gradients, name),
      bias: arrayOf(gradients, `${name}Bias`),
    });
    const output = arrayOf(weights, 'decoder.output');
    linearWeights(product, top, dOut, gradientOf('decoder.output'), buffers.take('scratch', output.length));
    let dx = buffers.take('dTop', steps * width);
    product.matMul(false, true, steps, width, outputs, dOut, output, dx);
    for (const block of [...this.blocks].reverse()) dx = block.backward(weights, gradients, dx);
    const entry = arrayOf(weights, 'decoder.input');
    linearWeights(product, input, dx, gradientOf('decoder.input'), buffers.take('scratch', entry.length));
    // The vectors of the tokens are the first columns of the input.
    const vectors = framesPerStep * tokenWidth;
    const dVectors = buffers.take('dVectors', steps * vectors);
    product.matMul(false, true, steps, vectors, width, dx, entry.subarray(0, vectors * width), dVectors);
    const dEncoded = buffers.take('dEncoded', tokens.ids.length * tokenWidth);
    dEncoded.fill(0);
    this.eachFrame((frame, row, part) => {
      const to = this.owner[frame] * tokenWidth;
      const from = row * vectors + part * tokenWidth;
      for (let i = 0; i < tokenWidth; i++) dEncoded[to + i] += dVectors[from + i];
    });
    this.encoder.backward(weights, gradients, dEncoded);
  }

  /** Where the frames and the steps of each clip lie, and whose each frame is. */
  private layOut({ starts }: TokenBatch, { durations }: FrameBatch): void {
    const clips = starts.length - 1;
    const frameStarts = new Int32Array(clips + 1);
    const stepStarts = new Int32Array(clips + 1);
    for (let clip = 0; clip < clips; clip++) {
      let count = 0;
      for (let t = starts[clip]; t < starts[clip + 1]; t++) count += durations[t];
      frameStarts[clip + 1] = frameStarts[clip] + count;
      stepStarts[clip + 1] = stepStarts[clip] + Math.ceil(count / framesPerStep);
    }
    this.frameStarts = frameStarts;
    this.stepStarts = stepStarts;
    this.owner = new Int32Array(frameStarts[clips]);
    for (let t = 0, frame = 0; t < durations.length; t++)
      for (let i = 0; i < durations[t]; i++) this.owner[frame++] = t;
  }

  /**
   * Goes through the places that frames have in steps. Where a clip has an odd number of frames, its last one has two.
   */
  private eachFrame(visit: (frame: number, step: number, part: number) => void): void {
    const { frameStarts, stepStarts } = this;
    for (let clip = 0; clip + 1 < frameStarts.length; clip++) {
      const last = frameStarts[clip + 1] - 1;
      for (let step = stepStarts[clip]; step < stepStarts[clip + 1]; step++)
        for (let part = 0; part < framesPerStep; part++)
          visit(Math.min(last, frameStarts[clip] + (step - stepStarts[clip]) * framesPerStep + part), step, part);
    }
  }

  /**
   * What goes into a step: the vectors of its two frames' tokens, their places in the tokens, their templates. A place
   * is a = (i + 1/2) / n of frame i of n, 1 - a, sin πa, and the logarithm of n.
   */
  private fillInput(encoded: Float32Array, { durations, templates }: FrameBatch): void {
    const { bins, owner, input } = this;
    const { tokenWidth } = this.config;
    const columns = framesPerStep * (tokenWidth + placeFeatures + bins);
    const place = new Int32Array(owner.length);
    for (let frame = 1; frame < owner.length; frame++)
      place[frame] = owner[frame] === owner[frame - 1] ? place[frame - 1] + 1 : 0;
    this.eachFrame((frame, step, part) => {
      const t = owner[frame];
      const row = step * columns;
      input.set(encoded.subarray(t * tokenWidth, (t + 1) * tokenWidth), row + part * tokenWidth);
      const to = row + framesPerStep * tokenWidth + part * placeFeatures;
      const a = (place[frame] + 0.5) / durations[t];
      input[to] = a;
      input[to + 1] = 1 - a;
      input[to + 2] = Math.sin(Math.PI * a);
      input[to + 3] = Math.log(durations[t]) / 2;
      const behind = row + framesPerStep * (tokenWidth + placeFeatures) + part * bins;
      input.set(templates.subarray(frame * bins, (frame + 1) * bins), behind);
    });
  }

  /** Frames from the outputs of steps [steps, 2, level and gain, bins]. */
  private assemble(out: Float32Array, means: Float32Array, templates: Float32Array): Float32Array {
    const { bins, owner, frameStarts, stepStarts } = this;
    const mel = this.buffers.take('mel', owner.length * bins);
    for (let clip = 0; clip + 1 < frameStarts.length; clip++)
      for (let frame = frameStarts[clip]; frame < frameStarts[clip + 1]; frame++) {
        const level = (stepStarts[clip] * framesPerStep + frame - frameStarts[clip]) * 2 * bins;
        const gain = level + bins;
        const mean = this.idOf(frame) * bins;
        const to = frame * bins;
        for (let bin = 0; bin < bins; bin++)
          mel[to + bin] = out[level + bin] + means[mean + bin] + out[gain + bin] * templates[to + bin];
      }
    return mel;
  }

  /** The gradients of `assemble`. */
  private takeApart(dMel: Float32Array, dOut: Float32Array, dMeans: Float32Array, templates: Float32Array): void {
    const { bins, frameStarts, stepStarts } = this;
    dOut.fill(0);
    for (let clip = 0; clip + 1 < frameStarts.length; clip++)
      for (let frame = frameStarts[clip]; frame < frameStarts[clip + 1]; frame++) {
        const level = (stepStarts[clip] * framesPerStep + frame - frameStarts[clip]) * 2 * bins;
        const gain = level + bins;
        const mean = this.idOf(frame) * bins;
        const from = frame * bins;
        for (let bin = 0; bin < bins; bin++) {
          const d = dMel[from + bin];
          dOut[level + bin] = d;
          dOut[gain + bin] = d * templates[from + bin];
          dMeans[mean + bin] += d;
        }
      }
  }

  private idOf(frame: number): number {
    return this.tokens!.ids[this.owner[frame]];
  }
}
