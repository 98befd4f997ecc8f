import { limits, within } from '../../base/limits.js';
import type { GradientBlocks } from './blocks.js';
import { checkBlockMatrix } from './check.js';
import {
  checkArray,
  checkBoolean,
  checkList,
  checkNumber,
  checkObject,
  checkOptional,
  checkWhole,
  shown,
  wrong,
} from './check_values.js';
import type {
  ClassifierBatch,
  ClassifierGradients,
  ClassifierLayer,
  ClassifierNetwork,
  ImageShape,
} from './classifier.js';
import { classifierGradientLengths, imageShapes, windowOf } from './classifier.js';

// As in check.ts: what passes is returned as a plain copy, for the kernels trust it. All throw ERR_ARGUMENT.

/**
 * The layers of each member follow from each other, members differ in masks and weights alone, and the batch fits them.
 * @param remember see `checkBlockMatrix`
 */
export function checkClassifier(
  networks: readonly ClassifierNetwork[],
  { examples, shared: given, images, labels, nll }: ClassifierBatch,
  remember = false,
): { members: ClassifierNetwork[]; batch: ClassifierBatch } {
  const list = checkList('members', networks);
  if (list.length === 0) throw wrong('members has 0 elements, expected at least 1');
  const members = list.map((member, m) => checkClassifierNetwork(`members[${m}]`, member, remember));
  const expected = geometry(members[0]);
  members.forEach((member, m) => {
    const own = geometry(member);
    const other = own.findIndex((layer, l) => layer !== expected[l]);
    if (other >= 0) throw wrong(`members[${m}] has ${own[other]} where members[0] has ${expected[other] ?? 'nothing'}`);
    checkList(`members[${m}].layers`, member.layers, members[0].layers.length);
  });
  checkWhole('examples', examples, limits.count);
  const shared = given === undefined ? 1 : checkWhole('shared', given, limits.members);
  if (members.length % shared !== 0)
    throw wrong(`shared is ${shared}, expected a number that divides the ${members.length} members`);
  const seen = (members.length / shared) * examples;
  const shapes = imageShapes(members[0]);
  checkArray('images', 'Float32Array', images, seen * size(shapes[0]));
  checkArray('labels', 'Uint8Array', labels, seen);
  const classes = size(shapes[shapes.length - 1]);
  for (let i = 0; i < labels.length; i++)
    if (labels[i] >= classes) throw wrong(`labels[${i}] is ${labels[i]}, expected less than ${classes}`);
  const received = checkOptional('nll', 'Float32Array', nll, members.length * examples);
  return { members, batch: { examples, shared, images, labels, nll: received } };
}

/** The arrays that receive gradients, and their scale. */
export function checkClassifierGradients(
  members: readonly ClassifierNetwork[],
  scale: number,
  given: readonly ClassifierGradients[],
  blocks?: GradientBlocks,
): ClassifierGradients[] {
  checkNumber('scale', scale, limits.amount);
  return checkList('gradients', given, members.length).map((each, m) => {
    const { layers } = members[m];
    const { weights, biases } = checkObject(`gradients[${m}]`, each);
    const lists = {
      weights: checkList(`gradients[${m}].weights`, weights, layers.length),
      biases: checkList(`gradients[${m}].biases`, biases, layers.length),
    };
    layers.forEach((layer, l) => {
      const lengths = classifierGradientLengths(layer, blocks);
      checkArray(`gradients[${m}].weights[${l}]`, 'Float32Array', lists.weights[l], lengths.weights);
      checkArray(`gradients[${m}].biases[${l}]`, 'Float32Array', lists.biases[l], lengths.biases);
    });
    return lists;
  });
}

const size = ([height, width, channels]: ImageShape) => height * width * channels;

