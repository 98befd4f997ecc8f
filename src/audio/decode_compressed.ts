import type { FLACDecodedAudio } from '@wasm-audio-decoders/flac';
import { TtsError } from '../base/errors.js';
import type { DecodedAudio } from './audio.js';
import { mostExpanded } from './expansion.js';
import { convertWithFfmpeg } from './foreign.js';

/**
 * Decodes a FLAC file's bytes to samples in [-1, 1), bit-exactly, with libFLAC in WebAssembly, which runs wherever
 * Node does.
 *
 * @param name names the file in error messages
 * @throws TtsError ERR_AUDIO_FORMAT (damaged), ERR_AUDIO_TRUNCATED (fewer samples than declared), ERR_AUDIO_EMPTY.
 */
export async function decodeFlac(bytes: Buffer, name: string): Promise<DecodedAudio> {
  const start = bytes.indexOf('fLaC', 0, 'latin1');
  const declared = declaredSamples(bytes, start, name);
  const file = bytes.subarray(start);
  const channels = ((bytes[start + 20] >> 1) & 7) + 1;
  const most = Math.floor(mostExpanded(file.length) / (4 * channels));
  if (declared > most) throw tooLarge(name, `declares ${declared} samples`, file.length, most);
  checkStreamable(firstFrameHeader(file), name);
  let decoded = await runFlacDecoder(file, most, name);
  // The decoder's parser does not see a last frame of less than a frame header's length, such as one of a single
  // sample, unless a frame header follows it.
  if (decoded !== undefined && decoded.samplesDecoded < declared)
    decoded = await runFlacDecoder(Buffer.concat([file, firstFrameHeader(file)]), most, name);
  if (decoded === undefined) throw tooLarge(name, `holds more than ${most} samples`, file.length, most);
  const { channelData, sampleRate, bitDepth, samplesDecoded, errors } = decoded;
  if (declared > 0 && samplesDecoded < declared) {
    throw new TtsError(
      'ERR_AUDIO_TRUNCATED',
      `${name} is truncated or damaged: ${declared} samples are declared, ${samplesDecoded} could be decoded`,
    );
  }
  if (errors.length > 0) throw new TtsError('ERR_AUDIO_FORMAT', `${name} is damaged: ${errors[0].message}`);
  if (samplesDecoded === 0) throw new TtsError('ERR_AUDIO_EMPTY', `${name} holds no samples`);
  // The decoder divides integers by 2^(bits-1) - 1; this toolkit's samples are integers divided by 2^(bits-1).
  const peak = 2 ** (bitDepth - 1);
  return {
    sampleRate,
    channels: channelData.map((channel) => channel.map((sample) => Math.round(sample * (peak - 1)) / peak)),
  };
}

function tooLarge(name: string, found: string, size: number, most: number): TtsError {
  return new TtsError(
    'ERR_AUDIO_FORMAT',
    `${name} ${found} in ${size} bytes: expected at most ${most} for a file of that size; cut it into shorter ones`,
  );
}

/**
 * So few bytes at a time that what comes out of them has room: a frame of silence takes a dozen and has 65,535 samples.
 */
const pieceBytes = 4096;

/**
 * Undefined as soon as there are more than `most` samples per channel.
 * @throws TtsError ERR_AUDIO_FORMAT for frames on which the decoder itself fails: checksums that are right, and content
 * that is not
 */
async function runFlacDecoder(file: Buffer, most: number, name: string): Promise<FLACDecodedAudio | undefined> {
  const { FLACDecoder } = await import('@wasm-audio-decoders/flac');
  const decoder = new FLACDecoder();
  await decoder.ready;
  try {
    const pieces: FLACDecodedAudio[] = [];
    let samplesDecoded = 0;
    const take = (piece: FLACDecodedAudio) => {
      samplesDecoded += piece.samplesDecoded;
      pieces.push(piece);
    };
    for (let at = 0; at < file.length && samplesDecoded <= most; at += pieceBytes)
      take(await silently(() => decoder.decode(file.subarray(at, at + pieceBytes))));
    if (samplesDecoded <= most) take(await silently(() => decoder.flush()));
    decoder.free();
    return samplesDecoded > most ? undefined : joined(pieces, samplesDecoded);
  } catch (cause) {
    // Each decoder has memory of its own, so that one which failed spoils no other, and is collected whole: to free what
    // is in a damaged memory would fail as well.
    throw new TtsError('ERR_AUDIO_FORMAT', `${name} is damaged: the decoder failed (${(cause as Error).message})`, {
      cause,
    });
  }
}

