import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { after, before, describe, type TestContext } from 'node:test';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { writeReport } from '../src/listening/analysis/report.js';
import type { Kind } from '../src/listening/protocol.js';
import type { Answers, StoredAnswer } from '../src/listening/server/records.js';
import { AnswerStore } from '../src/listening/server/store.js';
import type { StudyFile } from '../src/listening/study/definition.js';
import { startBrowser, withoutBrowser } from './support/browser.js';
import { temporaryFolder } from './support/command_line.js';
import { type ListeningServer, serve } from './support/listening_server.js';
import { writeStudyFolder } from './support/listening_study.js';

let browser: Browser;
before(async () => {
  if (!withoutBrowser) browser = await startBrowser();
});
after(() => browser?.close());

interface Visit {
  readonly page: Page;
  readonly folder: string;
  readonly server: ListeningServer;
  /** Errors in the page; must stay empty. */
  readonly faults: string[];
}

/** Serves a small test and opens its page. */
async function visit(
  t: TestContext,
  file: StudyFile,
  options: BrowserContextOptions & { clips?: string[]; serve?: string[] } = {},
): Promise<Visit> {
  const { clips = ['one', 'two'], serve: serveOptions = [], ...contextOptions } = options;
  const folder = temporaryFolder(t);
  // Clips play in real time: they are as short as the tool allows.
  await writeStudyFolder(folder, { headphones: 'off', ...file }, { clips, seconds: 0.5 });
  const server = await serve(t, folder, ...serveOptions);
  const context = await browser.newContext(contextOptions);
  t.after(() => context.close());
  const page = await context.newPage();
  const faults: string[] = [];
  page.on('console', (message) => message.type() === 'error' && faults.push(message.text()));
  page.on('pageerror', (error) => faults.push(error.message));
  await page.goto(`${server.address}?participant=p-7`);
  return { page, folder, server, faults };
}

const button = (page: Page, name: string | RegExp) =>
  page.getByRole('button', { name, exact: typeof name === 'string' });

/** Consent and volume. */
async function begin(page: Page): Promise<void> {
  assert.ok(await button(page, 'Begin').isDisabled(), 'nothing begins without consent');
  await page.getByRole('checkbox').check();
  await button(page, 'Begin').click();
  await setVolume(page);
}

async function setVolume(page: Page): Promise<void> {
  await button(page, 'Play').click();
  await button(page, 'The volume is right').click();
}

async function end(page: Page): Promise<void> {
  await page.getByLabel(/Is there anything/).fill('It was fine.');
  await button(page, 'Finish').click();
  await page.getByRole('heading', { name: 'Thank you' }).waitFor();
}

function saved(folder: string): { answers: readonly StoredAnswer[]; store: Answers } {
  const store = AnswerStore.read(join(folder, 'answers.sqlite'));
  return { answers: store.answers(), store };
}

const next = (page: Page) => button(page, 'Next');

/** Waits until as much of a clip was heard as is asked for; clips are counted as their buttons. */
async function hear(page: Page, clip: number): Promise<void> {
  await page.locator('button.clip').nth(clip).locator('.heard[style*="width: 100%"]').waitFor({ state: 'attached' });
}

/** Waits until something holds that is not for Playwright to see. */
async function until(condition: () => unknown): Promise<void> {
  for (const begun = Date.now(); !(await condition()) && Date.now() - begun < 30_000;)
    await new Promise((resolve) => setTimeout(resolve, 30));
}

/** Rates one trial of a kind by mouse; `pick` gives the rating. */
async function rate(page: Page, kind: Kind, pick: (clip: number) => number): Promise<void> {
  assert.ok(await next(page).isDisabled(), 'nothing was heard yet');
  const clips = page.locator('button.clip:not(.reference button)');
  const count = await clips.count();
  for (let clip = 0; clip < count; clip++) {
    await clips.nth(clip).click();
    if (kind === 'mushra')
      await page.getByRole('slider', { name: `Quality of clip ${clip + 1}` }).fill(String(pick(clip)));
    // The button of the reference is the first one.
    await hear(page, kind === 'mushra' ? clip + 1 : clip);
    // A switch keeps the position: where nothing loops, the next clip would be heard from there only.
    if (kind === 'cmos' || kind === 'ab') await page.locator('button.play:not(.playing)').waitFor();
  }
  if (kind !== 'mushra') {
    assert.ok(await next(page).isDisabled(), 'nothing was rated yet');
    await page.locator(`input[type=radio][value="${pick(0)}"]`).check();
  }
  await next(page).click();
}

