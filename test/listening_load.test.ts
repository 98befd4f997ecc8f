import assert from 'node:assert/strict';
import { join } from 'node:path';
import test from 'node:test';
import type { Session } from '../src/listening/protocol.js';
import { AnswerStore } from '../src/listening/server/store.js';
import { run, runWarm, temporaryFolder } from './support/command_line.js';
import { ask, type ListeningServer, register, serve } from './support/listening_server.js';
import { writeStudyFolder } from './support/listening_study.js';

const rating = (listener: number, trial: number): number => 1 + ((listener * 7 + trial * 3) % 5);
const body = (value: number | null, done: boolean) => ({ ratings: [value], heard: [1], seconds: 1, done });

/** A whole test by a listener who saves a draft before each answer. */
async function listen(server: ListeningServer, listener: number): Promise<void> {
  const token = await register(server);
  const { trials } = await ask<Session>(server, 'api/session', { token });
  for (const trial of trials.keys()) {
    const clip = await ask<ArrayBuffer>(server, `api/trials/${trial}/clips/0`, { token });
    assert.ok(clip.byteLength > 44);
    await ask(server, `api/trials/${trial}/answer`, { token, method: 'PUT', body: body(null, false) });
    await ask(server, `api/trials/${trial}/answer`, {
      token,
      method: 'PUT',
      body: body(rating(listener, trial), true),
    });
  }
  await ask(server, 'api/finish', { token, method: 'PUT', body: { comment: `listener ${listener}` } });
}

test('with 200 listeners at once from one address no answer is lost or mixed up', async (t) => {
  const folder = temporaryFolder(t);
  await writeStudyFolder(folder, { kind: 'mos', traps: 0, practice: [], trials: 3 }, { systems: ['ours', 'theirs'] });
  const server = await serve(t, folder);
  await Promise.all(Array.from({ length: 200 }, (_, listener) => listen(server, listener)));
  assert.equal(await server.stop(), 0);

  const store = AnswerStore.read(join(folder, 'answers.sqlite'));
  const listeners = store.listeners();
  assert.deepEqual(
    listeners.map(({ slot }) => slot).sort((a, b) => a - b),
    Array.from({ length: 200 }, (_, slot) => slot),
  );
  const answers = store.answers();
  assert.equal(answers.length, 200 * 3);
  for (const { id, comment, finished } of listeners) {
    assert.ok(finished !== null);
    const number = Number(/^listener (\d+)$/.exec(comment ?? '')?.[1]);
    const own = answers.filter(({ listener }) => listener === id);
    assert.deepEqual(
      own.map(({ trial, ratings, done }) => [trial, ratings[0], done]),
      Array.from({ length: 3 }, (_, trial) => [trial, rating(number, trial), true]),
    );
  }
  assert.deepEqual(store.damage, []);
  const { stdout, status } = run('listen', 'report', folder, '--json');
  assert.equal(status, 0);
  assert.equal((JSON.parse(stdout) as { scores: unknown[] }).scores.length, 600);
});

test('kill -9 loses no answer that was acknowledged, and the listeners continue afterwards', async (t) => {
  const folder = temporaryFolder(t);
  await writeStudyFolder(
    folder,
    { kind: 'mos', traps: 0, practice: [], repetitions: 50 },
    { systems: ['ours', 'theirs'] },
  );
  const acknowledged = new Map<string, Map<number, number>>();
  for (let round = 0; round < 2; round++) {
    const server = await serve(t, folder);
    const known = [...acknowledged.keys()];
    const tokens = round === 0 ? await Promise.all(Array.from({ length: 10 }, () => register(server))) : known;
    const work = tokens.map(async (token, n) => {
      const own = acknowledged.get(token) ?? new Map<number, number>();
      acknowledged.set(token, own);
      for (let trial = own.size; trial < 400; trial++) {
        const value = rating(n, trial + round);
        await ask(server, `api/trials/${trial}/answer`, { token, method: 'PUT', body: body(value, true) });
        own.set(trial, value);
      }
    });
    const before = [...acknowledged.values()].reduce((sum, own) => sum + own.size, 0);
    const total = () => [...acknowledged.values()].reduce((sum, own) => sum + own.size, 0);
    while (total() < before + 100) await new Promise((resolve) => setTimeout(resolve, 5));
    const [ends] = await Promise.all([Promise.allSettled(work), server.stop('SIGKILL')]);
    assert.ok(
      ends.every(({ status }) => status === 'rejected'),
      'the server died while all listeners were at work',
    );

    const store = AnswerStore.read(join(folder, 'answers.sqlite'));
    for (const [token, own] of acknowledged) {
      const listener = store.find(token);
      assert.ok(listener, 'a listener was lost');
      const answers = store.answers().filter((answer) => answer.listener === listener.id);
      const saved = new Map(answers.map(({ trial, ratings }) => [trial, ratings[0]]));
      for (const [trial, value] of own)
        assert.equal(saved.get(trial), value, `trial ${trial} of listener ${listener.id}, round ${round}`);
    }
    assert.deepEqual(store.damage, []);
  }
});

test('a fault in the folder, a taken port and a report without answers are errors with status 2', async (t) => {
  const folder = temporaryFolder(t);
  const refused = (message: RegExp, ...args: string[]) => {
    const { status, stderr } = runWarm('listen', ...args);
    assert.equal(status, 2, stderr);
    assert.match(stderr, message);
  };
  refused(/^error ERR_LISTENING_TEST: .* has no folder systems; expected systems\/NAME\/CLIP.wav/, 'serve', folder);
  refused(/^error ERR_LISTENING_TEST: .*answers.sqlite: no such file/, 'report', folder);
  await writeStudyFolder(folder, {}, { clips: ['one'] });
  refused(/^error ERR_ARGUMENT: --unit is clip, expected listener or rating/, 'report', folder, '--unit', 'clip');
  const server = await serve(t, folder);
  refused(
    /error ERR_ARGUMENT: cannot listen on 127.0.0.1 port \d+: it is taken; expected another --port/,
    'serve',
    folder,
    '--port',
    new URL(server.address).port,
  );
  const { status, stdout } = runWarm('listen', 'report', folder);
  assert.equal(status, 0);
  assert.match(stdout, /^0 listeners, 0 finished, 0 excluded\n.*report.html/);
});