/** What was decoded piece by piece, in one; pieces without samples know neither rate nor channels. */
function joined(pieces: readonly FLACDecodedAudio[], samplesDecoded: number): FLACDecodedAudio {
  const errors = pieces.flatMap((piece) => piece.errors);
  const sounding = pieces.filter((piece) => piece.samplesDecoded > 0);
  if (sounding.length === 0) return { channelData: [], samplesDecoded, sampleRate: 0, bitDepth: 0, errors };
  const { channelData, sampleRate, bitDepth } = sounding[0];
  const whole = channelData.map((_, channel) => {
    const samples = new Float32Array(samplesDecoded);
    let at = 0;
    for (const piece of sounding) {
      samples.set(piece.channelData[channel], at);
      at += piece.samplesDecoded;
    }
    return samples;
  });
  return { channelData: whole, samplesDecoded, sampleRate, bitDepth, errors };
}

/** Runs work that is done when the function returns, but for its promise, without what it says on the console. */
function silently<T>(work: () => Promise<T>): Promise<T> {
  /* eslint-disable no-console -- the library writes two lines for each damaged frame */
  const { error } = console;
  console.error = () => undefined;
  try {
    return work();
  } finally {
    console.error = error;
  }
  /* eslint-enable no-console */
}

/** The first bytes of the first frame: a frame header takes 16 at most (RFC 9639, section 9.1). */
function firstFrameHeader(file: Buffer): Buffer {
  let at = 4;
  for (let last = false; !last && at + 4 <= file.length;) {
    last = (file[at] & 128) !== 0;
    at += 4 + file.readUIntBE(at + 1, 3);
  }
  return file.subarray(at, at + 16);
}

/** Frames are decoded without STREAMINFO: those that refer to it have sample rates or sizes that hardly anything has. */
function checkStreamable(header: Buffer, name: string): void {
  const [sync = 0, , rate = 0, size = 0] = header;
  if (sync === 0xff && ((rate & 15) === 0 || ((size >> 1) & 7) === 0))
    throw new TtsError(
      'ERR_AUDIO_FORMAT',
      `${name} is FLAC outside the streamable subset (RFC 9639, section 7): its frames do not say their sample rate or ` +
        `size; ${convertWithFfmpeg(name, ' -ar 22050')}`,
    );
}

/** The number of samples per channel that STREAMINFO (RFC 9639, section 8.2) declares, 36 bits; 0 means unknown. */
function declaredSamples(bytes: Buffer, start: number, name: string): number {
  if (bytes.length < start + 42)
    throw new TtsError(
      'ERR_AUDIO_TRUNCATED',
      `${name} is truncated: its header takes 42 bytes, ${bytes.length - start} are there`,
    );
  return (bytes[start + 21] & 15) * 2 ** 32 + bytes.readUInt32BE(start + 22);
}

/** What is used of node-web-audio-api. */
interface WebAudio {
  readonly OfflineAudioContext: new (
    channels: number,
    length: number,
    sampleRate: number,
  ) => {
    decodeAudioData(data: ArrayBuffer): Promise<{
      readonly sampleRate: number;
      readonly numberOfChannels: number;
      readonly length: number;
      getChannelData(channel: number): Float32Array;
    }>;
  };
}

/**
 * Decodes MP3 or Ogg Vorbis with node-web-audio-api, at the file's own rate, since that library's resampler is poor.
 * The silence that an MP3 encoder puts in front (about 1,100 samples) and the padding at the end of either format stay.
 *
 * @param name names the file in error messages
 * @throws TtsError ERR_AUDIO_DECODER if the library does not load, ERR_AUDIO_FORMAT if it cannot make sense of the
 * file, ERR_AUDIO_EMPTY.
 */
export async function decodeCompressed(bytes: Buffer, kind: 'MP3' | 'Ogg', name: string): Promise<DecodedAudio> {
  const sampleRate = kind === 'MP3' ? mp3SampleRate(bytes, name) : vorbisSampleRate(bytes, name);
  if (sampleRate < lowestRate || sampleRate > highestRate)
    throw new TtsError(
      'ERR_AUDIO_FORMAT',
      `${name} has a sample rate of ${sampleRate} Hz: expected ${lowestRate} to ${highestRate} of ${kind}; ` +
        convertWithFfmpeg(name, ' -ar 22050'),
    );
  if (kind === 'Ogg') {
    const most = mostExpanded(bytes.length) / 4;
    const samples = mostVorbisSamples(bytes);
    if (samples > most) throw tooLarge(name, `can hold ${samples} samples`, bytes.length, most);
  }
  const { OfflineAudioContext } = await loadWebAudio(kind, name);
  const copy = new Uint8Array(bytes).buffer;
  const decoded = await new OfflineAudioContext(1, 1, sampleRate).decodeAudioData(copy).catch((error: Error) => {
    throw new TtsError('ERR_AUDIO_FORMAT', `${name} could not be decoded as ${kind}: ${error.message}`, {
      cause: error,
    });
  });
  if (decoded.length === 0) throw new TtsError('ERR_AUDIO_EMPTY', `${name} holds no samples`);
  // Copies: what the library gives lies in memory that it takes back when its buffer is collected.
  return {
    sampleRate,
    channels: Array.from({ length: decoded.numberOfChannels }, (_, channel) => decoded.getChannelData(channel).slice()),
  };
}

