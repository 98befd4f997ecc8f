import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { temporaryFolder } from '../../../test/support/files.js';
import { writeStudyFolder } from '../../../test/support/listening_study.js';
import type { Kind } from '../protocol.js';
import { AnswerStore } from '../server/store.js';
import type { StudyFile } from '../study/definition.js';
import { planFor, type Trial } from '../study/plan.js';
import { openStudyFolder, type Study } from '../study/study_folder.js';
import { analyse, type Results } from './analysis.js';
import { htmlReport } from './html_report.js';
import { ratingsCsv } from './scores.js';

const close = (value: number | null, expected: number, tolerance = 1e-9) =>
  assert.ok(value !== null && Math.abs(value - expected) <= tolerance, `${value}, expected ${expected}`);
const clips = ['a', 'b', 'c', 'd'];

async function open(t: TestContext, file: StudyFile): Promise<Study> {
  const folder = temporaryFolder(t);
  await writeStudyFolder(folder, file, { clips, seconds: 0.01, sampleRate: 8000 });
  return openStudyFolder(folder);
}

/** Listeners with known answers go through their plans. */
async function simulate(
  study: Study,
  listeners: number,
  ratings: (trial: Trial, listener: number) => (number | null)[],
): Promise<Results> {
  const store = AnswerStore.open(':memory:', '', study);
  for (let n = 0; n < listeners; n++) {
    const { listener } = await store.register((slot) => planFor(study, slot), `p${n}`);
    for (const [i, trial] of listener.plan.entries())
      await store.save(listener.id, i, {
        ratings: ratings(trial, n),
        heard: trial.signals.map(() => 1),
        seconds: 10,
        done: true,
      });
    await store.finish(listener.id, '');
  }
  const results = analyse(store);
  store.close();
  return results;
}

// The depression data of Hollander and Wolfe (see significance.test.ts), scaled to ratings: nine listeners, V = 40, p =
// 0.0390625.
const before = [1830, 500, 1620, 2480, 1680, 1880, 1550, 3060, 1300].map((x) => x / 50);
const after = [878, 647, 598, 2050, 1060, 1290, 1060, 3140, 1290].map((x) => x / 50);
const t8 = 2.306004135;

test('mushra: means, intervals and signed rank tests over listeners have known values', async (t) => {
  const study = await open(t, {});
  // The clips differ, but cancel in each listener's mean.
  const offsets: Record<string, number> = { a: -2, b: 2, c: -1, d: 1 };
  const rate = (signal: string, clip: string, n: number) =>
    ({
      reference: 95,
      ours: before[n] + offsets[clip],
      theirs: after[n] - offsets[clip],
      'anchor-3500': 10,
      'anchor-7000': 30,
    })[signal] as number;
  const results = await simulate(study, 9, ({ signals, clip }, n) => signals.map((signal) => rate(signal, clip, n)));
  assert.equal(results.unit, 'listener');
  const ours = results.systems.find(({ signal }) => signal === 'ours');
  const mean = before.reduce((sum, x) => sum + x, 0) / 9;
  const deviation = Math.sqrt(before.reduce((sum, x) => sum + (x - mean) ** 2, 0) / 8);
  assert.equal(ours?.ratings, 36);
  close(ours?.mean ?? null, mean);
  close(ours?.low ?? null, mean - (t8 * deviation) / 3, 1e-6);
  close(ours?.high ?? null, mean + (t8 * deviation) / 3, 1e-6);
  const compared = results.comparisons.find(({ a, b }) => a === 'ours' && b === 'theirs');
  // ours less theirs has V = 40 of 45: theirs less ours has 5.
  assert.deepEqual([compared?.n, compared?.v], [9, 5]);
  close(compared?.p ?? null, 20 / 512);
  // Three comparisons; the two with the reference have the smallest possible p, 2/512.
  assert.equal(results.comparisons.length, 3);
  close(compared?.pAdjusted ?? null, 20 / 512);
  close(results.comparisons.find(({ a, b }) => a === 'ours' && b === 'reference')?.pAdjusted ?? null, (3 * 2) / 512);
  assert.deepEqual(
    results.systems.map(({ signal }) => signal),
    ['ours', 'reference', 'theirs', 'anchor-3500', 'anchor-7000'],
  );
});