/** One network: its layers follow from each other and end in at most 256 logits. */
export function checkClassifierNetwork(name: string, network: ClassifierNetwork, remember = false): ClassifierNetwork {
  const { input, layers } = checkObject(name, network);
  const extents = checkList(`${name}.input`, input, 3) as unknown as ImageShape;
  if (!extents.every((extent) => Number.isInteger(extent) && within(extent, limits.extent)))
    throw wrong(
      `${name}.input is ${extents.map(shown).join('×')}, expected whole numbers from 1 to ${limits.extent.most}`,
    );
  const list = checkList(`${name}.layers`, layers, undefined, limits.layers.most);
  const seen: ClassifierLayer[] = [];
  let shape: ImageShape = extents;
  list.forEach((layer, l) => {
    seen.push(checkLayer(`${name}.layers[${l}]`, layer, shape, remember));
    [, shape] = imageShapes({ input: shape, layers: [seen[l]] });
  });
  const [height, width, classes] = shape;
  if (seen.length === 0 || height !== 1 || width !== 1 || classes > 256)
    throw wrong(
      `${name} gives ${height}×${width}×${classes} after ${seen.length} ` +
        'layers, expected 1×1×classes, at most 256 of them',
    );
  return { input: extents, layers: seen };
}

function checkLayer(
  name: string,
  given: ClassifierLayer,
  [height, width, channels]: ImageShape,
  remember: boolean,
): ClassifierLayer {
  const layer = { ...checkObject(name, given) };
  if (layer.kind !== 'pool' && layer.kind !== 'depthwise' && layer.kind !== 'convolution')
    throw wrong(
      `${name}.kind is ${shown((layer as { kind: unknown }).kind)}, expected "convolution", "depthwise" or "pool"`,
    );
  if (layer.kind === 'pool' && layer.how !== 'max' && layer.how !== 'mean')
    throw wrong(`${name}.how is ${shown(layer.how)}, expected "max" or "mean"`);
  if (layer.kind !== 'pool') Object.assign(layer, { kernel: checkList(`${name}.kernel`, layer.kernel, 2) });
  const { kernel, stride, padding } = windowOf(layer);
  const good = (value: unknown, limit: typeof limits.extent | typeof limits.padding) =>
    Number.isInteger(value) && within(value as number, limit);
  if (![...kernel, stride].every((value) => good(value, limits.extent)) || !good(padding, limits.padding))
    throw wrong(
      `${name} has kernel ${kernel.map(shown).join('×')}, stride ${shown(stride)}, padding ` +
        `${shown(padding)}: expected whole numbers from 1, 1 and 0 to ${limits.extent.most}`,
    );
  const [paddedHeight, paddedWidth] = [height + 2 * padding, width + 2 * padding];
  if (!within(paddedHeight * paddedWidth * channels, limits.pixels))
    throw wrong(
      `${name} takes ${paddedHeight}×${paddedWidth}×${channels} numbers, expected at most ${limits.pixels.most}`,
    );
  if (kernel[0] > paddedHeight || kernel[1] > paddedWidth)
    throw wrong(`${name} has a window of ${kernel.join('×')} on an image of ${paddedHeight}×${paddedWidth}`);
  if (layer.kind === 'depthwise')
    checkArray(`${name}.weights`, 'Float32Array', layer.weights, kernel[0] * kernel[1] * channels);
  if (layer.kind !== 'convolution') return layer;
  const matrix = checkBlockMatrix(`${name}.matrix`, layer.matrix, ['Float32Array'], remember);
  const columns = kernel[0] * kernel[1] * channels;
  if (matrix.columns !== columns)
    throw wrong(`${name}.matrix has ${matrix.columns} columns, expected ${kernel.join('×')}×${channels} = ${columns}`);
  if (channels % matrix.blockColumns !== 0 && kernel[0] > 1 && kernel[1] < paddedWidth)
    throw wrong(
      `${name}.matrix has blocks of ${matrix.blockColumns} columns, which ` +
        `straddle rows of an image with ${channels} channels`,
    );
  checkArray(`${name}.bias`, 'Float32Array', layer.bias, matrix.rows);
  checkBoolean(`${name}.relu`, layer.relu);
  const outputs =
    (Math.floor((paddedHeight - kernel[0]) / stride) + 1) * (Math.floor((paddedWidth - kernel[1]) / stride) + 1);
  if (!within(outputs * matrix.rows, limits.pixels))
    throw wrong(`${name} gives ${outputs * matrix.rows} numbers, expected at most ${limits.pixels.most}`);
  return { ...layer, matrix };
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
