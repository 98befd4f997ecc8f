import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { chooseKernels } from '../src/kernels/index.js';
import { saveAcoustic } from '../src/model/acoustic/file.js';
import { loadVoice } from '../src/model/voice/file.js';
import { openSpeaker } from '../src/speech/open.js';
import { bodyLimit, createSpeechServer, type SpeechServerOptions } from '../src/speech/server/server.js';
import type { Speaker, SpeechPiece } from '../src/speech/speaker.js';
import { startBrowser, withoutBrowser } from './support/browser.js';
import { root, temporaryFolder } from './support/command_line.js';
import { tinyAcoustic, tinyVoice } from './support/speaking.js';

const voice = await loadVoice(join(root, tinyVoice));
const acoustic = tinyAcoustic(voice);
const speaker = await openSpeaker({ acoustic, voice, kernels: chooseKernels({ threads: 2 }), slots: 64 });

type AnySpeaker = Pick<Speaker, 'speak' | 'sampleRate'>;

/** Starts a server on a free port; its address has no slash at the end. */
async function listen(
  t: TestContext,
  options: Omit<SpeechServerOptions, 'speakers'> & { by?: AnySpeaker } = {},
): Promise<string> {
  const { by = speaker, ...rest } = options;
  const speakers = new Map([['tiny', () => Promise.resolve(by)]]);
  const server = await createSpeechServer({ speakers, ...rest });
  t.after(() => server.close());
  return server.listen({ port: 0, host: '127.0.0.1' });
}

const ask = (address: string, body: unknown, init: RequestInit = {}) =>
  fetch(`${address}/speak`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: typeof body === 'string' ? body : JSON.stringify(body),
    ...init,
  });

const bytesOf = async (response: Response) => Buffer.from(await response.arrayBuffer());
const health = async (address: string) =>
  (await (await fetch(`${address}/healthz`)).json()) as { status: string; speaking: number; waiting: number };

/** Waits until the server says so. */
async function until(address: string, what: (state: { speaking: number; waiting: number }) => boolean): Promise<void> {
  while (!what(await health(address))) await new Promise((resolve) => setTimeout(resolve, 5));
}

async function alone(text: string, options: object): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const { pcm } of speaker.speak(text, options)) parts.push(Buffer.from(new Uint8Array(pcm.buffer)));
  return Buffer.concat(parts);
}

/** A client that sends a request, and reads nothing of the answer unless it is told to. */
async function silentClient(address: string, text: string): Promise<Socket> {
  const { port } = new URL(address);
  const socket = connect(Number(port), '127.0.0.1');
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  const body = Buffer.from(text);
  socket.pause();
  socket.write(`POST /speak HTTP/1.1\r\nhost: x\r\ncontent-type: text/plain\r\ncontent-length: ${body.length}\r\n\r\n`);
  socket.write(body);
  return socket;
}

test('50 clients at once each get what they would get alone', async (t) => {
  const address = await listen(t, { clients: 20, queue: 60 });
  const requests = Array.from({ length: 50 }, (_, i) => ({
    text: `Client ${i} speaks. ${i % 3 === 0 ? 'For some time, as clients do.' : 'Yes!'}`,
    seed: i % 5,
    speed: 1 + (i % 4) / 2,
  }));
  const answers = await Promise.all(
    requests.map(async (request) => {
      const response = await ask(address, request);
      return { response, bytes: await bytesOf(response) };
    }),
  );
  for (const [i, { response, bytes }] of answers.entries()) {
    assert.equal(response.status, 200);
    assert.equal(response.headers.get('content-type'), 'audio/wav');
    assert.equal(response.headers.get('content-length'), null);
    assert.equal(bytes.toString('latin1', 0, 4) + bytes.toString('latin1', 8, 12), 'RIFFWAVE');
    assert.deepEqual([bytes.readUInt32LE(4), bytes.readUInt32LE(24)], [0xffffffff, 22050]);
    const { text, ...options } = requests[i];
    assert.deepEqual(bytes.subarray(44), await alone(text, options), `client ${i}`);
  }
  const { status, speaking, waiting } = await health(address);
  assert.deepEqual([status, speaking, waiting], ['ok', 0, 0]);
});

test('the body may be the text itself, with the rest in the address', async (t) => {
  const address = await listen(t);
  const response = await fetch(`${address}/speak?speed=1.5&seed=3`, { method: 'POST', body: 'Hello there.' });
  assert.deepEqual((await bytesOf(response)).subarray(44), await alone('Hello there.', { speed: 1.5, seed: 3 }));
});

