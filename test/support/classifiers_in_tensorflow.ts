import type { Scalar, Tensor2D, Tensor4D, Variable } from '@tensorflow/tfjs-core';
import type {
  ClassifierBatch,
  ClassifierGradients,
  ClassifierNetwork,
} from '../../src/kernels/interface/classifier.js';
import { imageShapes } from '../../src/kernels/interface/classifier.js';
import * as tf from '../../src/model/backend/tensorflow.js';
import { dense, entries } from './kernels.js';

// Without it the first tensor prints an advertisement.
tf.enableProdMode();
await tf.setBackend('cpu');

/**
 * One member in plain TensorFlow.js operations over dense masked matrices, with nothing shared with any kernel: sum of
 * nats, correct answers, and the gradients of the sum of nats, at the stored weights.
 */
export function classifierInTensorFlow(
  network: ClassifierNetwork,
  { examples, images, labels }: ClassifierBatch,
): { loss: number; correct: number; gradients: ClassifierGradients } {
  return tf.tidy(() => {
    const shapes = imageShapes(network);
    const classes = shapes[network.layers.length][2];
    const x = tf.tensor4d(images, [examples, ...network.input]);
    const target = tf.oneHot(tf.tensor1d(labels, 'int32'), classes);
    const variables = network.layers.map((layer, l): Variable[] => {
      if (layer.kind === 'pool') return [];
      const channels = shapes[l][2];
      if (layer.kind === 'depthwise') return [tf.variable(tf.tensor4d(layer.weights, [...layer.kernel, channels, 1]))];
      const filters = tf.reshape(tf.transpose(tf.tensor2d(dense(layer.matrix))), [
        ...layer.kernel,
        channels,
        layer.matrix.rows,
      ]);
      return [tf.variable(filters), tf.variable(tf.tensor1d(layer.bias))];
    });

    const logits = (): Tensor2D => {
      let y = x;
      network.layers.forEach((layer, l) => {
        if (layer.kind === 'pool') {
          const pool = layer.how === 'max' ? tf.maxPool : tf.avgPool;
          y = pool<Tensor4D>(y, layer.size, layer.size, 'valid');
          return;
        }
        const border: [number, number] = [layer.padding, layer.padding];
        const padded = tf.pad4d(y, [[0, 0], border, border, [0, 0]]);
        const filters = variables[l][0] as unknown as Tensor4D;
        if (layer.kind === 'depthwise') y = tf.depthwiseConv2d(padded, filters, layer.stride, 'valid');
        else y = tf.add(tf.conv2d(padded, filters, layer.stride, 'valid'), variables[l][1]);
        if (layer.kind === 'convolution' && layer.relu) y = tf.relu(y);
      });
      return tf.reshape(y, [examples, classes]);
    };

    const { value, grads } = tf.variableGrads(() => tf.neg(tf.sum<Scalar>(tf.mul(target, tf.logSoftmax(logits())))));
    const gradientOf = (variable?: Variable) =>
      variable ? (grads[variable.name].dataSync() as Float32Array) : new Float32Array(0);
    const weights = network.layers.map((layer, l) => {
      const gradient = gradientOf(variables[l][0]);
      if (layer.kind !== 'convolution') return gradient;
      return Float32Array.from(entries(layer.matrix), ([row, column]) => gradient[column * layer.matrix.rows + row]);
    });
    const correct = tf.sum(tf.equal(tf.argMax(logits(), 1), tf.tensor1d(labels, 'int32'))).dataSync()[0];
    const result = {
      loss: value.dataSync()[0],
      correct,
      gradients: { weights, biases: variables.map((list) => gradientOf(list[1])) },
    };
    tf.dispose(variables);
    return result;
  });
}
