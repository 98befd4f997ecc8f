import wavefile from 'wavefile';
import { type ErrorCode, TtsError } from '../base/errors.js';
import type { DecodedAudio } from './audio.js';
import { convertWithFfmpeg } from './foreign.js';

/**
 * Decodes a WAV file's bytes to samples, nominally in [-1, 1): RIFF, RIFX (big-endian), RF64 and BW64, with integers of
 * 8, 16, 24 or 32 bits, float of 32 or 64, A-law or µ-law, plain or extensible.
 *
 * @param name names the file in error messages
 * @throws TtsError ERR_AUDIO_FORMAT, ERR_AUDIO_TRUNCATED, ERR_AUDIO_EMPTY; see `readWavHeader`.
 */
export function decodeWav(bytes: Buffer, name: string): DecodedAudio {
  const header = readWavHeader(bytes, name);
  const { encoding, channels: count, sampleRate } = header;
  const file = new wavefile.WaveFile(essentials(bytes, header));
  // Both laws become 16-bit integers.
  if (encoding === 'A-law') file.fromALaw();
  if (encoding === 'µ-law') file.fromMuLaw();
  const bits = encoding === 'A-law' || encoding === 'µ-law' ? 16 : header.bits;
  const interleaved = file.getSamples(true, Float64Array);
  // 8-bit WAV is unsigned around 128; wider integers are signed; float is what it is.
  const offset = bits === 8 ? 128 : 0;
  const scale = encoding === 'float' ? 1 : 2 ** -(bits - 1);
  // Not the number that the library gives: it takes the byte that pads an odd number of bytes for a sample.
  const length = (header.dataEnd - header.dataStart) / ((count * header.bits) / 8);
  const channels = Array.from({ length: count }, (_, channel) => {
    const samples = new Float32Array(length);
    for (let i = 0; i < length; i++) samples[i] = (interleaved[i * count + channel] - offset) * scale;
    return samples;
  });
  return { sampleRate, channels };
}

/** The codes of the encodings that are read. */
const codes = { integer: 1, float: 3, 'A-law': 6, 'µ-law': 7 } as const;
type Encoding = keyof typeof codes;

/** Names of some that are not, as Microsoft's mmreg.h numbers them. */
const compressed: Readonly<Record<number, string>> = {
  2: 'Microsoft ADPCM',
  17: 'IMA ADPCM',
  49: 'GSM 6.10',
  64: 'G.721 ADPCM',
  80: 'MPEG',
  85: 'MP3',
  255: 'AAC',
  353: 'Windows Media Audio',
  8192: 'AC-3',
  22127: 'Vorbis',
};

/**
 * The file with a plain fmt chunk and its data chunk alone and with true sizes, so that the library need not understand
 * the rest.
 */
function essentials(
  bytes: Buffer,
  { bigEndian, encoding, channels, sampleRate, bits, ...data }: WavHeader,
): Uint8Array {
  const put = (target: Buffer, width: 2 | 4, value: number, at: number) =>
    bigEndian ? target.writeUIntBE(value, at, width) : target.writeUIntLE(value, at, width);
  const chunk = (tag: string, content: Buffer) => {
    const head = Buffer.from(`${tag}\0\0\0\0`, 'latin1');
    put(head, 4, content.length, 4);
    return [head, content, Buffer.alloc(content.length % 2)];
  };
  const block = (channels * bits) / 8;
  const format = Buffer.alloc(16);
  put(format, 2, codes[encoding], 0);
  put(format, 2, channels, 2);
  put(format, 4, sampleRate, 4);
  put(format, 4, Math.min(sampleRate * block, 0xffffffff), 8);
  put(format, 2, block, 12);
  put(format, 2, bits, 14);
  const body = Buffer.concat([
    Buffer.from('WAVE'),
    ...chunk('fmt ', format),
    ...chunk('data', bytes.subarray(data.dataStart, data.dataEnd)),
  ]);
  return Buffer.concat(chunk(bigEndian ? 'RIFX' : 'RIFF', body));
}

/** What the header of a WAV file says, checked. */
interface WavHeader {
  readonly bigEndian: boolean;
  readonly encoding: Encoding;
  readonly channels: number;
  readonly sampleRate: number;
  readonly bits: number;
  /** Where the samples lie in the file, in bytes; a whole number of blocks. */
  readonly dataStart: number;
  readonly dataEnd: number;
}