/** A speaker without an end, which counts what was asked of it. */
function endlessSpeaker() {
  const counter = { pieces: 0, ended: 0 };
  const sentence = { index: 0, start: 0, end: 0, said: { notes: [] } } as unknown as SpeechPiece['sentence'];
  const by: AnySpeaker = {
    sampleRate: 22050,
    async *speak(text, { signal } = {}) {
      const endless = text === 'endless';
      try {
        for (let i = 0; (endless || i < 50) && !signal?.aborted; i++) {
          await new Promise((resolve) => setImmediate(resolve));
          if (endless) counter.pieces++;
          yield { pcm: new Int16Array(32_768), sentence, words: [], last: false };
        }
      } finally {
        if (endless) counter.ended++;
      }
    },
  };
  return { by, counter };
}

test('a slow reader is not buffered for, and its place is free when it goes', async (t) => {
  const { by, counter } = endlessSpeaker();
  const address = await listen(t, { by });
  const socket = await silentClient(address, 'endless');
  await until(address, ({ speaking }) => speaking === 1);
  // Meanwhile another one gets 65 MB.
  for (let i = 0; i < 20; i++) assert.equal((await bytesOf(await ask(address, { text: 'short' }))).length, 3_276_844);
  // The system's own buffers hold some megabytes.
  assert.ok(counter.pieces < 400, `${counter.pieces} pieces of 64 KB`);
  socket.destroy();
  await until(address, ({ speaking }) => speaking === 0);
  while (counter.ended === 0) await new Promise((resolve) => setTimeout(resolve, 5));
});

