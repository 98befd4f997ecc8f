import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { temporaryFolder } from '../../../test/support/files.js';
import { writeStudyFolder } from '../../../test/support/listening_study.js';
import type { StudyFile } from './definition.js';
import { itemsOf, planFor, type Trial } from './plan.js';
import type { Study } from './study_folder.js';
import { openStudyFolder } from './study_folder.js';

const clips = ['a', 'b', 'c', 'd', 'e', 'f'];

async function open(t: TestContext, file: StudyFile, systems = ['reference', 'ours', 'theirs']): Promise<Study> {
  const folder = temporaryFolder(t);
  await writeStudyFolder(folder, file, { systems, clips, seconds: 0.01, sampleRate: 8000 });
  return openStudyFolder(folder);
}
const counted = (trials: readonly Trial[]) => trials.filter(({ role }) => role === 'test');
const tally = (names: readonly string[]) => {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return counts;
};
const spread = (counts: ReadonlyMap<string, number>) => Math.max(...counts.values()) - Math.min(...counts.values());

test('a plan is a function of the seed and the slot', async (t) => {
  const study = await open(t, { kind: 'mos' });
  assert.deepEqual(planFor(study, 3), planFor(study, 3));
  assert.notDeepEqual(planFor(study, 3), planFor(study, 4));
  assert.notDeepEqual(planFor({ ...study, seed: 2 }, 3), planFor(study, 3));
});

for (const kind of ['mos', 'cmos', 'ab', 'abx', 'mushra'] as const) {
  test(`${kind}: a listener without a limit is asked every question once`, async (t) => {
    const study = await open(t, { kind });
    const trials = counted(planFor(study, 5));
    const asked = tally(trials.map(({ clip, signals }) => `${clip} ${[...new Set(signals)].sort().join()}`));
    assert.equal(asked.size, itemsOf(study).length);
    assert.equal(spread(asked), 0);
    if (kind === 'mushra')
      for (const { signals } of trials)
        assert.deepEqual([...signals].sort(), ['anchor-3500', 'anchor-7000', 'ours', 'reference', 'theirs']);
  });

  test(
    `${kind}: with 4 trials each, all questions are asked equally often after any number of ` +
      'listeners, give or take one',
    async (t) => {
      const study = await open(t, { kind, trials: 4 });
      const asked = new Map(itemsOf(study).map(({ clip, signals }) => [`${clip} ${[...signals].sort().join()}`, 0]));
      for (let slot = 0; slot < 60; slot++) {
        for (const { clip, signals } of counted(planFor(study, slot))) {
          const key = `${clip} ${[...new Set(signals)].sort().join()}`;
          asked.set(key, (asked.get(key) as number) + 1);
        }
        assert.ok(spread(asked) <= 1, `${spread(asked)} after ${slot + 1}`);
      }
    },
  );
}

test('each signal is equally often in each place, over listeners and for each question', async (t) => {
  const study = await open(t, { kind: 'mushra' });
  const places = new Map<string, number>();
  for (let slot = 0; slot < 5; slot++)
    for (const { clip, signals } of counted(planFor(study, slot)))
      signals.forEach((signal, place) =>
        places.set(`${clip} ${signal} ${place}`, (places.get(`${clip} ${signal} ${place}`) ?? 0) + 1),
      );
  // Five signals, five places, five listeners.
  assert.deepEqual([places.size, spread(places)], [clips.length * 25, 0]);
  const ab = await open(t, { kind: 'ab' });
  const sides = tally(
    Array.from({ length: 10 }, (_, slot) => counted(planFor(ab, slot)))
      .flat()
      .map(({ clip, signals }) => `${clip} ${signals.join(' before ')}`),
  );
  assert.equal(sides.size, 2 * itemsOf(ab).length);
  assert.equal(spread(sides), 0);
  for (let slot = 0; slot < 10; slot++) {
    const first = counted(planFor(ab, slot)).filter(({ signals }) => [...signals].sort()[0] === signals[0]);
    assert.equal(first.length, itemsOf(ab).length / 2, 'within a listener, the sides of a pair');
  }
});

test('within a listener systems are balanced, and the same clip does not come twice in a row', async (t) => {
  const study = await open(t, { kind: 'mos', trials: 9, traps: 0 });
  for (let slot = 0; slot < 30; slot++) {
    const trials = counted(planFor(study, slot));
    assert.ok(spread(tally(trials.map(({ signals }) => signals[0]))) <= 1);
    for (let i = 1; i < trials.length; i++)
      assert.notEqual(trials[i].clip, trials[i - 1].clip, `slot ${slot}, trial ${i}`);
  }
});

test('abx: X is A or B by a fair coin, and is one of the two', async (t) => {
  const study = await open(t, { kind: 'abx', traps: 0 });
  const trials = Array.from({ length: 40 }, (_, slot) => counted(planFor(study, slot))).flat();
  for (const { signals } of trials) assert.ok(signals[2] === signals[0] || signals[2] === signals[1]);
  const share = trials.filter(({ signals }) => signals[2] === signals[0]).length / trials.length;
  assert.ok(Math.abs(share - 0.5) < 0.06, `${share} of ${trials.length}`);
});

test('practice comes first, traps never do, and each listener gets as many traps as were asked for', async (t) => {
  for (const kind of ['mos', 'cmos', 'ab', 'abx'] as const) {
    const study = await open(t, { kind, practice: ['b'], traps: 2, trials: 5 });
    for (let slot = 0; slot < 20; slot++) {
      const plan = planFor(study, slot);
      const practice = kind === 'mos' ? 3 : 1;
      assert.deepEqual(
        plan.slice(0, practice).map(({ role, clip }) => `${role} ${clip}`),
        Array(practice).fill('practice b'),
      );
      assert.equal(plan.length, practice + 5 + 2);
      assert.equal(plan[practice].role, 'test');
      const traps = plan.filter(({ role }) => role === 'trap');
      assert.equal(traps.length, 2);
      for (const { signals } of traps)
        assert.ok(signals.includes('trap') && (kind === 'mos' || signals.includes('reference')));
    }
  }
});

test('repetitions ask every question again', async (t) => {
  const study = await open(t, { kind: 'abx', pairs: [['reference', 'ours']], repetitions: 3, traps: 0 });
  assert.equal(counted(planFor(study, 0)).length, 18);
  const mushra = await open(t, { kind: 'mushra', repetitions: 2 });
  assert.equal(counted(planFor(mushra, 0)).length, 12);
});
