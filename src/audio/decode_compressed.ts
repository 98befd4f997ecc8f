import { TtsError } from '../base/errors.js';
import type { DecodedAudio } from './audio.js';

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
  let decoded = await runFlacDecoder(file);
  // The decoder's parser does not see a last frame of less than a frame header's length, such as one of a single
  // sample, unless a frame header follows it.
  if (decoded.samplesDecoded < declared) decoded = await runFlacDecoder(Buffer.concat([file, firstFrameHeader(file)]));
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

async function runFlacDecoder(file: Buffer) {
  const { FLACDecoder } = await import('@wasm-audio-decoders/flac');
  const decoder = new FLACDecoder();
  try {
    await decoder.ready;
    return await decoder.decodeFile(file);
  } finally {
    decoder.free();
  }
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
  const { OfflineAudioContext } = await loadWebAudio(kind, name);
  const copy = new Uint8Array(bytes).buffer;
  const decoded = await new OfflineAudioContext(1, 1, sampleRate).decodeAudioData(copy).catch((error: Error) => {
    throw new TtsError('ERR_AUDIO_FORMAT', `${name} could not be decoded as ${kind}: ${error.message}`, {
      cause: error,
    });
  });
  if (decoded.length === 0) throw new TtsError('ERR_AUDIO_EMPTY', `${name} holds no samples`);
  return {
    sampleRate,
    channels: Array.from({ length: decoded.numberOfChannels }, (_, channel) => decoded.getChannelData(channel)),
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

/** The sample rate in Vorbis' identification header (Vorbis I specification, 4.2.2). */
function vorbisSampleRate(bytes: Buffer, name: string): number {
  const first = bytes.subarray(0, 200);
  const at = first.indexOf('\x01vorbis', 0, 'latin1');
  const rate = at >= 0 && at + 16 <= bytes.length ? bytes.readUInt32LE(at + 12) : 0;
  if (rate >= 1000 && rate <= 768000) return rate;
  const found = first.includes('OpusHead') ? 'Opus' : at >= 0 ? `Vorbis at ${rate} Hz` : 'something else';
  throw new TtsError('ERR_AUDIO_FORMAT', `${name} is Ogg with ${found} inside: expected Vorbis at 1000 to 768000 Hz`);
}
