// The main job on real speech in a few minutes: train on the excerpt that ships with the toolkit, then speak a held-out
// clip with the fresh voice and with the one that ships.
import { spawnSync } from 'node:child_process';

const minutes = process.argv[2] ?? '2';
const clip = 'data/ljspeech-mini/LJ002-0171.flac';
const run = (name, ...args) => {
  console.log(`\n$ tts-${name} ${args.join(' ')}`);
  const { status } = spawnSync(process.execPath, [`dist/src/cli/${name}.js`, ...args], { stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
};

// In so short a time a search for masks would hardly begin: they are drawn once.
run(
  'train',
  'recipes/ljspeech',
  '--data',
  'data/ljspeech-mini',
  '--out',
  'runs/demo',
  '--minutes',
  minutes,
  '--set',
  'sparsity.method=fixed',
  '--set',
  'training.lanes=32',
);
run('synth', clip, 'runs/demo/fresh-voice.wav', '--voice', 'runs/demo/voice.safetensors');
run('synth', clip, 'runs/demo/shipped-voice.wav');
console.log(
  `\nListen to ${clip} (the recording, held out of both trainings), runs/demo/fresh-voice.wav (${minutes} ` +
    'minutes of training) and runs/demo/shipped-voice.wav.',
);
