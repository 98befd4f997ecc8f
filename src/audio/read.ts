import { TtsError } from '../base/errors.js';
import { readWholeFile } from '../base/whole_file.js';
import type { Audio, DecodedAudio } from './audio.js';
import { decodeCompressed, decodeFlac } from './decode_compressed.js';
import { decodeWav } from './decode_wav.js';
import { resample } from './resample.js';

/** Name endings of the files that `readAudio` can read; it recognises them by their content. */
export const audioExtensions: readonly string[] = ['.wav', '.wave', '.flac', '.mp3', '.ogg', '.oga'];

/**
 * Reads a recording: WAV, FLAC, MP3 or Ogg Vorbis, recognised by its content, not by its name. Channels are averaged to
 * mono. With `sampleRate` (Hz) the audio is resampled to it if it has another.
 *
 * @throws TtsError ERR_FILE_NOT_FOUND, ERR_FILE_READ, ERR_AUDIO_FORMAT (not audio, damaged, absurd),
 * ERR_AUDIO_TRUNCATED, ERR_AUDIO_EMPTY (no samples), ERR_AUDIO_DECODER (no decoder for this format on this machine).
 */
export async function readAudio(path: string, options: { sampleRate?: number } = {}): Promise<Audio> {
  const decoded = await readChannels(path);
  const samples = mixDown(decoded.channels);
  const bad = samples.findIndex((sample) => !Number.isFinite(sample));
  if (bad >= 0)
    throw new TtsError('ERR_AUDIO_FORMAT', `${path}: sample ${bad} is ${samples[bad]}: expected finite numbers`);
  const sampleRate = options.sampleRate ?? decoded.sampleRate;
  if (sampleRate === decoded.sampleRate) return { sampleRate, samples };
  return { sampleRate, samples: resample(samples, decoded.sampleRate, sampleRate) };
}

/**
 * Reads a recording as it is: its own rate, all its channels.
 *
 * @throws TtsError what `readAudio` throws, but for samples that are not finite
 */
export async function readChannels(path: string): Promise<DecodedAudio> {
  const bytes = await readWholeFile(path);
  if (bytes.length === 0) throw new TtsError('ERR_AUDIO_EMPTY', `${path} is empty (0 bytes): expected audio`);
  return decode(bytes, path);
}

async function decode(bytes: Buffer, name: string): Promise<DecodedAudio> {
  const begins = (text: string, at = 0) => bytes.toString('latin1', at, at + text.length) === text;
  if (begins('RIFF')) return decodeWav(bytes, name);
  // Some taggers put an ID3 tag in front of FLAC too.
  if (begins('fLaC') || (begins('ID3') && bytes.subarray(0, 1 << 20).includes('fLaC'))) return decodeFlac(bytes, name);
  if (begins('OggS')) return decodeCompressed(bytes, 'Ogg', name);
  if (begins('ID3') || (bytes[0] === 0xff && (bytes[1] & 0xe0) === 0xe0)) return decodeCompressed(bytes, 'MP3', name);
  const known = begins('FORM')
    ? 'AIFF'
    : begins('ftyp', 4)
      ? 'MP4/M4A'
      : begins('RF64') || begins('RIFX')
        ? `WAV's variant ${bytes.toString('latin1', 0, 4)}`
        : undefined;
  const found =
    known ?? `not audio of a known format (it begins with ${bytes.toString('hex', 0, Math.min(4, bytes.length))})`;
  throw new TtsError('ERR_AUDIO_FORMAT', `${name} is ${found}: expected WAV, FLAC, MP3 or Ogg Vorbis`);
}

/** The mean of all channels. */
export function mixDown(channels: readonly Float32Array[]): Float32Array {
  if (channels.length === 1) return channels[0];
  return Float32Array.from(
    channels[0],
    (_, i) => channels.reduce((sum, channel) => sum + channel[i], 0) / channels.length,
  );
}
