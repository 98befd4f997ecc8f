import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { after } from 'node:test';
import { root, temporaryFolder } from './support/command_line.js';
import { writeShortSpeech } from './support/speech.js';

const folder = temporaryFolder({ after });
const clip = join(root, 'data', 'ljspeech-mini', 'LJ001-0008.flac');

/** Runs a script of examples/node, which imports the package by its name, and gives what it printed. */
function example(name: string, ...args: string[]): string {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(root, 'examples', 'node', name), ...args], {
    cwd: folder,
    encoding: 'utf8',
  });
  assert.equal(status, 0, stderr);
  return stdout;
}

test('every example for Node has a line in its README', () => {
  const page = readFileSync(join(root, 'examples', 'node', 'README.md'), 'utf8');
  const scripts = readdirSync(join(root, 'examples', 'node')).filter((name) => name.endsWith('.js'));
  assert.equal(scripts.length, 4);
  for (const name of scripts) assert.ok(page.includes(`\n- [${name}](${name}) `), name);
});

test('synthesize.js turns a recording into a WAV file', () => {
  assert.equal(example('synthesize.js', clip, 'out.wav'), 'out.wav: 1.78 s of speech\n');
  assert.equal(readFileSync(join(folder, 'out.wav')).toString('latin1', 0, 4), 'RIFF');
});

test('stream.js speaks before the last features are there, and the sound is the same', () => {
  const out = example('stream.js', clip, 'stream.wav');
  assert.match(out, /^first sound after \d+ frames, the model works\n/);
  assert.match(out, /stream\.wav: 153 frames, 1\.78 s of speech\n$/);
  assert.deepEqual(readFileSync(join(folder, 'stream.wav')), readFileSync(join(folder, 'out.wav')));
});

test('train.js trains a voice, and evaluate.js measures it', async () => {
  const corpus = await writeShortSpeech(join(folder, 'speech'));
  const run = join(folder, 'run');
  assert.match(example('train.js', corpus, run, '4'), /^step 4 of 4, held-out NLL \d\.\d{3} nats per sample\n/);
  assert.ok(existsSync(join(run, 'voice.safetensors')));
  const figures = example('evaluate.js', join(run, 'voice.safetensors'), corpus, '2');
  assert.match(figures, /^NLL: \d+\.\d{3} nats per sample \(95% confidence: /);
  assert.match(figures, /\nSTOI: -?0\.\d{3} /);
});
