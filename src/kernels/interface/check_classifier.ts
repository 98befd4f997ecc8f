import { checkBlockMatrix, checkLength } from './check.js';
import type {
  ClassifierBatch,
  ClassifierGradients,
  ClassifierLayer,
  ClassifierNetwork,
  ImageShape,
} from './classifier.js';
import { imageShapes, windowOf } from './classifier.js';

// As in check.ts: against our own mistakes, hence RangeError. The C++ side trusts what passes.

/**
 * Checks that the layers of each member follow from each other, that members differ in masks and weights alone, and
 * that the batch fits them.
 */
export function checkClassifier(
  members: readonly ClassifierNetwork[],
  { examples, images, labels }: ClassifierBatch,
): void {
  if (members.length === 0) throw new RangeError('members has 0 elements, expected at least 1');
  members.forEach((member, m) => checkMember(`members[${m}]`, member));
  const expected = geometry(members[0]);
  members.forEach((member, m) => {
    const other = geometry(member).findIndex((layer, l) => layer !== expected[l]);
    if (other >= 0)
      throw new RangeError(
        `members[${m}] has ${geometry(member)[other]} where members[0] has ${expected[other] ?? 'nothing'}`,
      );
    checkLength(`members[${m}].layers`, member.layers, members[0].layers.length);
  });
  if (!(Number.isInteger(examples) && examples > 0))
    throw new RangeError(`examples is ${examples}, expected a whole number from 1`);
  const shapes = imageShapes(members[0]);
  checkLength('images', images, members.length * examples * size(shapes[0]));
  checkLength('labels', labels, members.length * examples);
  const classes = size(shapes[shapes.length - 1]);
  for (let i = 0; i < labels.length; i++)
    if (labels[i] >= classes) throw new RangeError(`labels[${i}] is ${labels[i]}, expected less than ${classes}`);
}

/** Checks the arrays that receive gradients. */
export function checkClassifierGradients(
  members: readonly ClassifierNetwork[],
  gradients: readonly ClassifierGradients[],
): void {
  checkLength('gradients', gradients, members.length);
  members.forEach(({ layers }, m) => {
    checkLength(`gradients[${m}].weights`, gradients[m].weights, layers.length);
    checkLength(`gradients[${m}].biases`, gradients[m].biases, layers.length);
    layers.forEach((layer, l) => {
      const weights =
        layer.kind === 'convolution' ? layer.matrix.values : layer.kind === 'depthwise' ? layer.weights : [];
      checkLength(`gradients[${m}].weights[${l}]`, gradients[m].weights[l], weights.length);
      checkLength(
        `gradients[${m}].biases[${l}]`,
        gradients[m].biases[l],
        layer.kind === 'convolution' ? layer.bias.length : 0,
      );
    });
  });
}

const size = ([height, width, channels]: ImageShape) => height * width * channels;

function checkMember(name: string, network: ClassifierNetwork): void {
  const { input, layers } = network;
  if (!input.every((extent) => Number.isInteger(extent) && extent > 0))
    throw new RangeError(`${name}.input is ${input.join('×')}, expected whole numbers from 1`);
  const shapes = imageShapes(network);
  layers.forEach((layer, l) => checkLayer(`${name}.layers[${l}]`, layer, shapes[l]));
  const [height, width, classes] = shapes[layers.length];
  if (layers.length === 0 || height !== 1 || width !== 1 || classes > 256)
    throw new RangeError(
      `${name} gives ${height}×${width}×${classes} after ${layers.length} ` +
        'layers, expected 1×1×classes, at most 256 of them',
    );
}

function checkLayer(name: string, layer: ClassifierLayer, [height, width, channels]: ImageShape): void {
  const { kernel, stride, padding } = windowOf(layer);
  const whole =
    [...kernel, stride].every((value) => Number.isInteger(value) && value > 0) &&
    Number.isInteger(padding) &&
    padding >= 0;
  if (!whole)
    throw new RangeError(
      `${name} has kernel ${kernel.join('×')}, stride ${stride}, padding ` +
        `${padding}: expected whole numbers from 1, 1 and 0`,
    );
  const [paddedHeight, paddedWidth] = [height + 2 * padding, width + 2 * padding];
  if (kernel[0] > paddedHeight || kernel[1] > paddedWidth)
    throw new RangeError(`${name} has a window of ${kernel.join('×')} on an image of ${paddedHeight}×${paddedWidth}`);
  if (layer.kind === 'depthwise') checkLength(`${name}.weights`, layer.weights, kernel[0] * kernel[1] * channels);
  if (layer.kind !== 'convolution') return;
  const { matrix, bias } = layer;
  checkBlockMatrix(`${name}.matrix`, matrix);
  const columns = kernel[0] * kernel[1] * channels;
  if (matrix.columns !== columns)
    throw new RangeError(
      `${name}.matrix has ${matrix.columns} columns, expected ${kernel.join('×')}×${channels} = ${columns}`,
    );
  if (channels % matrix.blockColumns !== 0 && kernel[0] > 1 && kernel[1] < paddedWidth)
    throw new RangeError(
      `${name}.matrix has blocks of ${matrix.blockColumns} columns, which ` +
        `straddle rows of an image with ${channels} channels`,
    );
  checkLength(`${name}.bias`, bias, matrix.rows);
}

/** A member's input and layers in words, without masks and weights. */
function geometry({ input, layers }: ClassifierNetwork): string[] {
  const describe = (layer: ClassifierLayer): string => {
    const { kernel, stride, padding } = windowOf(layer);
    const window = `${kernel.join('×')}, stride ${stride}, padding ${padding}`;
    if (layer.kind === 'pool') return `a ${layer.how} pool of ${layer.size}`;
    if (layer.kind === 'depthwise') return `a depthwise convolution of ${window}`;
    return `a convolution of ${window} to ${layer.matrix.rows} channels${layer.relu ? ' with ReLU' : ''}`;
  };
  return [`an input of ${input.join('×')}`, ...layers.map(describe)];
}
