// The main job on real speech in a few minutes: train on the excerpt that ships with the toolkit, beginning from a
// voice of another speaker, then speak a held-out clip with the fresh voice and with the one that ships. `npm run demo
// -- 10` trains for ten minutes.
import { spawnSync } from 'node:child_process';

const minutes = process.argv[2] ?? '2';
const folder = 'runs/demo';
const recording = 'data/ljspeech-mini/LJ002-0171.flac';
const fresh = `${folder}/fresh-voice.wav`;
const shipped = `${folder}/shipped-voice.wav`;

const step = (text, command, ...args) => {
  console.log(
    `\n${text}\n$ npx tts-${command} ${args.map((arg) => (/[^\w./=-]/.test(arg) ? `'${arg}'` : arg)).join(' ')}`,
  );
  const { status } = spawnSync(process.execPath, [`dist/src/cli/${command}.js`, ...args], { stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
};

// In so short a time a search for masks would hardly begin: they stay as they are.
step(
  `1. The voice kathleen learns to speak like another woman, from six short clips in ${minutes} minutes; Ctrl-C ends it ` +
    'sooner, and the same command goes on.',
  'train',
  'recipes/ljspeech',
  ...['--data', 'data/ljspeech-mini', '--out', folder, '--minutes', minutes],
  ...['--from', 'kathleen', '--set', 'sparsity.method=fixed', '--set', 'training.lanes=32'],
  ...['--set', 'training.learningRate=5e-4'],
);
step(
  '2. It speaks a clip that it has never heard.',
  'synth',
  recording,
  fresh,
  '--voice',
  `${folder}/voice.safetensors`,
);
step('3. So does the voice that comes with the toolkit, which has heard 49 clips.', 'synth', recording, shipped);

console.log(`
Listen and compare:
  ${recording}   the recording
  ${fresh}               ${minutes} minutes of training
  ${shipped}             the voice that comes with the toolkit`);