test('mushra: listeners who fail the rules of BS.1534-3 are excluded; easy clips exclude nobody', async (t) => {
  const study = await open(t, {});
  const rate = (signal: string, clip: string, n: number): number => {
    if (signal === 'reference') return n === 0 && clip === 'a' ? 89 : 90;
    // Listener 1 rates the middle anchor above 90 in one clip; everybody does in clip d.
    if (signal === 'anchor-7000') return (n === 1 && clip === 'b') || clip === 'd' ? 91 : 90;
    return signal === 'ours' ? (n === 0 ? 0 : 60) : 50;
  };
  const { listeners, systems } = await simulate(study, 6, ({ signals, clip }, n) =>
    signals.map((signal) => rate(signal, clip, n)),
  );
  assert.deepEqual(
    listeners.map(({ excluded }) => excluded),
    [['hidden reference below 90 in 1 of 4 clips'], ['anchor-7000 above 90 in 1 of 4 clips'], [], [], [], []],
  );
  assert.equal(systems.find(({ signal }) => signal === 'ours')?.mean, 60, 'the ratings of the excluded do not count');
});

test('mos: a wrong answer to a trap excludes a listener; practice and traps do not count', async (t) => {
  const study = await open(t, { kind: 'mos' });
  const results = await simulate(study, 4, ({ signals: [signal], role }, n) => [
    role === 'trap'
      ? n === 3
        ? 3
        : 2
      : role === 'practice'
        ? 1
        : n === 3
          ? 1
          : ({ reference: 5, ours: 4, theirs: 3 + (n % 2) }[signal] ?? 0),
  ]);
  assert.deepEqual(
    results.listeners.map(({ excluded }) => excluded.length),
    [0, 0, 0, 1],
  );
  assert.match(results.listeners[3].excluded[0], /1 of 1 traps answered wrongly/);
  const by = Object.fromEntries(results.systems.map((one) => [one.signal, one]));
  assert.deepEqual([by.reference.mean, by.ours.mean, by.ours.low, by.ours.high], [5, 4, 4, 4]);
  close(by.theirs.mean, 10 / 3);
  assert.equal(by.theirs.ratings, 12);
});

test('cmos: the sign follows the pair, not the side on which a system was shown', async (t) => {
  const study = await open(t, { kind: 'cmos', pairs: [['ours', 'theirs']] });
  const better = (name: string, signals: readonly string[]) => (signals[1] === name ? 1 : -1);
  // Theirs is better by 2, and for listener 0 by 1; in traps the original is.
  const results = await simulate(study, 5, ({ signals, role }, n) => [
    role === 'trap' ? 3 * better('reference', signals) : (n === 0 ? 1 : 2) * better('theirs', signals),
  ]);
  assert.deepEqual(
    results.listeners.map(({ excluded }) => excluded.length),
    [0, 0, 0, 0, 0],
  );
  const [one] = results.comparisons;
  assert.deepEqual([one.a, one.b, one.n, one.v], ['ours', 'theirs', 5, 15]);
  close(one.mean, 1.8);
  close(one.p, 2 / 32);
});

test('ab: votes follow the pair, the binomial test is exact, and no preference is counted separately', async (t) => {
  const study = await open(t, { kind: 'ab', pairs: [['ours', 'theirs']], noPreference: true });
  const vote = (name: string, signals: readonly string[]) => (signals[1] === name ? 1 : -1);
  const results = await simulate(study, 5, ({ signals, role, clip }, n) => [
    role === 'trap'
      ? vote('reference', signals)
      : n === 4
        ? 0
        : clip === 'a' && n === 0
          ? vote('ours', signals)
          : vote('theirs', signals),
  ]);
  const [one] = results.choices;
  assert.deepEqual([one.votes, one.undecided], [[1, 15], 4]);
  close(one.mean, 15 / 16);
  close(one.p, (2 * 17) / 65536);
  assert.equal(results.listeners.filter(({ excluded }) => excluded.length > 0).length, 0);
});

test('abx: an answer is right if it names the side that X is', async (t) => {
  const study = await open(t, { kind: 'abx', pairs: [['ours', 'theirs']] });
  const right = ([a, , x]: readonly string[]) => (x === a ? -1 : 1);
  const results = await simulate(study, 4, ({ signals, role, clip }) => [
    role === 'test' && clip === 'a' ? -right(signals) : right(signals),
  ]);
  const [one] = results.choices;
  assert.deepEqual(one.votes, [4, 12]);
  // P(12 or more of 16) = 2517 / 65536.
  close(one.p, 2517 / 65536, 1e-9);
  assert.deepEqual(
    results.listeners.map(({ traps }) => traps.failed),
    [0, 0, 0, 0],
  );
});

