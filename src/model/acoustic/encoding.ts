import { parseBoundedJson, quoted, shortened } from '../../base/bounded_json.js';
import { TtsError } from '../../base/errors.js';
import { type Limit, limits, within } from '../../base/limits.js';
import { type Lexicon, parseLexicon } from '../../text/lexicon/own.js';
import { tokenSymbols } from '../../text/tokens.js';
import { decodeSafetensors, encodeSafetensors, type Tensor, unquoted } from '../safetensors.js';
import { checksum } from '../voice/encoding.js';
import { acousticShapes } from './config.js';
import type { AcousticModel } from './model.js';
import { acousticMetadataSchema } from './schema.js';

/**
 * The file of an acoustic model: every parameter of `acousticShapes` in F32 under its name, `statistics.mean` and
 * `statistics.std` F32 [bins], and if there is one `lexicon` U8, the reader's lexicon as `parseLexicon` reads it.
 * Metadata: format, version, sha256 of all the rest, and as JSON config, tokens, features, treatment, statistics (of
 * pitch and energy), provenance.
 */
export const acousticFormat = 'sparsewavernn-acoustic';
const version = 1;
const jsonKeys = ['config', 'tokens', 'features', 'treatment', 'statistics', 'provenance'] as const;
/** Bytes: a dictionary of 134,000 words has 4 million. */
const largestLexicon = 16e6;

const corrupt = (message: string, cause?: unknown): TtsError => new TtsError('ERR_VOICE_CORRUPT', message, { cause });

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
  const metadata: Record<string, string> = { format: acousticFormat, version: String(version) };
  for (const key of jsonKeys) metadata[key] = JSON.stringify(values[key]);
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
  const { tensors, metadata } = decodeSafetensors(bytes);
  checkVersion(metadata);
  const expected = checksum(tensors, metadata);
  if (metadata.sha256 !== expected)
    throw corrupt(
      `the file is damaged: its checksum is ${expected}, expected ` +
        (metadata.sha256 === undefined ? 'one in the metadata' : unquoted(metadata.sha256)),
    );
  const { config, features, treatment, statistics, provenance } = readMetadata(metadata);
  const taken = new Set<string>();
  const floats = (name: string, shape: readonly number[], limit: Limit): Float32Array => {
    taken.add(name);
    const tensor = tensors.get(name);
    if (tensor === undefined) throw corrupt(`tensor ${name} is missing`);
    if (tensor.dtype !== 'F32' || tensor.shape.join() !== shape.join())
      throw corrupt(
        `tensor ${name} is ${tensor.dtype} [${tensor.shape.join(', ')}], expected F32 [${shape.join(', ')}]`,
      );
    const data = tensor.data as Float32Array;
    const bad = data.findIndex((value) => !within(value, limit));
    if (bad >= 0) throw corrupt(`tensor ${name} has ${data[bad]} at ${bad}, expected ${limit.least} to ${limit.most}`);
    return data;
  };
  const weights = new Map<string, Float32Array>();
  for (const [name, { shape }] of acousticShapes(config, features.bins))
    weights.set(name, floats(name, shape, limits.weight));
  const mean = floats('statistics.mean', [features.bins], limits.weight);
  const std = floats('statistics.std', [features.bins], limits.deviation);
  const lexicon = readLexicon(tensors.get('lexicon'));
  taken.add('lexicon');
  for (const name of tensors.keys())
    if (!taken.has(name))
      throw corrupt(`tensor ${unquoted(name)} does not belong to an acoustic model of this configuration`);
  return { config, features, treatment, statistics: { mean, std, ...statistics }, weights, lexicon, provenance };
}

function readLexicon(tensor: Tensor | undefined): Lexicon {
  if (tensor === undefined) return new Map();
  if (tensor.dtype !== 'U8' || tensor.shape.length !== 1 || tensor.data.length > largestLexicon)
    throw corrupt(
      `tensor lexicon is ${tensor.dtype} [${tensor.shape.join(', ')}], expected U8 [n] with n up to ${largestLexicon}`,
    );
  try {
    return parseLexicon(new TextDecoder('utf-8', { fatal: true }).decode(tensor.data), 'the lexicon');
  } catch (cause) {
    throw corrupt(cause instanceof TtsError ? cause.message : 'tensor lexicon is no text in UTF-8', cause);
  }
}

const inQuotes = (text: string | undefined): string => (text === undefined ? 'missing' : quoted(text));

function checkVersion(metadata: Record<string, string>): void {
  if (metadata.format !== acousticFormat)
    throw corrupt(
      `not an acoustic model: the metadata's format is ${inQuotes(metadata.format)}, expected "${acousticFormat}"`,
    );
  if (!/^[1-9]\d{0,8}$/.test(metadata.version ?? ''))
    throw corrupt(`version ${inQuotes(metadata.version)}, expected a number from 1`);
  if (Number(metadata.version) > version)
    throw new TtsError(
      'ERR_VOICE_VERSION',
      `format ${metadata.version} of acoustic models was made by a newer version; this one reads up to format ` +
        `${version}: update sparsewavernn`,
    );
}

function readMetadata(metadata: Record<string, string>) {
  const json: Record<string, unknown> = {};
  for (const key of jsonKeys) {
    try {
      json[key] = parseBoundedJson(metadata[key]);
    } catch (cause) {
      const reason = cause instanceof SyntaxError ? ` (${cause.message.slice(0, 100)})` : '';
      throw corrupt(`metadata ${key} is not JSON${reason}`, cause);
    }
  }
  const checked = acousticMetadataSchema.safeParse(json);
  if (checked.success) return checked.data;
  const [{ path, message }] = checked.error.issues;
  const value = path.reduce<unknown>((at, key) => (at as Record<PropertyKey, unknown> | undefined)?.[key], json);
  throw corrupt(`metadata ${path.join('.')} is ${shortened(JSON.stringify(value) ?? 'missing')}: ${message}`);
}
