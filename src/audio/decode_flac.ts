import { TtsError } from '../base/errors.js';
import type { DecodedAudio } from './audio.js';

/**
 * Decodes a FLAC file's bytes to samples in [-1, 1), bit-exactly, with libFLAC in WebAssembly: it runs wherever Node
 * does.
 *
 * @param name names the file in error messages
 * @throws TtsError ERR_AUDIO_FORMAT (damaged), ERR_AUDIO_TRUNCATED (fewer samples than declared), ERR_AUDIO_EMPTY.
 */
export async function decodeFlac(bytes: Buffer, name: string): Promise<DecodedAudio> {
  const start = bytes.indexOf('fLaC', 0, 'latin1');
  const declared = declaredSamples(bytes, start, name);
  const { FLACDecoder } = await import('@wasm-audio-decoders/flac');
  const decoder = new FLACDecoder();
  try {
    await decoder.ready;
    const { channelData, sampleRate, bitDepth, samplesDecoded, errors } = await decoder.decodeFile(
      bytes.subarray(start),
    );
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
  } finally {
    decoder.free();
  }
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
