import type { Tensor, Tensor2D, Tensor3D } from '@tensorflow/tfjs-core';
import type { AcousticConfig } from '../../src/model/acoustic/config.js';
import type { FrameBatch } from '../../src/model/acoustic/decoder.js';
import type { TokenBatch } from '../../src/model/acoustic/token_network.js';
import type { TensorFlow } from '../../src/model/backend/backend.js';

type Weights = Readonly<Record<string, Tensor>>;

/** y = x + gain · norm(relu(conv(x) + bias)) + shift of one clip [rows, channels], in TensorFlow.js' own operations. */
export function blockInTensorFlow(tf: TensorFlow, weights: Weights, name: string, x: Tensor2D, dilation: number) {
  const kernel = weights[`${name}.kernel`] as Tensor3D;
  // Its conv1d has no gradient for dilations: taps are shifted and multiplied one by one.
  const [taps] = kernel.shape;
  const [rows, channels] = x.shape;
  const reach = ((taps - 1) / 2) * dilation;
  const padded = tf.pad(x, [
    [reach, reach],
    [0, 0],
  ]);
  const parts = Array.from({ length: taps }, (_, tap) =>
    tf.matMul(
      tf.slice(padded, [tap * dilation, 0], [rows, channels]),
      tf.reshape(tf.slice(kernel, [tap, 0, 0], [1, channels, channels]), [channels, channels]),
    ),
  );
  const active = tf.relu(tf.add(tf.addN(parts), weights[`${name}.bias`]));
  const { mean, variance } = tf.moments(active, 1, true);
  const hat = tf.div(tf.sub(active, mean), tf.sqrt(tf.add(variance, 1e-5)));
  return tf.add<Tensor2D>(x, tf.add(tf.mul(hat, weights[`${name}.gain`]), weights[`${name}.shift`]));
}

/** A `TokenNetwork`, clip by clip; `added` as its `added`. */
export function tokensInTensorFlow(
  tf: TensorFlow,
  weights: Weights,
  name: string,
  dilations: readonly number[],
  batch: TokenBatch,
  clip: number,
  added: Readonly<Record<string, Float32Array>> = {},
): Tensor2D {
  const [first, end] = [batch.starts[clip], batch.starts[clip + 1]];
  const rows = (values: Float32Array): Tensor2D => {
    const width = values.length / batch.ids.length;
    return tf.tensor2d(values.slice(first * width, end * width), [end - first, width]);
  };
  const ids = tf.tensor1d([...batch.ids.subarray(first, end)], 'int32');
  let x = tf.add<Tensor2D>(
    tf.gather(weights[`${name}.symbols`], ids),
    tf.matMul(rows(batch.positions), weights[`${name}.positions`]),
  );
  if (batch.readers) x = tf.add(x, tf.gather(weights[`${name}.readers`], tf.tensor1d([batch.readers[clip]], 'int32')));
  for (const [key, values] of Object.entries(added))
    x = tf.add(x, tf.matMul(rows(values), weights[`${name}.${key}`] as Tensor2D));
  dilations.forEach((dilation, i) => (x = blockInTensorFlow(tf, weights, `${name}.block${i}`, x, dilation)));
  const output = weights[`${name}.output`] as Tensor2D | undefined;
  return output === undefined ? x : tf.add(tf.matMul(x, output), weights[`${name}.outputBias`]);
}

/** A `MelDecoder` for one clip: normalised mels [frames, bins]. */
export function decoderInTensorFlow(
  tf: TensorFlow,
  weights: Weights,
  config: AcousticConfig,
  bins: number,
  tokens: TokenBatch,
  { durations, prosody, templates }: FrameBatch,
  clip: number,
): Tensor2D {
  const [first, end] = [tokens.starts[clip], tokens.starts[clip + 1]];
  const encoded = tokensInTensorFlow(tf, weights, 'decoder.encoder', config.encoderDilations, tokens, clip, {
    prosody,
  });
  const owners = [...durations.subarray(first, end)].flatMap((count, t) => Array.from({ length: count }, () => t));
  const before = durations.subarray(0, first).reduce((sum, count) => sum + count, 0);
  const places = owners.map((owner, frame) => {
    const count = durations[first + owner];
    const a = (frame - owners.indexOf(owner) + 0.5) / count;
    return [a, 1 - a, Math.sin(Math.PI * a), Math.log(count) / 2];
  });
  const frames = owners.length;
  const template = tf.tensor2d(templates.slice(before * bins, (before + frames) * bins), [frames, bins]);
  // An odd clip has its last frame twice.
  const order = Array.from({ length: 2 * Math.ceil(frames / 2) }, (_, i) => Math.min(i, frames - 1));
  const pair = (x: Tensor2D) => {
    const twice = tf.gather(x, tf.tensor1d(order, 'int32'));
    return tf.reshape(twice, [order.length / 2, 2 * x.shape[1]]);
  };
  const vectors = tf.gather(encoded, tf.tensor1d(owners, 'int32'));
  const input = tf.concat([pair(vectors), pair(tf.tensor2d(places)), pair(template)], 1);
  let y = tf.add<Tensor2D>(tf.matMul(input, weights['decoder.input']), weights['decoder.inputBias']);
  config.decoderDilations.forEach(
    (dilation, i) => (y = blockInTensorFlow(tf, weights, `decoder.block${i}`, y, dilation)),
  );
  const out = tf.add(tf.matMul(y, weights['decoder.output'] as Tensor2D), weights['decoder.outputBias']);
  const both = tf.slice(tf.reshape(out, [order.length, 2 * bins]), [0, 0], [frames, 2 * bins]);
  const ids = [...tokens.ids.subarray(first, end)];
  const means = tf.gather(
    weights['decoder.means'],
    tf.tensor1d(
      owners.map((owner) => ids[owner]),
      'int32',
    ),
  );
  const level = tf.slice(both, [0, 0], [frames, bins]);
  const gain = tf.slice(both, [0, bins], [frames, bins]);
  return tf.add<Tensor2D>(tf.add(level, means), tf.mul(gain, template));
}
