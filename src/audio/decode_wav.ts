import wavefile from 'wavefile';
import type { DecodedAudio } from './audio.js';
import { readWavHeader } from './wav_header.js';

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
 * The file with its fmt and data chunks alone and true sizes: the library need not make sense of what else there is.
 */
function essentials(
  bytes: Buffer,
  { formatStart, formatEnd, dataStart, dataEnd }: ReturnType<typeof readWavHeader>,
): Uint8Array {
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
