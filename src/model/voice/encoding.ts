import { isUntreated, untreated } from '../../audio/treatment.js';
import { upperBands } from '../../audio/upper_bands.js';
import { type Limit, limits } from '../../base/limits.js';
import type { StoredMatrix } from '../../kernels/interface/blocks.js';
import { isInt8, precisionOfMatrix, toBf16 } from '../../kernels/interface/precision.js';
import { checksum, corrupt, type ModelFormat, openModel, readMetadata, TensorReader } from '../model_file.js';
import { encodeSafetensors, type Tensor } from '../safetensors.js';
import {
  type DenseName,
  denseNames,
  shapeOf,
  type SparseName,
  sparseNames,
  type WaveRnnConfig,
} from '../wavernn/config.js';
import { voiceMetadataSchema } from './schema.js';
import type { Provenance, Voice } from './voice.js';

/**
 * The voice file. Tensors, with n the number of a matrix's blocks: `NAME.values` F32, BF16 or I8 [n, block size],
 * `NAME.column` U16 [n], `NAME.rowStart` I32 [block rows + 1], and with I8 `NAME.scale` F32 [rows] for each sparse
 * NAME; each dense NAME in F32; `conditioning.…` in F32; `statistics.mean` and `statistics.std` F32 [bins]; where the
 * voice knows of the spectrum above its features, `upper.weights` F32 [upper bands, bins + 1]. Metadata: format, version,
 * sha256 of all the rest, and as JSON config, features, statistics (min and max), provenance, and treatment where
 * recordings are treated.
 *
 * Version 1 has values in F32 only, version 2 has no licence and no origin in its provenance, version 3 no upper bands.
 * A voice is written in the lowest version that can hold it, so that older programs can read it.
 */
export const voiceFormat: ModelFormat = { what: 'voice', format: 'sparsewavernn-voice', version: 4 };
const valueTypes = { float32: 'F32', bf16: 'BF16', int8: 'I8' } as const;
const columnLimit = 65536;

/** The bytes of a voice file. */
export function encodeVoice({
  config,
  features,
  treatment,
  statistics,
  upper,
  sparse,
  dense,
  conditioning,
  provenance,
}: Voice): Uint8Array {
  const tensors = new Map<string, Tensor>();
  const float = (name: string, shape: number[], data: Float32Array) => tensors.set(name, { dtype: 'F32', shape, data });
  for (const name of sparseNames) {
    const matrix = sparse[name];
    const { values, column, rowStart, blockRows, blockColumns } = matrix;
    if (column.some((index) => index < 0 || index >= columnLimit))
      throw corrupt(`${name} has a block column outside 0 … ${columnLimit - 1}`);
    tensors.set(`${name}.values`, {
      dtype: valueTypes[precisionOfMatrix(matrix)],
      shape: [column.length, blockRows * blockColumns],
      data: values,
    });
    if (isInt8(matrix)) float(`${name}.scale`, [matrix.scale.length], matrix.scale);
    tensors.set(`${name}.column`, { dtype: 'U16', shape: [column.length], data: Uint16Array.from(column) });
    tensors.set(`${name}.rowStart`, { dtype: 'I32', shape: [rowStart.length], data: rowStart });
  }
  for (const name of denseNames) float(name, denseShape(name, config), dense[name]);
  for (const [name, { shape, data }] of conditioning) float(`conditioning.${name}`, shape, data);
  float('statistics.mean', [statistics.mean.length], statistics.mean);
  float('statistics.std', [statistics.std.length], statistics.std);
  if (upper) float('upper.weights', [upper.length / (features.bins + 1), features.bins + 1], upper);

  const values = { config, features, treatment, statistics: { min: statistics.min, max: statistics.max }, provenance };
  const metadata: Record<string, string> = {
    format: voiceFormat.format,
    version: upper ? '4' : lowestVersion(config, sparse, provenance),
  };
  for (const [key, value] of Object.entries(values)) metadata[key] = JSON.stringify(value);
  // Without a treatment the file is the same as before there were any.
  if (isUntreated(treatment)) delete metadata.treatment;
  metadata.sha256 = checksum(tensors, metadata);
  return encodeSafetensors(tensors, metadata);
}

/** Of a voice without upper bands. */
function lowestVersion(config: WaveRnnConfig, sparse: Voice['sparse'], { licence, from }: Provenance): string {
  const { encoding, hears, conditioning } = config;
  if (encoding === 'ltp10' || hears !== undefined || conditioning.vectors !== undefined) return '3';
  if (licence !== undefined || from !== undefined) return '3';
  return Object.values(sparse).every((matrix) => matrix.values instanceof Float32Array) ? '1' : '2';
}

