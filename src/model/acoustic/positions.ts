import { boundaries } from '../../text/tokens.js';
import { isPhoneId, positionFeatures } from './config.js';
import type { TokenBatch } from './token_network.js';

const wordBoundary = boundaries.indexOf('word');
const isPause = (id: number): boolean => !isPhoneId(id) && id !== wordBoundary;

/**
 * Where each token is: its share of the sequence, the logarithms of its distances from both ends, and from the pauses
 * before and after it. A convolution sees a few tokens around; a melody falls over the whole sentence.
 * @returns [tokens, positionFeatures]
 */
export function positionsOf(ids: Uint8Array): Float32Array {
  const count = ids.length;
  const positions = new Float32Array(count * positionFeatures);
  const distance = (tokens: number) => Math.log1p(tokens) / 4;
  for (let t = 0, pause = 0; t < count; t++) {
    if (isPause(ids[t])) pause = t;
    positions.set([t / count, distance(t), distance(count - 1 - t), distance(t - pause)], t * positionFeatures);
  }
  for (let t = count - 1, pause = count - 1; t >= 0; t--) {
    if (isPause(ids[t])) pause = t;
    positions[t * positionFeatures + 4] = distance(pause - t);
  }
  return positions;
}

/** Sequences of tokens as one batch. */
export function tokenBatch(sequences: readonly Uint8Array[], readers?: Uint8Array): TokenBatch {
  const starts = new Int32Array(sequences.length + 1);
  sequences.forEach((ids, i) => (starts[i + 1] = starts[i] + ids.length));
  const count = starts[sequences.length];
  const ids = new Uint8Array(count);
  const positions = new Float32Array(count * positionFeatures);
  sequences.forEach((sequence, i) => {
    ids.set(sequence, starts[i]);
    positions.set(positionsOf(sequence), starts[i] * positionFeatures);
  });
  return { ids, starts, positions, ...(readers && { readers }) };
}
