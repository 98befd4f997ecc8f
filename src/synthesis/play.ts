import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { type ErrorCode, TtsError } from '../base/errors.js';

/** Plays PCM chunks on the sound card, one after the other without gaps. */
export interface Player {
  /** Resolves when little enough waits to be played. @throws {TtsError} ERR_AUDIO_DEVICE */
  play(pcm: Int16Array): Promise<void>;
  /** Resolves when everything has been played. @throws {TtsError} ERR_AUDIO_DEVICE */
  finish(): Promise<void>;
}

/** What the process that plays is asked, one thing at a time; it answers each. The first answer comes unasked. */
export type PlayerRequest = { readonly pcm: Int16Array } | 'finish';
export type PlayerAnswer = 'done' | { readonly code: ErrorCode; readonly message: string };

const script = fileURLToPath(new URL('./player_process.js', import.meta.url));

/**
 * Opens the sound card, in a process of its own: libraries of sound cards print what they like to standard output, where
 * speech may be going, and many lines to stderr.
 * @throws {TtsError} ERR_AUDIO_DEVICE without a sound card or the library
 */
export async function openPlayer(sampleRate: number): Promise<Player> {
  const child = fork(script, [String(sampleRate)], {
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    serialization: 'advanced',
    execArgv: [],
  });
  const end = once(child, 'close').catch(() => undefined);
  const ended = end.then(() => {
    throw new TtsError('ERR_AUDIO_DEVICE', 'the process that plays has ended; write a file instead');
  });
  ended.catch(() => undefined);
  // This process waits for it only while an answer is to come.
  child.unref();
  child.channel?.unref();
  const answer = async (): Promise<void> => {
    child.channel?.ref();
    try {
      const [message] = (await Promise.race([once(child, 'message'), ended])) as [PlayerAnswer];
      if (message === 'done') return;
      child.kill();
      throw new TtsError(message.code, message.message);
    } finally {
      child.channel?.unref();
    }
  };
  const ask = async (request: PlayerRequest): Promise<void> => {
    const answered = answer();
    if (child.connected) child.send(request, () => undefined);
    await answered;
  };
  await answer();
  return { play: (pcm) => ask({ pcm }), finish: () => ask('finish').finally(() => child.kill()) };
}
