import { TtsError } from '../../base/errors.js';
import { readWholeFile, writeWholeFile } from '../../base/whole_file.js';
import type { Normalisation } from '../../data/images/images.js';
import type { BlockMatrix } from '../../kernels/interface/blocks.js';
import type { ClassifierLayer, ClassifierNetwork } from '../../kernels/interface/classifier.js';
import { decodeSafetensors, encodeSafetensors, safetensorsKind, type Tensor } from '../safetensors.js';

/** A classifier that can be used: its network, and what its input must go through. */
export interface SavedClassifier {
  readonly network: ClassifierNetwork;
  readonly normalisation: Normalisation;
  /** Where it comes from; for people, nothing is computed from it. */
  readonly provenance: Readonly<Record<string, unknown>>;
}

const format = 'sparsewavernn-classifier';
const version = '1';

/** What may be replaced by a classifier without asking. */
export const classifierKind = safetensorsKind('a classifier', format);

/**
 * Writes a classifier as one safetensors file, whole or not at all. Tensors of layer i are `i.values` [blocks, block
 * size], `i.rowStart`, `i.column` and `i.bias` of a convolution, `i.weights` of a depthwise layer; the metadata hold
 * everything else as JSON.
 * @param options.force replaces a file that is there even if it is no classifier
 * @throws {TtsError} ERR_FILE_WRITE; ERR_FILE_EXISTS for a file that is there and no classifier
 */
export async function saveClassifier(
  path: string,
  { network, normalisation, provenance }: SavedClassifier,
  options: { force?: boolean } = {},
): Promise<void> {
  const tensors = new Map<string, Tensor>();
  const layers = network.layers.map((layer, i) => {
    if (layer.kind === 'pool') return layer;
    if (layer.kind === 'depthwise') {
      const { weights, ...rest } = layer;
      tensors.set(`${i}.weights`, { dtype: 'F32', shape: [weights.length], data: weights });
      return rest;
    }
    const { matrix, bias, ...rest } = layer;
    const { values, rowStart, column, ...sizes } = matrix;
    tensors.set(`${i}.values`, {
      dtype: 'F32',
      shape: [column.length, sizes.blockRows * sizes.blockColumns],
      data: values,
    });
    tensors.set(`${i}.rowStart`, { dtype: 'I32', shape: [rowStart.length], data: rowStart });
    tensors.set(`${i}.column`, { dtype: 'I32', shape: [column.length], data: column });
    tensors.set(`${i}.bias`, { dtype: 'F32', shape: [bias.length], data: bias });
    return { ...rest, matrix: sizes };
  });
  const json = { network: { input: network.input, layers }, normalisation, provenance };
  const metadata = Object.fromEntries(Object.entries(json).map(([key, value]) => [key, JSON.stringify(value)]));
  await writeWholeFile(path, encodeSafetensors(tensors, { format, version, ...metadata }), {
    kind: classifierKind,
    force: options.force,
  });
}

/**
 * Reads what `saveClassifier` wrote. The kernels check indices and sizes when they first see the network.
 * @throws {TtsError} ERR_FILE_NOT_FOUND, ERR_FILE_READ; ERR_VOICE_CORRUPT for a file that is damaged or no classifier
 */
export async function loadClassifier(path: string): Promise<SavedClassifier> {
  const { tensors, metadata } = decodeSafetensors(await readWholeFile(path));
  if (metadata.format !== format || metadata.version !== version) {
    throw new TtsError(
      'ERR_VOICE_CORRUPT',
      `${path} has format ${JSON.stringify(metadata.format)}, version ${JSON.stringify(metadata.version)}, ` +
        `expected "${format}", "${version}"`,
    );
  }
  const take = <T>(name: string): T => {
    const tensor = tensors.get(name);
    if (!tensor) throw new TtsError('ERR_VOICE_CORRUPT', `${path} lacks the tensor ${name}`);
    return tensor.data as T;
  };
  const [network, normalisation, provenance] = ['network', 'normalisation', 'provenance'].map(
    (key) => JSON.parse(metadata[key]) as unknown,
  );
  const { input, layers } = network as ClassifierNetwork;
  const whole = layers.map((layer, i): ClassifierLayer => {
    if (layer.kind === 'pool') return layer;
    if (layer.kind === 'depthwise') return { ...layer, weights: take<Float32Array>(`${i}.weights`) };
    const matrix: BlockMatrix = {
      ...layer.matrix,
      values: take<Float32Array>(`${i}.values`),
      rowStart: take<Int32Array>(`${i}.rowStart`),
      column: take<Int32Array>(`${i}.column`),
    };
    return { ...layer, matrix, bias: take<Float32Array>(`${i}.bias`) };
  });
  return {
    network: { input, layers: whole },
    normalisation: normalisation as Normalisation,
    provenance: provenance as Record<string, unknown>,
  };
}
