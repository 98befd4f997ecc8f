// A listening test of the voice that ships, ready in a minute: held-out recordings, the same spoken by the voice, and
// anchors that tts-listen makes.
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const clips = ['LJ001-0008', 'LJ002-0171', 'LJ011-0202', 'LJ016-0117', 'LJ042-0094', 'LJ050-0270'];
const folder = process.argv[2] ?? 'runs/listen-demo';
const shipped = 'recipes/ljspeech/voice.safetensors';
/** Voices to be compared, by the name that the report gives them. */
const voices = { 'voice-float32': shipped, 'voice-int8': join(folder, 'int8.safetensors') };
const recording = (clip) => `data/ljspeech-mini/${clip}.flac`;
const run = (name, ...args) => {
  const { status } = spawnSync(process.execPath, [`dist/src/cli/${name}.js`, ...args], { stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
};
const newer = (path, than) => existsSync(path) && statSync(path).mtimeMs > statSync(than).mtimeMs;

const reference = join(folder, 'systems', 'reference');
mkdirSync(reference, { recursive: true });
if (!newer(voices['voice-int8'], shipped)) run('export', shipped, voices['voice-int8'], '--precision', 'int8');
for (const clip of clips) copyFileSync(recording(clip), join(reference, `${clip}.flac`));
for (const [name, voice] of Object.entries(voices)) {
  const system = join(folder, 'systems', name);
  mkdirSync(system, { recursive: true });
  for (const clip of clips) {
    const out = join(system, `${clip}.wav`);
    if (!newer(out, voice)) run('synth', recording(clip), out, '--voice', voice);
  }
}
writeFileSync(
  join(folder, 'test.yaml'),
  `title: How close is the voice to the recording?
kind: mushra
reference: reference
practice: [${clips[0]}]
clips: [${clips.join(', ')}]
headphones: off
finish:
  message: That was all. The results are at /results on this server, or by tts-listen report ${folder}.
`,
);
console.log(`\nOpen the address below and listen for five minutes; then: npx tts-listen report ${folder}\n`);
run('listen', 'serve', folder, ...process.argv.slice(3));