/** The voice in the bytes of a voice file; throws ERR_VOICE_CORRUPT or ERR_VOICE_VERSION. */
export function decodeVoice(bytes: Uint8Array): Voice {
  const { tensors, metadata } = openModel(bytes, voiceFormat);
  const { config, features, treatment, statistics, provenance } = readMetadata(
    { treatment: JSON.stringify(untreated), ...metadata },
    voiceMetadataSchema,
  );
  const reader = new TensorReader(tensors);
  const weights = (name: string, shape: (number | null)[]) => reader.floats(name, shape, limits.weight);
  const matrix = (name: SparseName): StoredMatrix => {
    const [rows, columns] = shapeOf(name, config);
    const { rows: blockRows, columns: blockColumns } = config.block;
    const column = Int32Array.from(reader.take<Uint16Array>(`${name}.column`, 'U16', [null]));
    const rowStart = reader.take<Int32Array>(`${name}.rowStart`, 'I32', [Math.ceil(rows / blockRows) + 1]);
    checkBlocks(name, rowStart, column, Math.ceil(columns / blockColumns));
    const structure = { rows, columns, blockRows, blockColumns, rowStart, column };
    const stored = reader.typeOf(`${name}.values`);
    const shape = [column.length, blockRows * blockColumns];
    if (metadata.version !== '1' && stored === 'BF16')
      return { ...structure, values: checkBf16(name, reader.take<Uint16Array>(`${name}.values`, 'BF16', shape)) };
    if (metadata.version !== '1' && stored === 'I8')
      return {
        ...structure,
        values: checkInt8(name, reader.take<Int8Array>(`${name}.values`, 'I8', shape)),
        scale: reader.floats(`${name}.scale`, [rows], largestScale),
      };
    return { ...structure, values: weights(`${name}.values`, shape) };
  };
  const sparse = Object.fromEntries(sparseNames.map((name) => [name, matrix(name)])) as Record<
    SparseName,
    StoredMatrix
  >;
  const vectors = denseNames.map((name) => [name, weights(name, denseShape(name, config))]);
  const dense = Object.fromEntries(vectors) as Record<DenseName, Float32Array>;
  const mean = weights('statistics.mean', [features.bins]);
  const std = reader.floats('statistics.std', [features.bins], limits.deviation);
  const bands = upperBands(features).length;
  const upper =
    Number(metadata.version) >= 4 && reader.typeOf('upper.weights') !== undefined
      ? weights('upper.weights', [bands, features.bins + 1])
      : undefined;

  const conditioning = new Map(
    Object.entries(conditioningShapes(config, features.bins)).map(([name, shape]) => [
      name,
      { shape, data: weights(`conditioning.${name}`, shape) },
    ]),
  );
  reader.finish(voiceFormat);
  return {
    config,
    features,
    treatment,
    statistics: { mean, std, ...statistics },
    ...(upper && { upper }),
    sparse,
    dense,
    conditioning,
    provenance,
  };
}

const denseShape = (name: DenseName, config: WaveRnnConfig): number[] => {
  const [rows, columns] = shapeOf(name, config);
  return columns === 1 ? [rows] : [rows, columns];
};

/** What a whole number from -127 to 127 is multiplied by. */
const largestScale: Limit = { least: limits.weight.least / 127, most: limits.weight.most / 127 };

/** The bits of the largest weight without its sign: bf16 of greater size are greater numbers, infinities or NaN. */
const largestBf16 = toBf16(Float32Array.of(limits.weight.most))[0];

function checkBf16(name: string, values: Uint16Array): Uint16Array {
  const bad = values.findIndex((bits) => (bits & 0x7fff) > largestBf16);
  if (bad >= 0)
    throw corrupt(
      `tensor ${name}.values has bf16 0x${values[bad].toString(16)} at ${bad}, expected finite numbers up to ` +
        `${limits.weight.most}`,
    );
  return values;
}

/** Kernels rely on the symmetric range: with -128 their 16-bit sums could overflow. */
function checkInt8(name: string, values: Int8Array): Int8Array {
  const bad = values.indexOf(-128);
  if (bad >= 0) throw corrupt(`tensor ${name}.values has -128 at ${bad}, expected -127 to 127`);
  return values;
}

/** Kernels trust these indices: one that is out of range would read memory that is not its own. */
function checkBlocks(name: string, rowStart: Int32Array, column: Int32Array, columns: number): void {
  const last = rowStart.length - 1;
  if (rowStart[0] !== 0 || rowStart[last] !== column.length)
    throw corrupt(`${name}.rowStart runs from ${rowStart[0]} to ${rowStart[last]}, expected 0 to ${column.length}`);
  for (let row = 0; row < last; row++) {
    const [start, end] = [rowStart[row], rowStart[row + 1]];
    if (start > end || end > column.length)
      throw corrupt(
        `${name}.rowStart goes from ${start} to ${end} at block row ${row}, ` +
          `expected ascending numbers up to ${column.length}`,
      );
    for (let k = start; k < end; k++) {
      if (column[k] >= columns) throw corrupt(`${name}.column has ${column[k]} at ${k}, expected less than ${columns}`);
      if (k > start && column[k] <= column[k - 1])
        throw corrupt(
          `${name}.column has ${column[k]} after ${column[k - 1]} in block row ${row}, expected ascending numbers`,
        );
    }
  }
}

/**
 * The shapes of the conditioning network's tensors by name (see `conditioningParameters`), for features of `bins` bins.
 */
export function conditioningShapes(
  { hidden, conditioning: { channels, kernel, residualBlocks } }: WaveRnnConfig,
  bins: number,
): Record<string, number[]> {
  const kernels: Record<string, number[]> = { input: [kernel, bins, channels] };
  for (let i = 0; i < residualBlocks; i++) {
    kernels[`residual${i}.wide`] = [3, channels, channels];
    kernels[`residual${i}.narrow`] = [1, channels, channels];
  }
  kernels.output = [channels, 3 * hidden];
  return Object.fromEntries(
    Object.entries(kernels).flatMap(([name, shape]) => [
      [`${name}.kernel`, shape],
      [`${name}.bias`, shape.slice(-1)],
    ]),
  );
}
