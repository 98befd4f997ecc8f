import assert from 'node:assert/strict';
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { after, before } from 'node:test';
import { pathToFileURL } from 'node:url';
import type { Evaluation } from '../src/evaluation/evaluate.js';
import { startBrowser, withoutBrowser } from './support/browser.js';
import { root, run, runWarm, temporaryFolder } from './support/command_line.js';
import { floatWav } from './support/odd_audio.js';
import { withoutRecogniser } from './support/recogniser.js';

const folder = temporaryFolder({ after });
const out = join(folder, 'out');
const voice = 'test/fixtures/voice/version-1.safetensors';
const data = 'data/ljspeech-mini';
const clips = 'LJ001-0002,LJ001-0008';
let evaluation: Evaluation;

before(() => {
  const { status, stdout, stderr } = run(
    'eval',
    '--voice',
    voice,
    '--data',
    data,
    '--clips',
    clips,
    '--out',
    out,
    // A voice that has learned nothing: corrected, it would have the pitch of the recording.
    '--no-correction',
    '--json',
    '--html',
    join(folder, 'voice.html'),
  );
  assert.equal(status, 0, stderr);
  evaluation = JSON.parse(stdout) as Evaluation;
});

test('a voice is measured in everything, and --json prints all of it', () => {
  const {
    systems: [system],
    measures,
    ranking,
    differences,
    format,
    reference,
    alignment,
  } = evaluation;
  assert.deepEqual([format, reference, alignment, differences], [1, data, 'samples', []]);
  assert.deepEqual([system.name, system.path, system.settings.seed], ['version-1', voice, 1]);
  assert.equal(system.settings.correction, 'off');
  assert.deepEqual(
    system.clips.map(({ id }) => id),
    clips.split(','),
  );
  assert.deepEqual([...ranking].sort(), clips.split(','));
  assert.deepEqual(measures.map(({ name }) => name).slice(0, 3), [
    'nll',
    'melCepstralDistortion',
    'logSpectralDistance',
  ]);
  for (const clip of system.clips)
    for (const [name, value] of Object.entries(clip.measures))
      assert.ok(value === null || Number.isFinite(value), `${name} is ${value}`);
  assert.equal(system.summary.nll.count, 2);
});

test('the WAVs that it kept give the same figures when they are compared as folders', () => {
  assert.deepEqual(readdirSync(out).sort(), ['reference', 'version-1']);
  const { status, stdout, stderr } = runWarm(
    'eval',
    join(out, 'version-1'),
    '--reference',
    join(out, 'reference'),
    '--json',
  );
  assert.equal(status, 0, stderr);
  const again = JSON.parse(stdout) as Evaluation;
  again.systems[0].clips.forEach(({ measures }, i) =>
    assert.deepEqual(measures, { ...evaluation.systems[0].clips[i].measures, nll: null, realTimeFactor: null }),
  );
});

test('the report is one file', () => {
  assert.match(readFileSync(join(folder, 'voice.html'), 'utf8'), /^<!doctype html>[^]*version-1[^]*<\/html>\n$/);
});

test(
  'a browser shows the report without a complaint, and loads nothing from elsewhere',
  { skip: withoutBrowser },
  async (t) => {
    const chrome = await startBrowser();
    t.after(() => chrome.close());
    const page = await chrome.newPage({ viewport: { width: 360, height: 740 } });
    const complaints: string[] = [];
    const asked: string[] = [];
    page.on('console', (message) => complaints.push(message.text()));
    page.on('request', (request) => asked.push(request.url().slice(0, 5)));
    await page.goto(pathToFileURL(join(folder, 'voice.html')).href, { waitUntil: 'load' });
    const { widths, seconds, overhang, background } = await page.evaluate<{
      widths: number[];
      seconds: number[];
      overhang: number;
      background: string;
    }>(`(async () => {
    const players = [...document.querySelectorAll('audio')];
    await Promise.all(players.map((player) => player.readyState > 0 || new Promise((resolve) => player.addEventListener('loadedmetadata', resolve))));
    return {
      widths: [...document.images].map((image) => image.naturalWidth),
      seconds: players.map((player) => player.duration),
      overhang: document.documentElement.scrollWidth - innerWidth,
      background: getComputedStyle(document.querySelector('.clip')).backgroundColor,
    };
  })()`);
    assert.deepEqual(complaints, []);
    assert.ok(
      asked.every((scheme) => ['file:', 'data:'].includes(scheme)),
      asked.join(),
    );
    assert.ok(widths.length === 4 && widths.every((width) => width > 100), widths.join());
    assert.ok(seconds.length === 4 && seconds.every((length) => length > 1.7 && length < 2), seconds.join());
    // The page itself does not scroll sideways on a phone, and the style sheet has passed the policy.
    assert.ok(overhang <= 0, `${overhang} pixels`);
    assert.equal(background, 'rgb(246, 247, 249)');
  },
);

