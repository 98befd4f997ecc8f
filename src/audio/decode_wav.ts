import wavefile from 'wavefile';
import { type ErrorCode, TtsError } from '../base/errors.js';
import type { DecodedAudio } from './audio.js';

/**
 * Decodes a WAV file's bytes to samples in [-1, 1).
 *
 * @param name names the file in error messages
 * @throws TtsError ERR_AUDIO_FORMAT, ERR_AUDIO_TRUNCATED, ERR_AUDIO_EMPTY; see `readWavHeader`.
 */
export function decodeWav(bytes: Buffer, name: string): DecodedAudio {
  const header = readWavHeader(bytes, name);
  const file = new wavefile.WaveFile(essentials(bytes, header));
  const interleaved = file.getSamples(true, Float64Array);
  // 8-bit WAV is unsigned around 128; wider integers are signed; float is what it is.
  const offset = header.bits === 8 ? 128 : 0;
  const scale = header.format === 'float' ? 1 : 2 ** -(header.bits - 1);
  const length = interleaved.length / header.channels;
  const channels = Array.from({ length: header.channels }, (_, channel) => {
    const samples = new Float32Array(length);
    for (let i = 0; i < length; i++) samples[i] = (interleaved[i * header.channels + channel] - offset) * scale;
    return samples;
  });
  return { sampleRate: header.sampleRate, channels };
}

/**
 * The file with only its fmt and data chunks and with true sizes, so that the library need not understand the rest.
 */
function essentials(bytes: Buffer, { formatStart, formatEnd, dataStart, dataEnd }: WavHeader): Uint8Array {
  const chunk = (tag: string, content: Buffer) => {
    const head = Buffer.from(`${tag}\0\0\0\0`, 'latin1');
    head.writeUInt32LE(content.length, 4);
    return [head, content, Buffer.alloc(content.length % 2)];
  };
  const body = Buffer.concat([
    Buffer.from('WAVE'),
    ...chunk('fmt ', bytes.subarray(formatStart, formatEnd)),
    ...chunk('data', bytes.subarray(dataStart, dataEnd)),
  ]);
  return Buffer.concat(chunk('RIFF', body));
}

/** What the header of a WAV file says, checked. */
interface WavHeader {
  readonly format: 'integer' | 'float';
  readonly channels: number;
  readonly sampleRate: number;
  readonly bits: 8 | 16 | 24 | 32 | 64;
  /** Where the `fmt ` chunk's and the `data` chunk's contents lie in the file, in bytes. */
  readonly formatStart: number;
  readonly formatEnd: number;
  readonly dataStart: number;
  readonly dataEnd: number;
}

/**
 * Sizes from here on mean "unknown, written to a pipe": 0xFFFFFFFF as ffmpeg and this toolkit write it, 0x7FFFF000 as
 * sox does.
 */
const unknownSize = 0x7ffff000;

/**
 * Reads the header of a WAV file and checks more than libraries do: channels, bits, rate, block size, and the declared
 * sizes against the actual ones. Reads RIFF with integer PCM of 8, 16, 24 or 32 bits or float of 32 or 64, plain or
 * extensible.
 *
 * @param name names the file in error messages
 * @throws TtsError ERR_AUDIO_FORMAT (not WAV, or absurd), ERR_AUDIO_TRUNCATED (less there than declared),
 * ERR_AUDIO_EMPTY (no samples).
 */
function readWavHeader(bytes: Buffer, name: string): WavHeader {
  const fail = (code: ErrorCode, message: string) => new TtsError(code, `${name} ${message}`);
  const tag = (at: number) => bytes.toString('latin1', at, at + 4);
  if (bytes.length < 12 || tag(0) !== 'RIFF' || tag(8) !== 'WAVE')
    throw fail('ERR_AUDIO_FORMAT', 'is not a WAV file: expected it to begin with RIFF … WAVE');

  let format: [start: number, end: number] | undefined;
  let data: [start: number, declared: number] | undefined;
  for (let at = 12; at + 8 <= bytes.length && data === undefined;) {
    const size = bytes.readUInt32LE(at + 4);
    if (tag(at) === 'fmt ') format = [at + 8, at + 8 + size];
    if (tag(at) === 'data') data = [at + 8, size];
    at += 8 + size + (size % 2);
  }
  if (format === undefined || format[1] > bytes.length || format[1] - format[0] < 16) {
    throw fail(
      data === undefined ? 'ERR_AUDIO_TRUNCATED' : 'ERR_AUDIO_FORMAT',
      `has no complete fmt chunk in its ${bytes.length} bytes`,
    );
  }
  const fields = readFormat(bytes, format[0], format[1] - format[0]);
  const { audioFormat, channels, sampleRate, blockSize, bits } = fields;
  if (audioFormat !== 1 && audioFormat !== 3)
    throw fail('ERR_AUDIO_FORMAT', `is compressed (WAV format ${audioFormat}): expected PCM (1) or float (3)`);
  if (channels < 1 || channels > 64) throw fail('ERR_AUDIO_FORMAT', `has ${channels} channels: expected 1 to 64`);
  if (sampleRate < 1000 || sampleRate > 768000)
    throw fail('ERR_AUDIO_FORMAT', `has a sample rate of ${sampleRate} Hz: expected 1000 to 768000`);
  const wanted = audioFormat === 1 ? [8, 16, 24, 32] : [32, 64];
  if (!wanted.includes(bits))
    throw fail(
      'ERR_AUDIO_FORMAT',
      `has ${bits} bits per sample: expected ${wanted.join(', ')} for ${audioFormat === 1 ? 'integers' : 'float'}`,
    );
  if (blockSize !== (channels * bits) / 8)
    throw fail(
      'ERR_AUDIO_FORMAT',
      `has blocks of ${blockSize} bytes: expected ${(channels * bits) / 8} for ${channels} channel(s) of ${bits} bits`,
    );

  if (data === undefined) throw fail('ERR_AUDIO_TRUNCATED', `has no data chunk in its ${bytes.length} bytes`);
  const [dataStart, declared] = data;
  const there = bytes.length - dataStart;
  const streamed = declared >= unknownSize && declared > there;
  if (!streamed && declared > there)
    throw fail('ERR_AUDIO_TRUNCATED', `is truncated: ${declared} bytes of audio are declared, ${there} are there`);
  const size = streamed ? there - (there % blockSize) : declared;
  if (size % blockSize !== 0)
    throw fail(
      'ERR_AUDIO_TRUNCATED',
      `has ${size} bytes of audio: expected a multiple of its blocks of ${blockSize} bytes`,
    );
  if (size === 0) throw fail('ERR_AUDIO_EMPTY', 'holds no samples');
  return {
    format: audioFormat === 1 ? 'integer' : 'float',
    channels,
    sampleRate,
    bits: bits as WavHeader['bits'],
    formatStart: format[0],
    formatEnd: format[1],
    dataStart,
    dataEnd: dataStart + size,
  };
}

function readFormat(bytes: Buffer, at: number, size: number) {
  const declared = bytes.readUInt16LE(at);
  // Extensible: the real format is the first two bytes of the sub-format's GUID.
  const audioFormat = declared === 0xfffe && size >= 40 ? bytes.readUInt16LE(at + 24) : declared;
  return {
    audioFormat,
    channels: bytes.readUInt16LE(at + 2),
    sampleRate: bytes.readUInt32LE(at + 4),
    blockSize: bytes.readUInt16LE(at + 12),
    bits: bytes.readUInt16LE(at + 14),
  };
}