async function loadWebAudio(kind: string, name: string): Promise<WebAudio> {
  try {
    return await import('node-web-audio-api');
  } catch (error) {
    throw new TtsError(
      'ERR_AUDIO_DECODER',
      `${name}: ${kind} needs node-web-audio-api, which did not load ` +
        `(${(error as Error).message.split('\n')[0]}). On Linux install the ALSA library (Debian: apt install ` +
        'libasound2), or convert the file to WAV or FLAC',
      { cause: error },
    );
  }
}

/** The sample rate in the first frame header: ISO 11172-3, 2.4.2.3, and its extensions to half and quarter rates. */
function mp3SampleRate(bytes: Buffer, name: string): number {
  // Often an ID3v2 tag comes first; its size is 28 bits, seven in each byte.
  const tagged = bytes.toString('latin1', 0, 3) === 'ID3' && bytes.length >= 10;
  const start = tagged ? 10 + [6, 7, 8, 9].reduce((size, at) => size * 128 + (bytes[at] & 127), 0) : 0;
  for (let at = start; at + 4 <= bytes.length; at++) {
    if (bytes[at] !== 0xff || (bytes[at + 1] & 0xe0) !== 0xe0) continue;
    const version = (bytes[at + 1] >> 3) & 3;
    const layer = (bytes[at + 1] >> 1) & 3;
    const rate = [44100, 48000, 32000][(bytes[at + 2] >> 2) & 3];
    const divisor = [4, 0, 2, 1][version];
    if (layer !== 0 && divisor !== 0 && rate !== undefined && bytes[at + 2] >> 4 !== 15) return rate / divisor;
  }
  throw new TtsError(
    'ERR_AUDIO_FORMAT',
    `${name} looks like MP3, but there is no MPEG frame in its ${bytes.length} bytes`,
  );
}

/** What node-web-audio-api takes, in Hz. */
const [lowestRate, highestRate] = [2000, 384000];

/**
 * The sample rate in Vorbis' identification header (Vorbis I specification, 4.2.2).
 * @throws TtsError ERR_AUDIO_FORMAT for Ogg without it
 */
function vorbisSampleRate(bytes: Buffer, name: string): number {
  const at = vorbisHeader(bytes);
  if (at >= 0 && at + 30 <= bytes.length) return bytes.readUInt32LE(at + 12);
  const first = bytes.subarray(0, 200);
  const found =
    at >= 0
      ? 'a Vorbis header that is cut short'
      : (Object.entries({ OpusHead: 'Opus', '\x7fFLAC': 'FLAC', 'Speex ': 'Speex', '\x80theora': 'video' }).find(
          ([tag]) => first.includes(tag, 0, 'latin1'),
        )?.[1] ?? 'something else');
  throw new TtsError(
    'ERR_AUDIO_FORMAT',
    `${name} is Ogg with ${found} inside: expected Vorbis; ${convertWithFfmpeg(name)}`,
  );
}

const vorbisHeader = (bytes: Buffer) => bytes.subarray(0, 200).indexOf('\x01vorbis', 0, 'latin1');

/**
 * More samples, of all channels together, than an Ogg file with Vorbis can hold: each packet gives at most half a long
 * block. A packet ends where the table of a page (RFC 3533, section 6) has a value below 255.
 */
function mostVorbisSamples(bytes: Buffer): number {
  const at = vorbisHeader(bytes);
  let packets = 0;
  for (let page = 0; page >= 0 && page + 27 <= bytes.length; page = bytes.indexOf('OggS', page, 'latin1')) {
    const table = bytes.subarray(page + 27, page + 27 + bytes[page + 26]);
    packets += table.filter((length) => length < 255).length;
    page += 27 + bytes[page + 26] + table.reduce((sum, length) => sum + length, 0);
  }
  return (packets * 2 ** (bytes[at + 28] >> 4) * bytes[at + 11]) / 2;
}