test('without --json there are tables: systems, paired differences, clips', () => {
  const { status, stdout, stderr } = runWarm(
    'eval',
    join(out, 'version-1'),
    join(out, 'reference'),
    '--reference',
    join(out, 'reference'),
  );
  assert.equal(status, 0, stderr);
  assert.match(stdout, /^2 clips of .*reference, 3\.7 s; mean ± half of the 95% confidence interval/);
  assert.match(stdout, /\| measure +\| version-1 +\| reference +\|/);
  assert.match(stdout, /\| STOI +\| -?0\.\d{3} ± 0\.\d{3} +\| 1\.000 ± 0\.000 +\|/);
  assert.match(stdout, /\| difference +\| version-1 − reference/);
  assert.match(stdout, /\| LJ001-0008 +\| 1\.78 +\|/);
  // The copy has no voice: there is no interval, and no number that is none.
  assert.match(stdout, /\| F0 RMSE, cents +\| – /);
  assert.doesNotMatch(stdout, /NaN|undefined|null|Infinity/);
  assert.equal(stderr, '', 'progress is for terminals');
});

test('two voices are compared on the same clips', () => {
  const copy = join(folder, 'copy.safetensors');
  copyFileSync(join(root, voice), copy);
  const { status, stdout, stderr } = runWarm(
    'eval',
    '--voice',
    voice,
    '--voice',
    copy,
    '--data',
    data,
    '--clips',
    clips,
    '--no-correction',
    '--json',
  );
  assert.equal(status, 0, stderr);
  const { systems, differences } = JSON.parse(stdout) as Evaluation;
  assert.deepEqual(
    systems.map(({ name }) => name),
    ['version-1', 'copy'],
  );
  assert.deepEqual(
    differences.map(({ system, against }) => [system, against]),
    [['version-1', 'copy']],
  );
  // The same voice with the same seed gives the same samples.
  assert.deepEqual(differences[0].differences.nll, { count: 2, mean: 0, low: 0, high: 0, p: null });
  assert.deepEqual(
    systems[1].clips.map(({ measures }) => measures.estoi),
    evaluation.systems[0].clips.map(({ measures }) => measures.estoi),
  );
});

test('--dtw measures speech with a rhythm of its own, and --limit chooses clips', () => {
  const { status, stdout, stderr } = runWarm(
    'eval',
    join(out, 'version-1'),
    '--reference',
    data,
    '--dtw',
    '--json',
    '--limit',
    '1',
  );
  assert.equal(status, 0, stderr);
  const { alignment, measures, systems } = JSON.parse(stdout) as Evaluation;
  assert.equal(alignment, 'warped');
  assert.deepEqual(
    systems[0].clips.map(({ id }) => id),
    ['LJ001-0002'],
  );
  assert.ok(
    measures.every(({ name }) => ['melCepstralDistortion', 'f0Rmse', 'voicingError', 'harmonicity'].includes(name)),
  );
  assert.equal(systems[0].clips[0].measures.stoi, null);
});

test('--wer counts the words that a recogniser gets wrong', { skip: withoutRecogniser }, () => {
  const folders = [join(out, 'version-1'), join(out, 'reference')];
  const page = join(folder, 'words.html');
  const { status, stdout, stderr } = runWarm(
    'eval',
    ...folders,
    '--reference',
    data,
    '--wer',
    '--json',
    '--html',
    page,
  );
  assert.equal(status, 0, stderr);
  const { recognition, notes } = JSON.parse(stdout) as Evaluation;
  assert.ok(recognition);
  const { words, recordings, systems } = recognition;
  assert.deepEqual(notes, []);
  assert.equal(words, 8);
  assert.deepEqual(
    recordings.clips.map(({ id, words }) => [id, words]),
    [
      ['LJ001-0002', 4],
      ['LJ001-0008', 4],
    ],
  );
  // The first voice is noise, the second the recordings once more.
  const [voice, copy] = systems;
  assert.deepEqual({ ...copy, name: 'recordings', aboveRecordings: null }, recordings);
  assert.equal(copy.aboveRecordings?.mean, 0);
  assert.ok(recordings.errors < 8 && voice.errors >= 7, `${recordings.errors} and ${voice.errors} errors`);
  const html = readFileSync(page, 'utf8');
  assert.match(html, /<h2>Words<\/h2>[^]*8 words of 2 clips/);
  assert.ok(html.includes(`<td class="text">${recordings.clips[0].heard.replaceAll("'", '&#39;')}</td>`));

  // Figures do not depend on the threads, and tables have the rates.
  const again = runWarm('eval', folders[1], '--reference', data, '--wer', '--limit', '1', '--threads', '1');
  assert.match(again.stdout, /\| what was heard +\| word error rate, %/);
  const [{ errors, words: said }] = recordings.clips;
  assert.match(again.stdout, new RegExp(`\\| recordings +\\| ${((100 * errors) / said).toFixed(1)} .*\\| ${errors} `));

  const without = runWarm('eval', folders[0], '--reference', folders[1], '--wer');
  assert.match(without.stderr, /^error ERR_CORPUS: none of the 2 clips has a transcript/);
  assert.equal(without.status, 2);
});

