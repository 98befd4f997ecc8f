import { TtsError } from '../base/errors.js';
import { type FileSource, nameOf, readSource } from '../base/whole_file.js';
import type { Audio, DecodedAudio } from './audio.js';
import { decodeCompressed, decodeFlac } from './decode_compressed.js';
import { decodeWav } from './decode_wav.js';
import { convertWithFfmpeg, foreignFormat } from './foreign.js';
import { type LevelFault, levelFaults } from './level_faults.js';
import { resample } from './resample.js';

/** Name endings of the files that `readAudio` can read; it recognises them by their content. */
export const audioExtensions: readonly string[] = ['.wav', '.wave', '.flac', '.mp3', '.ogg', '.oga'];

/**
 * Goes into the key of everything that is kept of recordings: raise it when the same file is read to other samples. 2:
 * float in extensible WAV, odd 8-bit WAV, data chunks of size 0.
 */
export const readerVersion = 2;

/**
 * Reads a recording: WAV, FLAC, MP3 or Ogg Vorbis, recognised by its content, not by its name. Channels are averaged to
 * mono. With `sampleRate` (Hz) the audio is resampled to it if it has another.
 *
 * @throws TtsError ERR_FILE_NOT_FOUND, ERR_FILE_READ, ERR_AUDIO_FORMAT (not audio, damaged, absurd),
 * ERR_AUDIO_TRUNCATED, ERR_AUDIO_EMPTY (no samples), ERR_AUDIO_DECODER (no decoder for this format on this machine).
 */
export async function readAudio(path: string, options: { sampleRate?: number } = {}): Promise<Audio> {
  const { sampleRate, samples } = await readWithFaults(path, options);
  return { sampleRate, samples };
}

/** A recording, with what is to be said of it. */
export interface Recording extends Audio {
  /** Of the file, in Hz. */
  readonly fileRate: number;
  /** What is wrong with its level, for people to read: `FILE goes beyond full scale: …`. */
  readonly notes: readonly string[];
}

/**
 * Reads a recording as `readAudio` does, and refuses one whose level makes it useless; see `levelFaults`.
 *
 * @throws TtsError what `readAudio` throws; ERR_AUDIO_LEVEL
 */
export async function readRecording(source: FileSource, options: { sampleRate?: number } = {}): Promise<Recording> {
  const { sampleRate, samples, fileRate, faults } = await readWithFaults(source, options);
  const name = nameOf(source);
  const hopeless = faults.find(({ usable }) => !usable);
  if (hopeless) throw new TtsError('ERR_AUDIO_LEVEL', `${name} ${hopeless.what}`);
  return { sampleRate, samples, fileRate, notes: faults.map(({ what }) => `${name} ${what}`) };
}

/** Reads a recording as `readAudio` does, and says what is wrong with its level. */
export async function readWithFaults(
  source: FileSource,
  options: { sampleRate?: number } = {},
): Promise<Audio & { readonly fileRate: number; readonly faults: readonly LevelFault[] }> {
  const decoded = await readChannels(source);
  const samples = mixDown(decoded.channels);
  const bad = samples.findIndex((sample) => !Number.isFinite(sample));
  if (bad >= 0)
    throw new TtsError(
      'ERR_AUDIO_FORMAT',
      `${nameOf(source)}: sample ${bad} is ${samples[bad]}: expected finite numbers`,
    );
  const faults = levelFaults(decoded, samples);
  const { sampleRate: fileRate } = decoded;
  const sampleRate = options.sampleRate ?? fileRate;
  if (sampleRate === fileRate) return { sampleRate, samples, fileRate, faults };
  return { sampleRate, samples: resample(samples, fileRate, sampleRate), fileRate, faults };
}

/**
 * Reads a recording as it is: its own rate, all its channels.
 *
 * @throws TtsError what `readAudio` throws, but for samples that are not finite
 */
export async function readChannels(source: FileSource): Promise<DecodedAudio> {
  const bytes = await readSource(source);
  const name = nameOf(source);
  if (bytes.length === 0) throw new TtsError('ERR_AUDIO_EMPTY', `${name} is empty (0 bytes): expected audio`);
  return decode(bytes, name);
}

async function decode(bytes: Buffer, name: string): Promise<DecodedAudio> {
  const begins = (text: string, at = 0) => bytes.toString('latin1', at, at + text.length) === text;
  if (['RIFF', 'RIFX', 'RF64', 'BW64'].some((tag) => begins(tag)) && begins('WAVE', 8)) return decodeWav(bytes, name);
  // Some taggers put an ID3 tag in front of FLAC too.
  if (begins('fLaC') || (begins('ID3') && bytes.subarray(0, 1 << 20).includes('fLaC'))) return decodeFlac(bytes, name);
  if (begins('OggS')) return decodeCompressed(bytes, 'Ogg', name);
  const foreign = foreignFormat(bytes, name);
  if (foreign !== undefined)
    throw new TtsError(
      'ERR_AUDIO_FORMAT',
      `${name} is ${foreign.what}: expected WAV, FLAC, MP3 or Ogg Vorbis; ${foreign.advice}`,
    );
  if (begins('ID3') || (bytes[0] === 0xff && (bytes[1] & 0xe0) === 0xe0)) return decodeCompressed(bytes, 'MP3', name);
  throw new TtsError(
    'ERR_AUDIO_FORMAT',
    `${name} is not audio of a known format (it begins with ${bytes.toString('hex', 0, Math.min(4, bytes.length))}): ` +
      `expected WAV, FLAC, MP3 or Ogg Vorbis; if it is audio, ${convertWithFfmpeg(name)}`,
  );
}

/** The mean of all channels. */
export function mixDown(channels: readonly Float32Array[]): Float32Array {
  if (channels.length === 1) return channels[0];
  return Float32Array.from(
    channels[0],
    (_, i) => channels.reduce((sum, channel) => sum + channel[i], 0) / channels.length,
  );
}
