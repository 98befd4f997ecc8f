import { fromInt16 } from '../audio/audio.js';
import { TtsError } from '../base/errors.js';
import type { Player } from './play.js';

/** Sound that waits to be played, in seconds, before the next chunk is taken: a book would fill the memory. */
const ahead = 10;

/**
 * Opens the sound card through node-web-audio-api, in this process. What is below it (JACK, ALSA) prints whatever it likes to
 * standard output and stderr: see `openPlayer`.
 * @throws {TtsError} ERR_AUDIO_DEVICE without a sound card or the library
 */
export async function openSoundCard(sampleRate: number): Promise<Player> {
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
  const now = () => audio.currentTime;
  let end = 0;
  return {
    async play(pcm) {
      const buffer = audio.createBuffer(1, pcm.length, sampleRate);
      buffer.copyToChannel(new Float32Array(fromInt16(pcm)), 0);
      const source = audio.createBufferSource();
      source.buffer = buffer;
      source.connect(audio.destination);
      // A chunk that comes late starts at once.
      const start = Math.max(end, now());
      source.start(start);
      end = start + pcm.length / sampleRate;
      await untilPlayed(now, end - ahead);
    },
    async finish() {
      await untilPlayed(now, end);
      await audio.close();
    },
  };
}

/**
 * Waits until a sound card has come so far.
 * @param now what it has played, in seconds
 * @param patience how long it may stand still, in ms
 * @throws {TtsError} ERR_AUDIO_DEVICE for one that stands still, as one does that was unplugged
 */
export async function untilPlayed(now: () => number, end: number, patience = 10_000): Promise<void> {
  let [last, since] = [now(), performance.now()];
  while (last < end) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    const time = now();
    if (time > last) [last, since] = [time, performance.now()];
    else if (performance.now() - since > patience)
      throw new TtsError(
        'ERR_AUDIO_DEVICE',
        `the sound card has stopped after ${last.toFixed(1)} of ${end.toFixed(1)} s; write a file instead`,
      );
  }
}
