import assert from 'node:assert/strict';
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { textGridOf } from '../src/data/alignment/clip_alignment.js';
import { formatTextGrid } from '../src/data/alignment/textgrid.js';
import { openCorpus } from '../src/data/corpora/corpus.js';
import { loadAcoustic } from '../src/model/acoustic/file.js';
import { loadVoice } from '../src/model/voice/file.js';
import { tinyConfig, tokensOfText } from './support/acoustic.js';
import { run, runWarm, shortSpeech, temporaryFolder, tinyTraining } from './support/command_line.js';

/** The shortest of the clips that ship. */
const ids = ['LJ001-0002', 'LJ001-0008', 'LJ001-0011', 'LJ011-0202', 'LJ042-0094', 'LJ027-0006'];

/** A copy of some of the shipped speech with TextGrids that give each token as much time as the others. */
async function corpusWithTextGrids(folder: string): Promise<string> {
  const dir = join(folder, 'reader');
  mkdirSync(dir);
  for (const id of ids) cpSync(`data/ljspeech-mini/${id}.flac`, join(dir, `${id}.flac`));
  const rows = readFileSync('data/ljspeech-mini/metadata.csv', 'utf8').split('\n');
  writeFileSync(join(dir, 'metadata.csv'), rows.filter((row) => ids.includes(row.split('|')[0])).join('\n'));
  mkdirSync(join(dir, 'textgrid'), { recursive: true });
  for (const { id, text = '' } of (await openCorpus(dir)).clips) {
    // Clips of one sentence: `tokensOfText` takes the first.
    const tokens = (await tokensOfText(text.replaceAll(/\. /g, ', '))).map((token, i, all) => ({
      ...token,
      start: (i / all.length) * seconds[id],
      end: ((i + 1) / all.length) * seconds[id],
    }));
    const words = text.toLowerCase().match(/[a-z]+/g) ?? [];
    const grid = textGridOf({ id, seconds: seconds[id], words, tokens, guessed: [], source: 'aligned' });
    writeFileSync(join(dir, 'textgrid', `${id}.TextGrid`), formatTextGrid(grid));
  }
  return dir;
}
/** Of the clips, to the hundredth. */
const seconds = Object.fromEntries(
  readdirSync('data/ljspeech-mini')
    .filter((name) => name.endsWith('.flac'))
    .map((name) => {
      // STREAMINFO of FLAC: 20 bits of sample rate, 8 of format, 36 of samples, from byte 18 on.
      const head = readFileSync(join('data/ljspeech-mini', name)).subarray(18, 26).readBigUInt64BE();
      return [name.slice(0, -5), Number(head & 0xfffffffffn) / Number(head >> 44n)];
    }),
);

test('tts-train trains an acoustic model, resumes it, begins another from it and tunes a voice to it', async (t) => {
  const folder = temporaryFolder(t);
  const dir = await corpusWithTextGrids(folder);
  const sizes = Object.entries(tinyConfig).map(
    ([key, value]) => `${key.endsWith('idth') ? 'sizes.small' : 'model'}.${key}=${JSON.stringify(value)}`,
  );
  const train = (out: string, ...more: string[]) => {
    const set = [
      'data.validation.clips=[LJ001-0002, LJ001-0008]',
      'training.stages={ durations: 0.4, prosody: 0.2 }',
      'training.tokenClips=4',
      'training.clips=2',
      'training.warmup=2',
      ...sizes,
    ].flatMap((assignment) => ['--set', assignment]);
    const found = runWarm('train', 'recipes/ljspeech-acoustic', '--data', dir, ...set, '--out', out, '--json', ...more);
    assert.equal(found.status, 0, found.stderr);
    return JSON.parse(found.stdout) as { step: number; model: string; melDistance: number | null };
  };
  const out = join(folder, 'runs', 'acoustic');
  const first = train(out, '--steps', '10');
  assert.equal(first.step, 10);
  assert.ok(first.melDistance !== null);
  assert.ok(readdirSync(join(out, 'samples')).some((name) => name.includes('step-0000010')));
  const { model } = train(out, '--steps', '14', '--threads', '1');
  const { provenance } = await loadAcoustic(model);
  assert.deepEqual([provenance.steps, provenance.otherAlignments], [14, 0]);
  assert.ok(!('licence' in provenance), 'the licence of another corpus');
  const next = train(join(folder, 'runs', 'next'), '--steps', '5', '--from', model);
  assert.equal((await loadAcoustic(next.model)).provenance.from?.model, 'acoustic.safetensors');

  const recorded = runWarm(
    'train',
    ...withData(dir),
    '--steps',
    '2',
    '--out',
    join(folder, 'runs', 'recorded'),
    '--json',
  );
  const tuned = run(
    'train',
    ...withData(dir),
    ...['--steps', '2', '--set', `data.predictedBy=${model}`],
    ...['--out', join(folder, 'runs', 'tuned'), '--json'],
  );
  assert.deepEqual([recorded.status, tuned.status], [0, 0], tuned.stderr);
  const hashes = await Promise.all(
    ['recorded', 'tuned'].map(async (name) => {
      const voice = await loadVoice(join(folder, 'runs', name, 'voice.safetensors'));
      return voice.provenance.corpusHash;
    }),
  );
  assert.notEqual(hashes[0], hashes[1]);
});

/** The tiny training of a voice on another folder. */
const withData = (dir: string): string[] => tinyTraining.map((word) => (word === shortSpeech ? dir : word));

test('what an acoustic model cannot be trained on is refused before anything is trained', async (t) => {
  const folder = temporaryFolder(t);
  const fails = (code: RegExp, ...args: string[]) => {
    const { status, stderr } = runWarm('train', 'recipes/ljspeech-acoustic', '--data', 'data/ljspeech-mini', ...args);
    assert.equal(status, 2, stderr);
    assert.match(stderr, code);
  };
  const out = join(folder, 'runs', 'a');
  fails(/ERR_RECIPE.*stages/s, '--out', out, '--set', 'training.stages.durations=0.95');
  fails(/ERR_VOICE_UNKNOWN/, '--out', out, '--set', 'voice=nobody');
  fails(/ERR_VOICE_CORRUPT.*not an acoustic model/s, '--out', out, '--from', 'recipes/ljspeech/voice.safetensors');
  fails(/ERR_CORPUS.*no TextGrids in nowhere/s, '--out', out, '--set', 'data.textGrids=nowhere');
  fails(/ERR_VOICE_MISMATCH.*fMax/s, '--out', out, '--set', 'features=librosa', '--set', 'data.textGrids=.');
});