test('a wrong answer to a trap excludes a listener, whatever the kind', async (t) => {
  for (const kind of ['cmos', 'ab', 'abx'] as Kind[]) {
    const study = await open(t, { kind, pairs: [['ours', 'theirs']] });
    const wrong = ({ signals }: Trial) =>
      kind === 'abx' ? (signals[2] === signals[0] ? 1 : -1) : signals[1] === 'trap' ? 1 : -1;
    const { listeners } = await simulate(study, 2, (trial, n) => [
      trial.role === 'trap' && n === 0 ? wrong(trial) : trial.role === 'trap' ? -wrong(trial) : 1,
    ]);
    assert.deepEqual(
      listeners.map(({ excluded }) => excluded.length),
      [1, 0],
      kind,
    );
  }
});

test('with a single listener the unit is the rating', async (t) => {
  const study = await open(t, { kind: 'mos', traps: 0 });
  const results = await simulate(study, 1, ({ signals: [signal], clip }) => [
    signal === 'ours' ? 2 + (clips.indexOf(clip) % 2) : 4,
  ]);
  assert.equal(results.unit, 'rating');
  const ours = results.systems.find(({ signal }) => signal === 'ours');
  close(ours?.mean ?? null, 2.5);
  close(ours?.high ?? null, 2.5 + (3.182446305 * Math.sqrt(1 / 3)) / 2, 1e-6);
});

test('one rating far from the others is pointed out, not left out', async (t) => {
  const study = await open(t, {});
  const results = await simulate(study, 8, ({ signals, clip }, n) =>
    signals.map((signal) => (signal === 'reference' ? 100 : signal === 'ours' && clip === 'b' && n === 7 ? 0 : 50 + n)),
  );
  assert.deepEqual(
    results.outliers.map(({ listener, clip, signals, value }) => [listener, clip, signals[0], value]),
    [[8, 'b', 'ours', 0]],
  );
  assert.equal(results.systems.find(({ signal }) => signal === 'ours')?.ratings, 32);
});

test('without answers the report is empty, and nothing fails', async (t) => {
  for (const kind of ['mos', 'cmos', 'ab', 'abx', 'mushra'] as Kind[]) {
    const results = await simulate(await open(t, { kind }), 0, () => []);
    assert.deepEqual([results.systems, results.comparisons, results.choices], [[], [], []]);
    assert.match(htmlReport(results), /<h2>Listeners<\/h2>/);
  }
});

test('the report is one file that loads nothing, and what listeners wrote stays text', async (t) => {
  const study = await open(t, { title: '<script>alert(1)</script> & more' });
  const store = AnswerStore.open(':memory:', '', study);
  const { listener } = await store.register((slot) => planFor(study, slot), 'p<b>');
  for (const [i, { signals }] of listener.plan.entries())
    await store.save(listener.id, i, {
      ratings: signals.map((signal) => (signal === 'reference' ? 100 : 50)),
      heard: signals.map(() => 1),
      seconds: 1,
      done: true,
    });
  await store.finish(listener.id, '<img src=x onerror=alert(1)>');
  const html = htmlReport(analyse(store));
  assert.ok(!/<script|<img|<link|@import|url\(/.test(html));
  assert.match(html, /&lt;img src=x onerror=alert\(1\)&gt;/);
  assert.match(html, /<svg [^>]*role="img"/);
});

test('ratings.csv has a line for each rating, and quotes fields where needed', async (t) => {
  const study = await open(t, { kind: 'ab', pairs: [['ours', 'theirs']], traps: 0, practice: [] });
  const results = await simulate(study, 2, () => [1]);
  const lines = ratingsCsv(results).trimEnd().split('\r\n');
  assert.equal(lines.length, 1 + 2 * 4);
  const rows = lines.slice(1).map((line) => line.split(','));
  for (const row of rows) {
    assert.deepEqual([row[6], row[7]], ['theirs', 'ours']);
    assert.equal(row[8], row[10] === '1' ? '-1' : '1', 'B was chosen: theirs, unless the sides were swapped');
  }
  const quoted = ratingsCsv({ ...results, scores: [{ ...results.scores[0], clip: 'a "quoted", one' }] });
  assert.match(quoted, /,"a ""quoted"", one",/);
});
