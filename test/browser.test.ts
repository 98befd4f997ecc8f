import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { copyFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import test, { type TestContext } from 'node:test';
import type { Page } from 'playwright-core';
import { saveAcoustic } from '../src/model/acoustic/file.js';
import { loadVoice } from '../src/model/voice/file.js';
import { startBrowser, withoutBrowser } from './support/browser.js';
import { root, run, temporaryFolder } from './support/command_line.js';
import { tinyAcoustic, tinyVoice } from './support/speaking.js';

/** Builds and serves the example as `npm run example:browser` does, and returns its address. */
async function serve(t: TestContext, out: string): Promise<string> {
  const server = spawn(process.execPath, [join(root, 'scripts', 'example-browser.mjs'), '--out', out, '--port', '0'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.after(() => void server.kill());
  for await (const line of createInterface(server.stdout)) if (line.startsWith('http://')) return line;
  throw new Error('the example was not built');
}

/** 16-bit samples behind a WAV header of 44 bytes. */
const samplesOf = (wav: Buffer) => new Int16Array(new Uint8Array(wav.subarray(44)).buffer);

/** Notes every buffer that the page hands to Web Audio: when it starts and how long it is, in seconds. */
const watchPlayback = `
  const played = (globalThis.played = []);
  const { start } = AudioBufferSourceNode.prototype;
  AudioBufferSourceNode.prototype.start = function (when) {
    played.push([when, this.buffer.duration]);
    return start.call(this, when);
  };`;

/** What the page offers to save after it has spoken. */
async function spoken(page: Page): Promise<Int16Array> {
  const link = page.locator('#download');
  await link.waitFor({ timeout: 60_000 });
  const [download] = await Promise.all([page.waitForEvent('download'), link.click()]);
  return samplesOf(readFileSync(await download.path()));
}

function assertAlike(actual: Int16Array, expected: Int16Array): void {
  assert.equal(actual.length, expected.length);
  // The drawn symbols are the same; Math.exp of another engine may move a predictor's last bit, and so the rounding of
  // a sample.
  const largest = actual.reduce((most, sample, i) => Math.max(most, Math.abs(sample - expected[i])), 0);
  assert.ok(largest <= 1, `samples differ by up to ${largest}`);
}

test(
  'the example speaks in Chromium what tts-synth speaks, plays it and prints its real-time factor',
  { skip: withoutBrowser },
  async (t) => {
    const out = temporaryFolder(t);
    const address = await serve(t, out);
    const chrome = await startBrowser('--autoplay-policy=no-user-gesture-required');
    t.after(() => chrome.close());
    const page = await chrome.newPage();
    const errors: string[] = [];
    page.on('pageerror', (error) => errors.push(String(error)));
    page.on('console', (message) => message.type() === 'error' && errors.push(message.text()));
    await page.addInitScript(watchPlayback);
    await page.goto(address);
    const status = page.locator('#status');

    await page.locator('#speak:enabled').click();
    const samples = await spoken(page);
    const text = (await status.textContent()) ?? '';
    assert.match(
      text,
      /^\d+\.\d\d s of speech in \d+\.\d\d s, real-time factor \d\.\d{3} .*, first sound after \d+\.\d\d s$/,
    );
    t.diagnostic(text);
    const played = await page.evaluate<[when: number, duration: number][]>('played');
    assert.ok(played.length > 5);
    assert.ok(
      played.every(([when, duration], i) => i + 1 === played.length || played[i + 1][0] >= when + duration - 1e-6),
      'chunks overlap',
    );
    assert.ok(Math.abs(played.reduce((sum, [, duration]) => sum + duration, 0) * 22050 - samples.length) < 1);
    const here = join(out, 'here.wav');
    assert.equal(run('synth', join(out, 'speech.npy'), here, '--kernels', 'wasm').status, 0);
    assertAlike(samples, samplesOf(readFileSync(here)));

    await page.locator('#file').setInputFiles(join(root, 'data', 'ljspeech-mini', 'LJ001-0008.flac'));
    const copy = await spoken(page);
    assert.ok(copy.length > 20_000 && copy.some((sample) => Math.abs(sample) > 1000));

    await page.locator('#file').setInputFiles(join(root, 'test', 'fixtures', 'mel', 'chirp.npy'));
    await status.filter({ hasText: /chirp\.npy/ }).waitFor();
    assert.match((await status.textContent()) ?? '', /expected floating-point features/);
    // A text, with a model and a voice of toy size in the place of those that ship.
    const reader = join(root, tinyVoice);
    await saveAcoustic(join(out, 'acoustic.safetensors'), tinyAcoustic(await loadVoice(reader)), { force: true });
    copyFileSync(reader, join(out, 'reader.safetensors'));
    const said = 'Dr. Smith zorbled £25. "Really?"';
    await page.locator('#text').fill(said);
    await page.locator('#speak-text:enabled').click();
    const speech = await spoken(page);
    const [acoustic, wav] = [join(out, 'acoustic.safetensors'), join(out, 'text.wav')];
    const model = ['--acoustic', acoustic, '--voice', reader, '--kernels', 'wasm'];
    assert.equal(run('speak', said, wav, ...model).status, 0);
    assertAlike(speech, samplesOf(readFileSync(wav)));
    assert.deepEqual(errors, []);
  },
);