test('a client that takes nothing for too long loses its connection', async (t) => {
  const { by, counter } = endlessSpeaker();
  const address = await listen(t, { by, patience: { stalled: 300 } });
  await silentClient(address, 'endless');
  while (counter.ended === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  await until(address, ({ speaking }) => speaking === 0);
});

test('who finds no place waits, who finds the queue full is told when to come back', async (t) => {
  const { by } = endlessSpeaker();
  const address = await listen(t, { by, clients: 1, queue: 2 });
  const first = await silentClient(address, 'endless');
  await until(address, ({ speaking }) => speaking === 1);
  const impatient = await silentClient(address, 'short');
  await until(address, ({ waiting }) => waiting === 1);
  const patient = ask(address, { text: 'short' });
  await until(address, ({ waiting }) => waiting === 2);
  const refused = await ask(address, { text: 'short' });
  assert.equal(refused.status, 503);
  assert.match(refused.headers.get('retry-after') ?? '', /^\d+$/);
  assert.match(((await refused.json()) as { error: string }).error, /1 speeches are at work and 2 wait/);
  // Whoever goes while it waits frees its place in the line.
  impatient.destroy();
  await until(address, ({ waiting }) => waiting === 1);
  first.destroy();
  assert.equal((await patient).status, 200);
  await (await patient).arrayBuffer();
  await until(address, ({ speaking, waiting }) => speaking === 0 && waiting === 0);
});

test('what cannot be spoken is refused with a reason, and by code', async (t) => {
  const address = await listen(t);
  const json = { method: 'POST', headers: { 'content-type': 'application/json' } };
  const plain = (rest = '') => ({ 'content-type': `text/plain${rest}` });
  const latin1 = (text: string) => Buffer.from(text, 'latin1');
  const cases: [number, RegExp, Promise<Response>][] = [
    [413, /too large/i, ask(address, { text: 'x'.repeat(bodyLimit) })],
    [400, /text/, ask(address, {})],
    [400, /loud/, ask(address, { text: 'Hello', loud: true })],
    [400, /speed/, ask(address, { text: 'Hello', speed: 11 })],
    [400, /seed/, ask(address, { text: 'Hello', seed: 1.5 })],
    [400, /pitch/, ask(address, { text: 'Hello', pitch: 'high' })],
    [400, /voice is nobody, expected one of tiny/, ask(address, { text: 'Hello', voice: 'nobody' })],
    [400, /JSON/, ask(address, '{"text":')],
    [400, /speed/, fetch(`${address}/speak?speed=-1`, { method: 'POST', body: 'Hello' })],
    [400, /address/, fetch(`${address}/speak?speed=2`, { ...json, body: '{"text":"Hello"}' })],
    [400, /expected object/, ask(address, '"Hello"')],
    [400, /UTF-8/, fetch(`${address}/speak`, { method: 'POST', headers: plain(), body: latin1('caf\xe9') })],
    [400, /UTF-8/, fetch(`${address}/speak`, { ...json, body: latin1('{"text":"caf\xe9"}') })],
    [415, /charset .* latin1/, ask(address, 'Hello', { headers: plain('; charset=latin1') })],
    [415, /encoding .* gzip/, ask(address, 'x', { headers: { ...plain(), 'content-encoding': 'gzip' } })],
    [400, /not a valid url/, fetch(`${address}/%`)],
    [415, /media type/i, ask(address, 'x', { headers: { 'content-type': 'application/xml' } })],
    [422, /nothing to speak in the text: it is empty/, ask(address, { text: '' })],
    [422, /nothing to speak in the text: it has no words/, ask(address, { text: '... ?! ...' })],
    [422, /nothing to speak in the text: .*😀/, ask(address, { text: '😀' })],
    [404, /no such page/, fetch(`${address}/nothing`)],
    [404, /no such page/, fetch(`${address}/page/../server/server.js`)],
    [404, /no such page/, fetch(`${address}/speak`)],
    [
      403,
      /other sites/,
      ask(address, 'Hello', { headers: { 'content-type': 'text/plain', 'sec-fetch-site': 'cross-site' } }),
    ],
  ];
  for (const [status, pattern, asked] of cases) {
    const response = await asked;
    const { error } = (await response.json()) as { error: string };
    assert.match(error, pattern);
    assert.equal(response.status, status, error);
  }
  const { code } = (await (await ask(address, { text: '😀' })).json()) as { code: string };
  assert.equal(code, 'ERR_TEXT');
  assert.equal((await health(address)).speaking, 0);
});

test('a fault of a speaker is answered before the sound, or ends the connection after it', async (t) => {
  const sentence = { index: 0, start: 0, end: 0, said: { notes: [] } } as unknown as SpeechPiece['sentence'];
  const by: AnySpeaker = {
    sampleRate: 22050,
    async *speak(text) {
      await Promise.resolve();
      if (text === 'late') yield { pcm: new Int16Array(100), sentence, words: [], last: false };
      throw new Error('a secret');
    },
  };
  const address = await listen(t, { by });
  const early = await ask(address, { text: 'early' });
  assert.equal(early.status, 500);
  assert.deepEqual(await early.json(), { error: 'the server has a fault' });
  await assert.rejects(async () => bytesOf(await ask(address, { text: 'late' })));
  await until(address, ({ speaking }) => speaking === 0);
});

test('the page comes with all that it needs, and runs nothing else', async (t) => {
  const address = await listen(t);
  const response = await fetch(`${address}/`);
  assert.equal(response.status, 200);
  assert.match(response.headers.get('content-security-policy') ?? '', /default-src 'none'.*script-src 'self'/);
  const html = await response.text();
  const files = [...html.matchAll(/(?:src|href)="(page\/[^"]+)"/g)].map(([, path]) => path);
  assert.equal(files.length, 2);
  for (const file of files) assert.equal((await fetch(`${address}/${file}`)).status, 200, file);
});

test('the page speaks in Chromium', { skip: withoutBrowser }, async (t) => {
  const address = await listen(t);
  const chrome = await startBrowser('--autoplay-policy=no-user-gesture-required');
  t.after(() => chrome.close());
  const page = await chrome.newPage();
  const faults: string[] = [];
  page.on('pageerror', (error) => faults.push(error.message));
  page.on('console', (message) => message.type() === 'error' && faults.push(message.text()));
  await page.goto(address);
  await page.locator('#voice option').first().waitFor({ state: 'attached' });
  await page.locator('#text').fill('Hello there. Again!');
  await page.locator('#speed').fill('1.5');
  await page.locator('#speak').click();
  const save = page.locator('#save');
  await save.waitFor({ timeout: 60_000 });
  const [download] = await Promise.all([page.waitForEvent('download'), save.click()]);
  const wav = readFileSync(await download.path());
  assert.equal(wav.readUInt32LE(40), wav.length - 44);
  assert.deepEqual(wav.subarray(44), await alone('Hello there. Again!', { speed: 1.5 }));
  assert.match((await page.locator('#status').textContent()) ?? '', /^\d+\.\d s of speech in \d+\.\d s$/);
  assert.deepEqual(faults, []);
  // What is refused is told.
  await page.locator('#text').fill('😀');
  await page.locator('#speak').click();
  await page.locator('#status').filter({ hasText: 'nothing to speak' }).waitFor();
});

test('tts-speak serve serves until Ctrl-C', async (t) => {
  const model = join(temporaryFolder(t), 'acoustic.safetensors');
  await saveAcoustic(model, acoustic);
  const script = join(root, 'dist', 'src', 'cli', 'speak.js');
  const args = [script, 'serve', '--port', '0', '--acoustic', model, '--voice', tinyVoice, '--clients', '2'];
  const child = spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => child.kill('SIGKILL'));
  const ended = once(child, 'close') as Promise<[number | null]>;
  const [line] = (await once(child.stdout.setEncoding('utf8'), 'data')) as [string];
  const [, address] = /: (http:\/\/127\.0\.0\.1:\d+)\/\n$/.exec(line) ?? [];
  const response = await ask(address, { text: 'Hello there.', seed: 2 });
  assert.deepEqual((await bytesOf(response)).subarray(44), await alone('Hello there.', { seed: 2 }));
  // A voice that ships and does not fit the model is refused; one that fits speaks.
  const other = await ask(address, { text: 'Hello there.', voice: 'kathleen' });
  assert.equal(other.status, 200);
  await other.body?.cancel();
  child.kill('SIGINT');
  assert.equal((await ended)[0], 0);
});