/**
 * Sizes from here on mean "unknown, written to a pipe": 0xFFFFFFFF as ffmpeg and this toolkit write it, 0x7FFFF000 as
 * sox does.
 */
const unknownSize = 0x7ffff000;

/**
 * Chunks that are known to stand before the samples; some programs leave out the byte that should pad the one before.
 */
const knownChunks = ['fmt ', 'data', 'LIST', 'fact', 'bext', 'JUNK', 'junk', 'cue ', 'smpl', 'iXML', 'PEAK', 'id3 '];

/**
 * Reads the header of a WAV file and checks more than libraries do: encoding, channels, bits, rate, block size, and the
 * declared sizes against the actual ones. A data chunk of size 0 with something behind it that is no chunk, and sizes
 * that mean "unknown", reach to the end of the file.
 *
 * @param name names the file in error messages
 * @throws TtsError ERR_AUDIO_FORMAT (not WAV, or absurd, or an encoding that is not read), ERR_AUDIO_TRUNCATED (less
 * there than declared), ERR_AUDIO_EMPTY (no samples).
 */
function readWavHeader(bytes: Buffer, name: string): WavHeader {
  const fail = (code: ErrorCode, message: string) => new TtsError(code, `${name} ${message}`);
  const foreign = (message: string) =>
    fail('ERR_AUDIO_FORMAT', `${message}: expected PCM, float, A-law or µ-law; ${convertWithFfmpeg(name)}`);
  const tag = (at: number) => bytes.toString('latin1', at, at + 4);
  const container = tag(0);
  if (bytes.length < 12 || !['RIFF', 'RIFX', 'RF64', 'BW64'].includes(container) || tag(8) !== 'WAVE')
    throw fail('ERR_AUDIO_FORMAT', 'is not a WAV file: expected it to begin with RIFF … WAVE');
  const bigEndian = container === 'RIFX';
  const word = (at: number) => (bigEndian ? bytes.readUInt32BE(at) : bytes.readUInt32LE(at));
  const half = (at: number) => (bigEndian ? bytes.readUInt16BE(at) : bytes.readUInt16LE(at));

  let format: [start: number, end: number] | undefined;
  let data: [start: number, declared: number] | undefined;
  let long: { data: number; blocks: number } | undefined;
  for (let at = 12; at + 8 <= bytes.length && data === undefined;) {
    const size = word(at + 4);
    const start = at + 8;
    if (tag(at) === 'fmt ') format = [start, start + size];
    // RF64 and BW64 (EBU 3306, ITU-R BS.2088): sizes beyond 32 bits stand in the chunk ds64.
    if (tag(at) === 'ds64' && size >= 24 && start + 24 <= bytes.length)
      long = { data: Number(bytes.readBigUInt64LE(start + 8)), blocks: Number(bytes.readBigUInt64LE(start + 16)) };
    if (tag(at) === 'data') data = [start, size === 0xffffffff && long ? long.data : size];
    at = start + size + (size % 2 === 1 && !knownChunks.includes(tag(start + size)) ? 1 : 0);
  }
  if (format === undefined || format[1] > bytes.length || format[1] - format[0] < 16) {
    throw fail(
      data === undefined ? 'ERR_AUDIO_TRUNCATED' : 'ERR_AUDIO_FORMAT',
      `has no complete fmt chunk in its ${bytes.length} bytes`,
    );
  }

  const [at, end] = format;
  const code = half(at);
  let number = code;
  if (code === 0xfffe) {
    if (end - at < 40) throw foreign(`has an extensible header of ${end - at} bytes instead of 40`);
    const subformat = subformatOf(bytes.subarray(at + 24, at + 40), bigEndian);
    if (typeof subformat === 'string') throw foreign(`holds audio of the kind ${subformat}`);
    number = subformat;
  }
  const encoding = (Object.keys(codes) as Encoding[]).find((known) => codes[known] === number);
  if (encoding === undefined)
    throw foreign(`is compressed (${compressed[number] ?? 'unknown to this toolkit'}, WAV format ${number})`);
  const [channels, sampleRate, blockSize, bits] = [half(at + 2), word(at + 4), half(at + 12), half(at + 14)];
  if (channels < 1 || channels > 64) throw fail('ERR_AUDIO_FORMAT', `has ${channels} channels: expected 1 to 64`);
  if (sampleRate < 1000 || sampleRate > 768000)
    throw fail('ERR_AUDIO_FORMAT', `has a sample rate of ${sampleRate} Hz: expected 1000 to 768000`);
  const wanted = { integer: [8, 16, 24, 32], float: [32, 64], 'A-law': [8], 'µ-law': [8] }[encoding];
  if (!wanted.includes(bits))
    throw fail(
      'ERR_AUDIO_FORMAT',
      `has ${bits} bits per sample: expected ${wanted.join(', ')} for ${encoding === 'integer' ? 'integers' : encoding}; ` +
        convertWithFfmpeg(name),
    );
  if (blockSize !== (channels * bits) / 8)
    throw fail(
      'ERR_AUDIO_FORMAT',
      `has blocks of ${blockSize} bytes: expected ${(channels * bits) / 8} for ${channels} channel(s) of ${bits} bits; ` +
        convertWithFfmpeg(name),
    );

  if (data === undefined) throw fail('ERR_AUDIO_TRUNCATED', `has no data chunk in its ${bytes.length} bytes`);
  const dataStart = data[0];
  // ffmpeg counts the byte that pads an odd number of bytes in ds64.
  const padded = long !== undefined && data[1] === long.data && data[1] === long.blocks * blockSize + 1;
  const declared = padded ? data[1] - 1 : data[1];
  const there = bytes.length - dataStart;
  const streamed =
    (declared >= unknownSize && declared > there) || (declared === 0 && !areChunks(bytes, dataStart, word));
  if (!streamed && declared > there)
    throw fail('ERR_AUDIO_TRUNCATED', `is truncated: ${declared} bytes of audio are declared, ${there} are there`);
  const size = streamed ? there - (there % blockSize) : declared;
  if (size % blockSize !== 0)
    throw fail(
      'ERR_AUDIO_TRUNCATED',
      `has ${size} bytes of audio: expected a multiple of its blocks of ${blockSize} bytes; ${convertWithFfmpeg(name)}`,
    );
  if (size === 0) throw fail('ERR_AUDIO_EMPTY', 'holds no samples');
  return { bigEndian, encoding, channels, sampleRate, bits, dataStart, dataEnd: dataStart + size };
}

