import { z } from 'zod';
import { TtsError } from '../../base/errors.js';
import { limits, real, whole } from '../../base/limits.js';
import { readWholeFile, writeWholeFile } from '../../base/whole_file.js';
import type { Normalisation } from '../../data/images/images.js';
import type { BlockMatrix } from '../../kernels/interface/blocks.js';
import { checkClassifierNetwork } from '../../kernels/interface/check_classifier.js';
import type { ClassifierLayer, ClassifierNetwork } from '../../kernels/interface/classifier.js';
import { corrupt, readMetadata } from '../model_file.js';
import {
  decodeSafetensors,
  encodeSafetensors,
  type SafetensorsFile,
  safetensorsKind,
  type Tensor,
  unquoted,
} from '../safetensors.js';

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

const extent = whole(limits.extent);
const kernel = z.tuple([extent, extent]);
const rows = whole(limits.rows);
/** What the metadata say of each layer; its arrays are tensors. What fits together the kernels' checks know. */
const layerSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('convolution'),
    matrix: z.strictObject({ rows, columns: rows, blockRows: extent, blockColumns: extent }),
    kernel,
    stride: extent,
    padding: whole(limits.padding),
    relu: z.boolean(),
  }),
  z.strictObject({ kind: z.literal('depthwise'), kernel, stride: extent, padding: whole(limits.padding) }),
  z.strictObject({ kind: z.literal('pool'), how: z.enum(['max', 'mean']), size: extent }),
]);
const metadataSchema = z.strictObject({
  network: z.strictObject({
    input: z.tuple([extent, extent, extent]),
    layers: z.array(layerSchema).min(1).max(limits.layers.most),
  }),
  normalisation: z.strictObject({
    mean: z.array(real(limits.weight)).max(limits.extent.most),
    deviation: z.array(real(limits.deviation)).max(limits.extent.most),
  }),
  provenance: z.record(z.string(), z.unknown()),
});

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
 * Reads what `saveClassifier` wrote and checks all of it: every number of the metadata, every shape, index and weight.
 * @throws {TtsError} ERR_FILE_NOT_FOUND, ERR_FILE_READ; ERR_VOICE_CORRUPT for a file that is damaged or no classifier
 */
export async function loadClassifier(path: string): Promise<SavedClassifier> {
  const bytes = await readWholeFile(path);
  try {
    return decodeClassifier(decodeSafetensors(bytes));
  } catch (cause) {
    throw cause instanceof TtsError ? new TtsError('ERR_VOICE_CORRUPT', `${path}: ${cause.message}`, { cause }) : cause;
  }
}

function decodeClassifier({ tensors, metadata }: SafetensorsFile): SavedClassifier {
  if (metadata.format !== format || metadata.version !== version)
    throw corrupt(
      `it has format ${unquoted(metadata.format ?? 'none')}, version ${unquoted(metadata.version ?? 'none')}, ` +
        `expected ${format}, ${version}`,
    );
  const {
    network: { input, layers },
    normalisation,
    provenance,
  } = readMetadata(metadata, metadataSchema);
  if (normalisation.mean.length !== input[2] || normalisation.deviation.length !== input[2])
    throw corrupt(`metadata normalisation has ${normalisation.mean.length} channels, expected ${input[2]}`);
  const taken = new Set<string>();
  const take = <T>(name: string, dtype: Tensor['dtype']): T => {
    taken.add(name);
    const tensor = tensors.get(name);
    if (!tensor) throw corrupt(`the tensor ${name} is missing`);
    if (tensor.dtype !== dtype) throw corrupt(`tensor ${name} is ${tensor.dtype}, expected ${dtype}`);
    return tensor.data as T;
  };
  const weights = (name: string): Float32Array => {
    const values = take<Float32Array>(name, 'F32');
    const { least, most } = limits.weight;
    const bad = values.findIndex((value) => !(value >= least && value <= most));
    if (bad >= 0) throw corrupt(`tensor ${name} has ${values[bad]} at ${bad}, expected ${least} to ${most}`);
    return values;
  };
  const whole = layers.map((layer, i): ClassifierLayer => {
    if (layer.kind === 'pool') return layer;
    if (layer.kind === 'depthwise') return { ...layer, weights: weights(`${i}.weights`) };
    const matrix: BlockMatrix = {
      ...layer.matrix,
      values: weights(`${i}.values`),
      rowStart: take<Int32Array>(`${i}.rowStart`, 'I32'),
      column: take<Int32Array>(`${i}.column`, 'I32'),
    };
    return { ...layer, matrix, bias: weights(`${i}.bias`) };
  });
  for (const name of tensors.keys())
    if (!taken.has(name)) throw corrupt(`tensor ${unquoted(name)} does not belong to this network`);
  return { network: checkClassifierNetwork('the network', { input, layers: whole }), normalisation, provenance };
}
