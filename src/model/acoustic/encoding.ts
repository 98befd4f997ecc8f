import { TtsError } from '../../base/errors.js';
import { limits } from '../../base/limits.js';
import { type Lexicon, parseLexicon } from '../../text/lexicon/own.js';
import { tokenSymbols } from '../../text/tokens.js';
import { checksum, corrupt, type ModelFormat, openModel, readMetadata, TensorReader } from '../model_file.js';
import { encodeSafetensors, type Tensor } from '../safetensors.js';
import { acousticShapes } from './config.js';
import type { AcousticModel } from './model.js';
import { acousticMetadataSchema } from './schema.js';

/**
 * The file of an acoustic model: every parameter of `acousticShapes` in F32 under its name, `statistics.mean` and
 * `statistics.std` F32 [bins], and if there is one `lexicon` U8, the reader's lexicon as `parseLexicon` reads it.
 * Metadata: format, version, sha256 of all the rest, and as JSON config, tokens, features, treatment, statistics (of
 * pitch and energy), provenance.
 */
export const acousticFormat: ModelFormat = {
  what: 'acoustic model',
  format: 'sparsewavernn-acoustic',
  version: 1,
};
/** Bytes: a dictionary of 134,000 words has 4 million. */
const largestLexicon = 16e6;

/** The bytes of an acoustic model's file. */
export function encodeAcoustic(model: AcousticModel): Uint8Array {
  const { config, features, treatment, weights, lexicon, provenance } = model;
  const { mean, std, logF0, energy } = model.statistics;
  const tensors = new Map<string, Tensor>();
  for (const [name, { shape }] of acousticShapes(config, features.bins)) {
    const data = weights.get(name);
    if (data === undefined) throw corrupt(`the parameter ${name} is missing`);
    tensors.set(name, { dtype: 'F32', shape, data });
  }
  for (const [name, data] of Object.entries({ mean, std }))
    tensors.set(`statistics.${name}`, { dtype: 'F32', shape: [data.length], data });
  if (lexicon.size > 0) {
    const data = new TextEncoder().encode(formatLexicon(lexicon));
    tensors.set('lexicon', { dtype: 'U8', shape: [data.length], data });
  }
  const values = { config, tokens: tokenSymbols, features, treatment, statistics: { logF0, energy }, provenance };
  const { format, version } = acousticFormat;
  const metadata: Record<string, string> = { format, version: String(version) };
  for (const [key, value] of Object.entries(values)) metadata[key] = JSON.stringify(value);
  metadata.sha256 = checksum(tensors, metadata);
  return encodeSafetensors(tensors, metadata);
}

const formatLexicon = (lexicon: Lexicon): string =>
  [...lexicon].flatMap(([word, variants]) => variants.map((phones) => `${word} ${phones.join(' ')}\n`)).join('');

/**
 * The acoustic model in the bytes of its file; all of it is checked: checksum, metadata, every shape, every value.
 * @throws {TtsError} ERR_VOICE_CORRUPT for a damaged file or one that is no acoustic model; ERR_VOICE_VERSION for one
 * made by a newer version
 */
export function decodeAcoustic(bytes: Uint8Array): AcousticModel {
  const { tensors, metadata } = openModel(bytes, acousticFormat);
  const { config, features, treatment, statistics, provenance } = readMetadata(metadata, acousticMetadataSchema);
  const reader = new TensorReader(tensors);
  const weights = new Map<string, Float32Array>();
  for (const [name, { shape }] of acousticShapes(config, features.bins))
    weights.set(name, reader.floats(name, shape, limits.weight));
  const mean = reader.floats('statistics.mean', [features.bins], limits.weight);
  const std = reader.floats('statistics.std', [features.bins], limits.deviation);
  const lexicon =
    reader.typeOf('lexicon') === undefined ? new Map() : readLexicon(reader.take('lexicon', 'U8', [null]));
  reader.finish(acousticFormat);
  return { config, features, treatment, statistics: { mean, std, ...statistics }, weights, lexicon, provenance };
}

function readLexicon(bytes: Uint8Array): Lexicon {
  if (bytes.length > largestLexicon)
    throw corrupt(`tensor lexicon has ${bytes.length} bytes, expected ${largestLexicon} at most`);
  try {
    return parseLexicon(new TextDecoder('utf-8', { fatal: true }).decode(bytes), 'the lexicon');
  } catch (cause) {
    throw corrupt(cause instanceof TtsError ? cause.message : 'tensor lexicon is no text in UTF-8', cause);
  }
}
