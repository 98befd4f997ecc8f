import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { after } from 'node:test';
import { run, runWarm, temporaryFolder } from './support/command_line.js';
import { writeShortSpeech } from './support/speech.js';

const folder = temporaryFolder({ after });
const shipped = 'recipes/ljspeech/voice.safetensors';
const int8 = join(folder, 'int8.safetensors');

test('a voice is exported to int8 and speaks, and tts-synth says so', () => {
  const exported = run('export', shipped, int8, '--precision', 'int8', '--json');
  assert.equal(exported.status, 0, exported.stderr);
  const { precision, from, bytes, fromBytes } = JSON.parse(exported.stdout) as Record<string, unknown>;
  assert.deepEqual([precision, from], ['int8', 'float32']);
  assert.ok((bytes as number) < (fromBytes as number));
  const features = join(folder, 'features.npy');
  assert.equal(runWarm('prepare', 'features', 'data/ljspeech-mini/LJ001-0002.flac', features).status, 0);
  const [plain, rounded] = [shipped, int8].map((voice) =>
    runWarm('synth', features, join(folder, 'out.wav'), '--voice', voice),
  );
  assert.match(plain.stdout, /kernels \w+, float32, density/);
  assert.match(rounded.stdout, /kernels \w+, int8, density/);
  const json = runWarm('synth', features, join(folder, 'out.wav'), '--voice', int8, '--json');
  assert.equal((JSON.parse(json.stdout) as { precision: string }).precision, 'int8');
});

test('what lower precisions cost is measured on held-out speech: hardly anything', async () => {
  const data = await writeShortSpeech(join(folder, 'speech'));
  const { status, stdout, stderr } = run('bench', 'precision', '--data', data, '--json');
  assert.equal(status, 0, stderr);
  const rows = JSON.parse(stdout) as {
    precision: string;
    nll: number;
    over: number;
    divergence: number;
    clips: number;
    samples: number;
  }[];
  assert.deepEqual(
    rows.map(({ precision }) => precision),
    ['float32', 'bf16', 'int8'],
  );
  assert.ok(
    rows.every(({ clips, samples, nll }) => clips === 6 && samples % 256 === 0 && nll > 5 && nll < 7),
    stdout,
  );
  assert.ok(Math.abs(rows[1].over) < 0.005 && Math.abs(rows[2].over) < 0.02, stdout);
  assert.ok(rows[0].divergence === 0 && rows[2].divergence > rows[1].divergence && rows[1].divergence > 0, stdout);
});

test('the same voice gives the same file', () => {
  const again = join(folder, 'again.safetensors');
  assert.equal(runWarm('export', shipped, again, '--precision', 'int8').status, 0);
  assert.deepEqual(readFileSync(again), readFileSync(int8));
});

test('going up is allowed, with a note; unknown precisions are refused', () => {
  const up = runWarm('export', int8, join(folder, 'up.safetensors'), '--precision', 'float32');
  assert.equal(up.status, 0, up.stderr);
  assert.match(up.stderr, /note: the weights stay as rounded/);
  const out = join(folder, 'never.safetensors');
  for (const args of [['--precision', 'int4'], []]) {
    const { status, stderr } = runWarm('export', shipped, out, ...args);
    assert.equal(status, 2);
    assert.match(stderr, /error ERR_ARGUMENT: .*precision/);
  }
  assert.match(
    runWarm('export', join(folder, 'none'), out, '--precision', 'int8').stderr,
    /error ERR_FILE_NOT_FOUND: /,
  );
  assert.ok(!existsSync(out));
});
