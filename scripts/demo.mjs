// The main job on real speech in a few minutes: speak a sentence, train on the excerpt that ships with the toolkit,
// beginning from a voice of another speaker, then speak a held-out clip with the fresh voice and with the one that
// ships. `npm run demo -- 10` trains for ten minutes, `npm run demo -- "Your sentence."` speaks yours.
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';

const given = process.argv.slice(2);
const isMinutes = (word) => /^[\d.]+$/.test(word);
const minutes = given.find(isMinutes) ?? '2';
const sentence = given.find((word) => !isMinutes(word)) ?? 'Dr. Smith paid £25 for it in 1963, and read it twice.';
const folder = 'runs/demo';
const recording = 'data/ljspeech-mini/LJ002-0171.flac';
const fresh = `${folder}/fresh-voice.wav`;
const shipped = `${folder}/shipped-voice.wav`;
const spoken = `${folder}/sentence.wav`;

const step = (text, command, ...args) => {
  console.log(
    `\n${text}\n$ npx tts-${command} ${args.map((arg) => (/[^\w./=-]/.test(arg) ? `'${arg}'` : arg)).join(' ')}`,
  );
  const { status } = spawnSync(process.execPath, [`dist/src/cli/${command}.js`, ...args], { stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
};

mkdirSync(folder, { recursive: true });
step('1. From text to speech.', 'speak', sentence, spoken);

// In so short a time a search for masks would hardly begin: they stay as they are.
step(
  `2. The voice kathleen learns to speak like another woman, from six short clips in ${minutes} minutes; Ctrl-C ends it ` +
    'sooner, and the same command goes on.',
  'train',
  'recipes/ljspeech',
  ...['--data', 'data/ljspeech-mini', '--out', folder, '--minutes', minutes],
  ...['--from', 'kathleen', '--set', 'sparsity.method=fixed', '--set', 'training.lanes=32'],
  ...['--set', 'training.learningRate=5e-4'],
);
step(
  '3. It speaks a clip that it has never heard.',
  'synth',
  recording,
  fresh,
  '--voice',
  `${folder}/voice.safetensors`,
);
step('4. So does the voice that comes with the toolkit, which has heard 49 clips.', 'synth', recording, shipped);

console.log('\nListen and compare:');
for (const [path, what] of [
  [spoken, 'a sentence; yours: npm run demo -- "Your sentence."'],
  [recording, 'the recording'],
  [fresh, `${minutes} minutes of training`],
  [shipped, 'the voice that comes with the toolkit'],
])
  console.log(`  ${path.padEnd(recording.length + 2)}${what}`);