test('without a recogniser --wer says which package has it', (t) => {
  const { PATH } = process.env;
  t.after(() => (process.env.PATH = PATH));
  process.env.PATH = join(folder, 'empty-path');
  const { status, stdout, stderr } = runWarm('eval', join(out, 'version-1'), '--reference', data, '--wer');
  assert.match(stderr, /^error ERR_RECOGNISER: pocketsphinx_batch is not installed.*apt-get install pocketsphinx /);
  assert.deepEqual([status, stdout], [2, '']);
});

test('what cannot be measured is refused by code, and nothing is written', () => {
  const reference = join(out, 'reference');
  const ours = join(out, 'version-1');
  const empty = join(folder, 'empty');
  mkdirSync(empty);
  const page = join(folder, 'never.html');
  const cases: [RegExp, string[]][] = [
    [/error ERR_ARGUMENT: nothing to measure/, []],
    [/error ERR_ARGUMENT: --voice needs recordings.*--data/, ['--voice', voice]],
    [/error ERR_ARGUMENT: folders need originals.*--reference/, [ours]],
    [/error ERR_ARGUMENT: both --voice and the folder/, [ours, '--voice', voice, '--data', data]],
    [/error ERR_ARGUMENT: --dtw is for folders/, ['--voice', voice, '--data', data, '--dtw']],
    [/error ERR_ARGUMENT: --seed is for --voice/, [ours, '--reference', reference, '--seed', '3']],
    [/error ERR_ARGUMENT: .*version-1 is given twice/, [ours, ours, '--reference', reference]],
    [/error ERR_ARGUMENT: --threads is for --wer/, [ours, '--reference', reference, '--threads', '2']],
    [/error ERR_ARGUMENT: --threads is 0/, [ours, '--reference', reference, '--wer', '--threads', '0']],
    [/error ERR_ARGUMENT: .*--limit/, [ours, '--reference', reference, '--limit', '0']],
    [/error ERR_ARGUMENT: .*--temperature.*-1/, ['--voice', voice, '--data', data, '--temperature=-1']],
    [/error ERR_ARGUMENT: temperature is 11/, ['--voice', voice, '--data', data, '--temperature', '11']],
    [/error ERR_CORPUS: .*has no clip LJ999/, ['--voice', voice, '--data', data, '--clips', 'LJ999']],
    [/error ERR_CORPUS: .*empty has 0 files/, [empty, '--reference', reference]],
    [/error ERR_CORPUS: .*recordings in .* have no original/, [data, '--reference', reference]],
    [/error ERR_KERNELS: .*mmx/, ['--voice', voice, '--data', data, '--kernels', 'mmx']],
    [/error ERR_FILE_NOT_FOUND: no voice at nowhere/, ['--voice', 'nowhere.safetensors', '--data', data]],
    [/error ERR_VOICE_CORRUPT: /, ['--voice', 'package.json', '--data', data]],
    [/error ERR_FILE_WRITE: .*nowhere/, [ours, '--reference', reference, '--html', join(folder, 'nowhere', 'x.html')]],
  ];
  for (const [expected, args] of cases) {
    const { status, stdout, stderr } = runWarm('eval', ...args, ...(args.includes('--html') ? [] : ['--html', page]));
    assert.match(stderr, expected);
    assert.equal(status, 2, stderr);
    assert.equal(stdout, '');
  }
  assert.ok(!existsSync(page));
});

test('a clip shorter than a frame and a silent one are named, and the others are measured', () => {
  const odd = join(folder, 'odd');
  mkdirSync(odd);
  copyFileSync(join(root, data, 'LJ001-0002.flac'), join(odd, 'good.flac'));
  writeFileSync(join(odd, 'short.wav'), floatWav(Float32Array.from({ length: 100 }, (_, i) => 0.5 * Math.sin(i))));
  writeFileSync(join(odd, 'mute.wav'), floatWav(new Float32Array(9000)));
  const { status, stdout, stderr } = runWarm('eval', '--voice', voice, '--data', odd, '--no-correction', '--json');
  assert.equal(status, 2);
  assert.match(
    stderr,
    /^error ERR_AUDIO_LEVEL: \S+mute\.wav is silent.*\nerror ERR_AUDIO_EMPTY: \S+short\.wav has 100 samples .*\n$/,
  );
  const { systems, leftOut } = JSON.parse(stdout) as Evaluation;
  assert.deepEqual([systems[0].clips.map(({ id }) => id), leftOut.map(({ id }) => id)], [['good'], ['mute', 'short']]);
});