/** The last 14 bytes of the GUIDs of encodings, ….-0000-0010-8000-00AA00389B71: the first two are the WAV format. */
const waveGuid = Buffer.from('000000001000800000aa00389b71', 'hex');
/** The same of Ambisonic B-format, ….-0721-11D3-8644-C8C1CA000000; channel 0 and the rest are plain PCM or float. */
const ambisonicGuid = Buffer.from('00002107d3118644c8c1ca000000', 'hex');

/** The WAV format that a GUID stands for, or the GUID in words if it stands for none. */
function subformatOf(guid: Buffer, bigEndian: boolean): number | string {
  // As sox writes it: the format in the byte order of the file, the rest as ever.
  if (bigEndian && guid.subarray(2).equals(waveGuid)) return guid.readUInt16BE(0);
  // The first three fields have the byte order of the file.
  const fields = [guid.subarray(0, 4), guid.subarray(4, 6), guid.subarray(6, 8)].map((field) =>
    bigEndian ? Buffer.from(field).reverse() : field,
  );
  const little = Buffer.concat([...fields, guid.subarray(8)]);
  if (little.subarray(2).equals(waveGuid) || little.subarray(2).equals(ambisonicGuid)) return little.readUInt16LE(0);
  const hex = (field: Buffer) => field.toString('hex');
  const [a, b, c] = fields.map((field) => hex(Buffer.from(field).reverse()));
  return `${a}-${b}-${c}-${hex(guid.subarray(8, 10))}-${hex(guid.subarray(10))}`;
}

/** Whether what lies from here to the end of the file is a row of chunks, or nothing. */
function areChunks(bytes: Buffer, start: number, word: (at: number) => number): boolean {
  let at = start;
  while (at + 8 <= bytes.length && /^[\x20-\x7e]{4}$/.test(bytes.toString('latin1', at, at + 4))) {
    const size = word(at + 4);
    at += 8 + size + (size % 2);
  }
  return at === bytes.length || at === bytes.length + 1;
}