const kinds: Record<Kind, { file: StudyFile; trials: number; pick: (trial: number, clip: number) => number }> = {
  mos: { file: { kind: 'mos', systems: ['ours', 'theirs'] }, trials: 2 + 4 + 1, pick: (trial) => 1 + (trial % 5) },
  cmos: {
    file: { kind: 'cmos', pairs: [['ours', 'theirs']] },
    trials: 1 + 2 + 1,
    pick: (trial) => (trial % 7) - 3,
  },
  ab: {
    file: { kind: 'ab', pairs: [['ours', 'theirs']], noPreference: true },
    trials: 1 + 2 + 1,
    pick: (trial) => (trial % 3) - 1,
  },
  abx: { file: { kind: 'abx', pairs: [['ours', 'theirs']] }, trials: 1 + 2 + 1, pick: (trial) => 2 * (trial % 2) - 1 },
  mushra: { file: { kind: 'mushra' }, trials: 1 + 2, pick: (trial, clip) => 10 * clip + trial },
};

describe('the page in Chromium', { concurrency: 4 }, () => {
  for (const kind of Object.keys(kinds) as Kind[]) {
    test(`a whole test of kind ${kind} is played and rated`, { skip: withoutBrowser }, async (t) => {
      const { file, trials, pick } = kinds[kind];
      const { page, folder, faults } = await visit(t, file);
      await begin(page);
      for (let trial = 0; trial < trials; trial++) {
        await page.getByText(`${trial + 1} of ${trials}`, { exact: true }).waitFor();
        assert.equal(await page.getByText('Practice').count(), trial < (kind === 'mos' ? 2 : 1) ? 1 : 0);
        await rate(page, kind, (clip) => pick(trial, clip));
      }
      await end(page);
      assert.deepEqual(faults, []);
      const { answers, store } = saved(folder);
      const [listener] = store.listeners();
      assert.deepEqual(
        [listener.participant, listener.comment, listener.finished !== null],
        ['p-7', 'It was fine.', true],
      );
      assert.deepEqual(
        answers.map(({ ratings, done }) => [ratings, done]),
        listener.plan.map(({ signals }, trial) => [
          kind === 'mushra' ? signals.map((_, clip) => pick(trial, clip)) : [pick(trial, 0)],
          true,
        ]),
      );
      const { results, files } = await writeReport(folder);
      assert.equal(results.scores.length, kind === 'mushra' ? 5 * trials : trials);
      assert.match(readFileSync(files[0], 'utf8'), /<td>p-7<\/td>/);
    });
  }

  test(
    'a test that requires headphones begins only after the quietest of three tones was named',
    { skip: withoutBrowser },
    async (t) => {
      const { page, folder, faults } = await visit(t, { kind: 'mos', headphones: 'require' });
      // The tones, which are stereo, play twenty times faster, and are kept so that the test can find the right answer.
      await page.addInitScript(`
      const { start } = AudioBufferSourceNode.prototype;
      AudioBufferSourceNode.prototype.start = function (...args) {
        if (this.buffer.numberOfChannels === 2) {
          this.playbackRate.value = 20;
          window.tones = this.buffer;
        }
        return start.apply(this, args);
      };`);
      await page.reload();
      const answer = async (right: boolean) => {
        await page.evaluate('delete window.tones');
        await button(page, 'Play the three tones').click();
        await until(() => page.evaluate('window.tones !== undefined'));
        const peaks = await page.evaluate<number[]>(
          '[0, 1, 2].map((i) => Math.max(...window.tones.getChannelData(0).slice(i * 1.5 * ' +
            'window.tones.sampleRate, (i * 1.5 + 1) * window.tones.sampleRate)))',
        );
        const quietest = peaks.indexOf(Math.min(...peaks));
        assert.ok(
          Math.abs(20 * Math.log10(Math.max(...peaks) / peaks[quietest]) - 6.02) < 0.01,
          'one tone is 6 dB quieter',
        );
        const number = (await page.getByText(/which one is the quietest/i).textContent())?.match(/(\d) of 6/)?.[1];
        await button(page, ['First', 'Second', 'Third'][right ? quietest : (quietest + 1) % 3]).click();
        if (number !== '6') await page.getByText(`(${Number(number) + 1} of 6)`).waitFor();
      };
      await begin(page);
      for (let tone = 0; tone < 6; tone++) await answer(tone < 4);
      await page.getByText('No headphones found').waitFor();
      assert.deepEqual(saved(folder).store.listeners()[0].headphones, { correct: 4, tones: 6 });
      await button(page, 'Try again').click();
      for (let tone = 0; tone < 6; tone++) await answer(tone < 5);
      await page.locator('.choice.mos').waitFor();
      assert.deepEqual(saved(folder).store.listeners()[0].headphones, { correct: 5, tones: 6 });
      assert.deepEqual(faults, []);
    },
  );

  test(
    'closing the tab loses nothing: drafts are saved, and the listener continues where they stopped',
    { skip: withoutBrowser },
    async (t) => {
      const { page, folder, server, faults } = await visit(t, { kind: 'mushra' });
      await begin(page);
      await rate(page, 'mushra', () => 40);
      await page.getByText('2 of 3', { exact: true }).waitFor();
      await page.keyboard.press('1');
      await page.getByRole('slider', { name: 'Quality of clip 1' }).fill('73');
      // Close at once, before the draft would have been saved anyway.
      const context = page.context();
      await page.close({ runBeforeUnload: true });
      await until(() => saved(folder).answers.length === 2);
      assert.deepEqual(
        saved(folder).answers.map(({ trial, ratings, done }) => [trial, ratings, done]),
        [
          [0, [40, 40, 40, 40, 40], true],
          [1, [73, null, null, null, null], false],
        ],
      );

      const again = await context.newPage();
      await again.goto(server.address);
      await again.getByText('You have done 1 of 3.').waitFor();
      await button(again, 'Continue').click();
      await setVolume(again);
      await again.getByText('2 of 3', { exact: true }).waitFor();
      assert.equal(await again.getByRole('slider', { name: 'Quality of clip 1' }).inputValue(), '73');
      assert.match(
        (await again.getByRole('slider', { name: 'Quality of clip 1' }).getAttribute('aria-valuetext')) ?? '',
        /^73, Good$/,
      );
      assert.equal(
        await again.getByRole('slider', { name: 'Quality of clip 2' }).getAttribute('aria-valuetext'),
        'not rated',
      );
      assert.equal(saved(folder).store.listeners().length, 1);
      assert.deepEqual(faults, []);
    },
  );

  test('without a connection answers wait, and are saved when it is back', { skip: withoutBrowser }, async (t) => {
    const { page, folder } = await visit(t, { kind: 'mos', systems: ['ours'], traps: 0, practice: [], forcePlay: 0 });
    const bothLoaded = page.waitForResponse((response) => response.url().endsWith('/api/trials/1/clips/0'));
    await begin(page);
    await page.getByText('1 of 2', { exact: true }).waitFor();
    await (await bothLoaded).finished();
    await page.context().setOffline(true);
    await button(page, /^Clip/).click();
    await page.keyboard.press('4');
    await page.keyboard.press('n');
    await page.getByText('No connection.').waitFor();
    assert.equal(saved(folder).answers.length, 0);
    await page.context().setOffline(false);
    await page.getByText('2 of 2', { exact: true }).waitFor();
    assert.deepEqual(
      saved(folder).answers.map(({ ratings, done }) => [ratings, done]),
      [[[4], true]],
    );
  });

  test('a whole test by keyboard alone', { skip: withoutBrowser }, async (t) => {
    const { page, folder, faults } = await visit(t, { kind: 'mushra', practice: [] }, { clips: ['one'] });
    const press = (key: string) => page.keyboard.press(key);
    const focused = () =>
      page.evaluate(
        'document.activeElement.textContent || document.activeElement.getAttribute("aria-label") || ' +
          'document.activeElement.type',
      );
    const tabTo = async (name: string) => {
      for (let i = 0; i < 30 && (await focused()) !== name; i++) await press('Tab');
      assert.equal(await focused(), name);
    };
    await tabTo('checkbox');
    await press('Space');
    await tabTo('Begin');
    await press('Enter');
    await page.getByText('Set the volume').waitFor();
    await press('p');
    await page.locator('button.primary:enabled').waitFor();
    await tabTo('The volume is right');
    await press('Enter');
    await page.locator('.sliders').waitFor();
    for (let clip = 1; clip <= 5; clip++) {
      await press(String(clip));
      await hear(page, clip);
      await tabTo(`Quality of clip ${clip}`);
      for (let i = 0; i < clip; i++) await press('ArrowUp');
    }
    await press('Enter');
    await page.getByText('Almost done').waitFor();
    assert.deepEqual(saved(folder).answers[0].ratings, [51, 52, 53, 54, 55]);
    assert.deepEqual(faults, []);
  });

  test(
    'on a phone everything fits and works by touch, and the colours follow the device',
    { skip: withoutBrowser },
    async (t) => {
      const { page, faults } = await visit(
        t,
        { kind: 'mushra' },
        { viewport: { width: 360, height: 700 }, hasTouch: true, isMobile: true, colorScheme: 'dark' },
      );
      await page.getByRole('checkbox').tap();
      await button(page, 'Begin').tap();
      await button(page, 'Play').tap();
      await button(page, 'The volume is right').tap();
      await page.locator('.sliders').waitFor();
      await page.locator('button.clip').nth(1).tap();
      const slider = page.getByRole('slider', { name: 'Quality of clip 1' });
      const box = await slider.boundingBox();
      assert.ok(box && box.width > 150 && box.height >= 40);
      await page.touchscreen.tap(box.x + 0.8 * box.width, box.y + box.height / 2);
      assert.ok(Math.abs(Number(await slider.inputValue()) - 80) < 8, await slider.inputValue());
      assert.equal(await page.evaluate('document.documentElement.scrollWidth <= window.innerWidth'), true);
      assert.equal(await page.evaluate('getComputedStyle(document.body).backgroundColor'), 'rgb(20, 23, 28)');
      assert.deepEqual(faults, []);
    },
  );

  test(
    'a preview shows which system is which, allows everything to be skipped and keeps nothing',
    { skip: withoutBrowser },
    async (t) => {
      const { page, folder, faults } = await visit(
        t,
        { kind: 'ab', pairs: [['ours', 'theirs']], traps: 0 },
        { serve: ['--preview'] },
      );
      await begin(page);
      for (let trial = 0; trial < 3; trial++) {
        await page.getByText(`${trial + 1} of 3`, { exact: true }).waitFor();
        assert.equal((await page.locator('button.clip small').allTextContents()).sort().join(), 'ours,theirs');
        await next(page).click();
      }
      await end(page);
      assert.deepEqual(faults, []);
      assert.throws(() => readFileSync(join(folder, 'answers.sqlite')));
    },
  );

  test(
    'a switch keeps the position without a gap and without a click, and so does a loop',
    { skip: withoutBrowser },
    async (t) => {
      const { page } = await visit(t, { kind: 'mushra' });
      // Two tones of equal phase but other loudness; an offline context gives every sample that would be heard.
      const rendered = await page.evaluate<number[]>(`(async () => {
      const { Player } = await import('/page/player.js');
      const rate = 48000;
      const context = new OfflineAudioContext(1, 2 * rate, rate);
      const tone = (level) => {
        const buffer = context.createBuffer(1, rate, rate);
        const sine = (_, n) => level * Math.sin(2 * Math.PI * 200 * n / rate);
        buffer.copyToChannel(Float32Array.from({ length: rate }, sine), 0);
        return buffer;
      };
      const player = new Player(context, [tone(0.5), tone(0.25)], true);
      player.setLoop(true);
      player.play();
      const at = (time, action) => context.suspend(time).then(() => { action(); return context.resume(); });
      at(0.3, () => player.select(1));
      at(0.6, () => player.select(0));
      at(0.9, () => { player.select(1); player.select(0); player.select(1); });
      at(1.4, () => player.setRegion([0.2, 0.75]));
      at(1.9, () => player.pause());
      return Array.from((await context.startRendering()).getChannelData(0));
    })()`);
      const rate = 48000;
      // A step between samples is at most that of the louder tone plus that of the steepest fade: 0.5 (2π 200 + π / (2
      // · 5 ms)) / rate.
      const steepest = (0.5 * (2 * Math.PI * 200 + Math.PI / 0.01)) / rate;
      for (let n = 1; n < rendered.length; n++)
        assert.ok(
          Math.abs(rendered[n] - rendered[n - 1]) <= steepest * 1.01,
          `a click at ${n / rate} s: ${rendered[n - 1]} → ${rendered[n]}`,
        );
      // The phase is that of one tone that never stopped, begun 10 ms after the start: the loop of one second has 200
      // whole periods.
      const power = (from: number, to: number) =>
        rendered.slice(from * rate, to * rate).reduce((sum, x) => sum + x * x, 0) / ((to - from) * rate);
      const along = (from: number, to: number) => {
        let sum = 0;
        for (let n = Math.round(from * rate); n < to * rate; n++)
          sum += rendered[n] * Math.sin(2 * Math.PI * 200 * (n / rate - 0.01));
        return (2 * sum) / ((to - from) * rate);
      };
      for (const [from, to, level] of [
        [0.05, 0.3, 0.5],
        [0.33, 0.6, 0.25],
        [0.63, 0.9, 0.5],
        [0.95, 1.0, 0.25],
        [1.05, 1.4, 0.25],
      ])
        assert.ok(
          Math.abs(along(from, to) - level) < 0.002,
          `${from} to ${to} s: ${along(from, to)}, expected ${level}`,
        );
      // Nowhere before the pause is it still for 15 ms: a switch is 5 ms out and 5 ms in.
      for (let from = 0.02; from < 1.88; from += 0.005)
        assert.ok(power(from, from + 0.015) > 1e-4, `a gap at ${from} s`);
      assert.equal(power(1.92, 2), 0, 'silence after the pause');
    },
  );
});
