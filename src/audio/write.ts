import wavefile from 'wavefile';
import { TtsError } from '../base/errors.js';
import { writeWholeFile } from '../base/whole_file.js';
import { fromInt16, toInt16 } from './audio.js';

export { WavStream } from './wav_stream.js';

/** Bits of a sample in a WAV file: 16 or 24-bit integers, or 32-bit float. */
export type WavBits = '16' | '24' | '32f';

/**
 * Writes mono audio as a WAV file, whole or not at all: 16-bit unless `bits` says otherwise. Float samples are
 * nominally in [-1, 1); what lies outside is clamped, except with `32f`.
 *
 * @throws TtsError ERR_NOT_FINITE if a sample is NaN or infinite, ERR_FILE_WRITE if the file cannot be written.
 */
export async function writeWav(
  path: string,
  samples: Int16Array | Float32Array,
  sampleRate: number,
  options: { bits?: WavBits } = {},
): Promise<void> {
  const { bits = '16' } = options;
  const bad = samples.findIndex((sample: number) => !Number.isFinite(sample));
  if (bad >= 0)
    throw new TtsError('ERR_NOT_FINITE', `${path}: sample ${bad} is ${samples[bad]}: expected finite numbers`);
  const floats = () => (samples instanceof Float32Array ? samples : fromInt16(samples));
  const file = new wavefile.WaveFile();
  if (bits === '16') file.fromScratch(1, sampleRate, bits, samples instanceof Int16Array ? samples : toInt16(samples));
  else if (bits === '24') file.fromScratch(1, sampleRate, bits, toInt24(floats()));
  else file.fromScratch(1, sampleRate, bits, floats());
  await writeWholeFile(path, evenlySized(Buffer.from(file.toBuffer())));
}

/** 16-bit samples as the bytes of a mono WAV file. */
export function wavBytes(samples: Int16Array, sampleRate: number): Uint8Array {
  const file = new wavefile.WaveFile();
  file.fromScratch(1, sampleRate, '16', samples);
  return file.toBuffer();
}

function toInt24(samples: Float32Array): Int32Array {
  return Int32Array.from(samples, (sample) =>
    Math.max(-(2 ** 23), Math.min(2 ** 23 - 1, Math.round(sample * 2 ** 23))),
  );
}

/** RIFF chunks end at even places; the library leaves out the byte that an odd number of 24-bit samples needs. */
function evenlySized(bytes: Buffer): Buffer {
  if (bytes.length % 2 === 0) return bytes;
  const even = Buffer.concat([bytes, Buffer.alloc(1)]);
  even.writeUInt32LE(even.length - 8, 4);
  return even;
}
