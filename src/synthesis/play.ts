import { fromInt16 } from '../audio/audio.js';
import { TtsError } from '../base/errors.js';

/** Plays PCM chunks on the sound card, one after the other without gaps. */
export interface Player {
  play(pcm: Int16Array): void;
  /** Resolves when everything has been played. */
  finish(): Promise<void>;
}

/**
 * Opens the sound card through node-web-audio-api.
 * @throws {TtsError} ERR_AUDIO_DEVICE without a sound card or the library
 */
export async function openPlayer(sampleRate: number): Promise<Player> {
  let context;
  try {
    const { AudioContext } = await import('node-web-audio-api');
    context = new AudioContext({ sampleRate });
  } catch (cause) {
    throw new TtsError(
      'ERR_AUDIO_DEVICE',
      `no sound card to play on (${cause instanceof Error ? cause.message.split('\n')[0] : String(cause)}); ` +
        'write a file instead',
      { cause },
    );
  }
  const audio = context;
  let end = 0;
  return {
    play(pcm) {
      const buffer = audio.createBuffer(1, pcm.length, sampleRate);
      buffer.copyToChannel(new Float32Array(fromInt16(pcm)), 0);
      const source = audio.createBufferSource();
      source.buffer = buffer;
      source.connect(audio.destination);
      // A chunk that comes late starts at once.
      const start = Math.max(end, audio.currentTime);
      source.start(start);
      end = start + pcm.length / sampleRate;
    },
    async finish() {
      while (audio.currentTime < end) await new Promise((resolve) => setTimeout(resolve, 20));
      await audio.close();
    },
  };
}
