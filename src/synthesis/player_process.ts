import { TtsError } from '../base/errors.js';
import type { Player, PlayerAnswer, PlayerRequest } from './play.js';
import { openSoundCard } from './sound_card.js';

// The process that `openPlayer` starts: plays what its parent sends, and goes when its parent goes.

let player: Player | undefined;
let last: Promise<void> = open();

async function open(): Promise<void> {
  player = await openSoundCard(Number(process.argv[2]));
}

async function doWhatIsAsked(request: PlayerRequest): Promise<void> {
  if (request === 'finish') await player?.finish();
  else await player?.play(request.pcm);
}

function answer(done: Promise<void>): void {
  const send = (message: PlayerAnswer) => process.send?.(message, () => undefined);
  done.then(
    () => send('done'),
    (error: unknown) => {
      const code = error instanceof TtsError ? error.code : 'ERR_AUDIO_DEVICE';
      send({ code, message: error instanceof Error ? error.message : String(error) });
    },
  );
}

process.on('message', (request: PlayerRequest) => answer((last = last.then(() => doWhatIsAsked(request)))));
process.on('disconnect', () => process.exit());
answer(last);
