import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import test from 'node:test';
import { decode } from 'fast-png';
import { speechOf, speechRate, tone, withNoise } from '../../../test/support/speech.js';
import { evaluateSystems } from '../evaluate.js';
import type { System } from '../system.js';
import { shownClips } from './clips.js';
import { htmlReport } from './html_report.js';
import { loudestMagnitude, spectrogramPicture } from './spectrogram_picture.js';

const hostile = `"><script>alert('x')</script>`;
const ids = [hostile, 'b', 'c', 'd', 'e'];
const clips = ids.map((id) => ({ id, path: `${id}.wav`, text: `He said ${hostile}` }));
const speech = (await speechOf('LJ001-0008')).subarray(0, 16000);
const system = (name: string, snr: number): System => ({
  name,
  path: `/${name}`,
  settings: { seed: 1 },
  speak: async ({ id }) => ({
    original: speech,
    output: withNoise(speech, snr + 5 * ids.indexOf(id)),
    sampleRate: speechRate,
    nll: 5,
    realTimeFactor: 0.1,
  }),
  recordings: ({ path }) => [path],
  dispose: () => undefined,
});
const systems = [system('ours', 20), system(hostile, 10)];
const evaluation = await evaluateSystems({ systems, clips, reference: 'originals' });
const page = await htmlReport(evaluation, systems, clips);

test('the page loads nothing and runs nothing', () => {
  assert.doesNotMatch(page, /<script|<link|<iframe|@import|url\(|javascript:/i);
  const addresses = [...page.matchAll(/(?:src|href)="([^"]*)"/g)].map(([, address]) => address);
  assert.ok(addresses.length > 20);
  for (const address of addresses) assert.match(address, /^(#[a-z]+$|data:(image\/png|audio\/wav);base64,[\w+/=]+$)/);
});

test('a strict content security policy allows all that is in it', () => {
  const [, policy] = /Content-Security-Policy" content="([^"]*)"/.exec(page.replaceAll('&#39;', "'")) ?? [];
  assert.match(policy, /^default-src 'none'; img-src data:; media-src data:; style-src /);
  const [, style] = /<style>([^]*?)<\/style>/.exec(page) ?? [];
  assert.ok(policy.includes(`style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'`));
  // Style attributes are not covered by the hash.
  assert.doesNotMatch(page, /<[^>]* style=/);
});

test('names and texts cannot become markup', () => {
  assert.ok(!page.includes(hostile));
  assert.ok(page.includes('&quot;&gt;&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;'));
});

test('pictures have alternative texts, tables heads, plots labels, players names', () => {
  for (const [image] of page.matchAll(/<img [^>]*>/g)) assert.match(image, /alt="Spectrogram of [^"]{10,}"/);
  for (const [player] of page.matchAll(/<audio [^>]*>/g)) assert.match(player, /aria-label="[^"]+, [^"]+"/);
  for (const [svg] of page.matchAll(/<svg [^>]*>/g)) assert.match(svg, /role="img" aria-label="[^"]{10,}"/);
  for (const [one] of page.matchAll(/<table>[^]*?<\/table>/g))
    assert.match(one, /<caption>.+<\/caption>\n<thead><tr><th scope="col">[^]*<tbody><tr><th scope="row">/);
  assert.match(page, /<html lang="en">[^]*<meta name="viewport"[^]*<title>.+<\/title>/);
});

test('elements are closed in the order in which they were opened', () => {
  const open: string[] = [];
  const empty = ['meta', 'img', '!doctype'];
  for (const [, slash, name, self] of page
    .replace(/<style>[^]*?<\/style>/, '')
    .matchAll(/<(\/?)([\w!]+)[^>]*?(\/?)>/g)) {
    if (slash) assert.equal(open.pop(), name);
    else if (!self && !empty.includes(name)) open.push(name);
  }
  assert.deepEqual(open, []);
});

test('the two best and the two worst clips are shown with sound, the others as figures only', () => {
  const shown = shownClips(evaluation.ranking);
  assert.deepEqual(shown, [
    { id: hostile, rank: 'worst' },
    { id: 'b', rank: 'second worst' },
    { id: 'd', rank: 'second best' },
    { id: 'e', rank: 'best' },
  ]);
  assert.equal([...page.matchAll(/<audio /g)].length, 4 * 3);
  assert.deepEqual(shownClips(['x']), [{ id: 'x', rank: 'the only clip' }]);
  assert.deepEqual(
    shownClips(['x', 'y', 'z']).map(({ rank }) => rank),
    ['worst', 'second best', 'best'],
  );
  assert.ok(page.length < 4e6, `${page.length} bytes`);
});

test('summary, differences and clips are in the tables', () => {
  const { summary } = evaluation.systems[0];
  assert.ok(page.includes(`${summary.stoi.mean?.toFixed(3)} ± `));
  assert.ok(page.includes('Differences'));
  for (const { measures } of evaluation.systems[1].clips)
    assert.ok(page.includes(`<td>${measures.melCepstralDistortion.toFixed(2)}</td>`));
});

test('figures of other vocoders stand beside copies, and not beside speech with a rhythm of its own', async () => {
  const mean = evaluation.systems[0].summary.melCepstralDistortion.mean?.toFixed(2);
  const row = `<th scope="row">Mel-cepstral distortion, dB</th><td>lower</td><td>${mean}</td>`;
  assert.match(page, /<h2>Beside other vocoders<\/h2>[^]*ours, here[^]*HiFi-GAN V1/);
  assert.ok(page.includes(row) && page.includes('<td>1.30</td><td>1.90</td>'), row);
  const few = clips.slice(0, 1);
  const warped = await evaluateSystems({ systems, clips: few, reference: 'originals', warped: true });
  assert.doesNotMatch(await htmlReport(warped, systems, few), /HiFi-GAN/);
});

test('a tone is a bright line at its frequency', () => {
  const frequency = 2756;
  const samples = Float32Array.from(
    tone(() => frequency, 0.5),
    (_, i) => Math.sin((2 * Math.PI * frequency * i) / speechRate),
  );
  const { width, height, data } = decode(spectrogramPicture(samples, loudestMagnitude(samples)));
  const column = Math.floor(width / 2);
  const brightest = Array.from({ length: height }, (_, row) => data[row * width + column]).reduce(
    (best, value, row, all) => (value > all[best] ? row : best),
    0,
  );
  // A quarter of the height, from the bottom.
  assert.ok(Math.abs(brightest - 0.75 * height) <= 2, `row ${brightest} of ${height}`);
});
