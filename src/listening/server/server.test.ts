import assert from 'node:assert/strict';
import { once } from 'node:events';
import { chmodSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { refused, temporaryFolder } from '../../../test/support/files.js';
import { writeStudyFolder } from '../../../test/support/listening_study.js';
import type { Answer, Session } from '../protocol.js';
import type { StudyFile } from '../study/definition.js';
import { type LiveStudy, startStudy, stimulusFile } from '../study/live_study.js';
import { resultsKey } from '../study/results_key.js';
import { hasKey, limits, neighbourhood, wrongKeys } from './access.js';
import { ResultsCache } from './results.js';
import { createServer, type ServerOptions } from './server.js';

interface Running {
  readonly server: FastifyInstance;
  readonly live: LiveStudy;
  readonly folder: string;
  readonly register: () => Promise<Record<string, string>>;
}

async function start(
  t: TestContext,
  file: StudyFile = {},
  options: ServerOptions & { preview?: boolean } = {},
): Promise<Running> {
  const folder = temporaryFolder(t);
  await writeStudyFolder(folder, file, { clips: ['one', 'two'] });
  const live = await startStudy(folder, options);
  const server = await createServer(live, options);
  t.after(() => server.close().then(() => live.store.close()));
  const register = async () => {
    const { token } = (
      await server.inject({ method: 'POST', url: '/api/listeners', payload: { consent: true } })
    ).json<{ token: string }>();
    return { authorization: `Bearer ${token}` };
  };
  return { server, live, folder, register };
}

const answer = (clips: number, changes: Partial<Answer> = {}): Answer => ({
  ratings: Array(clips).fill(50),
  heard: Array(clips + 1).fill(1),
  seconds: 3,
  done: true,
  ...changes,
});

test('every response carries the headers that isolate the page', async (t) => {
  const { server } = await start(t);
  for (const url of ['/', '/page/main.js', '/api/test', '/nothing', '/results']) {
    const { headers } = await server.inject(url);
    assert.match(String(headers['content-security-policy']), /^default-src 'none'/, url);
    assert.match(String(headers['content-security-policy']), /frame-ancestors 'none'/);
    assert.doesNotMatch(String(headers['content-security-policy']), /unsafe/);
    assert.equal(headers['x-content-type-options'], 'nosniff');
    assert.equal(headers['x-frame-options'], 'DENY');
    assert.equal(headers['referrer-policy'], 'no-referrer');
    assert.equal(headers['access-control-allow-origin'], undefined);
  }
  assert.match((await server.inject('/')).body, /<script type="module" src="page\/main.js">/);
});

test('no file outside the page is served, whatever the path looks like', async (t) => {
  const { server, folder, live } = await start(t);
  writeFileSync(join(folder, 'secret.txt'), 'SECRET');
  const up = ['..', '%2e%2e', '%2E%2E', '..%2f..', '..%5c..', '....//', '%252e%252e', '.%2e', '..;'];
  const targets = [
    'answers.sqlite',
    'results.key',
    'secret.txt',
    'systems/reference/one.wav',
    'package.json',
    'etc/passwd',
    'server.js',
    'store.js',
  ];
  const urls = up.flatMap((step) =>
    ['/', '/page/', '/api/trials/0/clips/'].flatMap((base) =>
      [1, 2, 6].flatMap((n) => targets.map((target) => `${base}${`${step}/`.repeat(n)}${target}`)),
    ),
  );
  for (const url of [
    ...urls,
    '/page/%00main.js',
    '/page//etc/passwd',
    '/page/C:/windows',
    '/page/.',
    '/page/',
    '/answers.sqlite',
    '/systems/reference/one.wav',
    '/prepared',
    '/page/tsconfig.json',
    '/page/main.ts',
    '/server.js',
    '/page/../server.js',
  ]) {
    const { statusCode, body } = await server.inject(url);
    assert.ok([400, 401, 403, 404].includes(statusCode), `${url}: ${statusCode}`);
    assert.ok(
      !body.includes('SECRET') && !body.includes(live.key) && !body.includes('root:') && !body.includes('RIFF'),
      url,
    );
  }
});

test('clips are served by number, and only to their listener', async (t) => {
  const { server, register } = await start(t);
  const headers = await register();
  const clip = await server.inject({ url: '/api/trials/0/clips/0', headers });
  assert.deepEqual(
    [clip.statusCode, clip.headers['content-type'], clip.rawPayload.toString('latin1', 0, 4)],
    [200, 'audio/wav', 'RIFF'],
  );
  assert.match(String(clip.headers['cache-control']), /private/);
  // Five rated clips and the open reference; all of one size, so that sizes tell nothing.
  const sizes = await Promise.all(
    [0, 1, 2, 3, 4, 5].map(
      async (n) => (await server.inject({ url: `/api/trials/0/clips/${n}`, headers })).rawPayload.length,
    ),
  );
  assert.equal(new Set(sizes).size, 1);
  for (const url of ['/api/trials/0/clips/6', '/api/trials/9/clips/0'])
    assert.equal((await server.inject({ url, headers })).statusCode, 404);
  for (const url of [
    '/api/trials/-1/clips/0',
    '/api/trials/0/clips/1.5',
    '/api/trials/x/clips/0',
    '/api/trials/0/clips/1e9',
  ])
    assert.equal((await server.inject({ url, headers })).statusCode, 400, url);
  assert.equal((await server.inject('/api/trials/0/clips/0')).statusCode, 401);
});

test('a listener does not learn which system is which', async (t) => {
  const { server, register } = await start(t);
  const headers = await register();
  const texts = [(await server.inject('/api/test')).body, (await server.inject({ url: '/api/session', headers })).body];
  for (const name of ['ours', 'theirs', 'anchor', 'one"', 'signals'])
    assert.ok(
      texts.every((text) => !text.includes(name)),
      name,
    );
  const preview = await start(t, {}, { preview: true });
  assert.match(
    (await preview.server.inject({ url: '/api/session', headers: await preview.register() })).body,
    /"signals":\["/,
  );
});

test('forged, damaged and foreign tokens are refused', async (t) => {
  const { server, register, live } = await start(t);
  const { authorization } = await register();
  const damaged = authorization.slice(0, -2) + (authorization.endsWith('AA') ? 'BB' : 'AA');
  const forged = [
    '',
    'Bearer',
    'Bearer ',
    'Bearer null',
    `Bearer ${'A'.repeat(43)}`,
    damaged,
    authorization.replace('Bearer', 'Basic'),
    `${authorization}x`,
    `Bearer ${"' or 1=1 --".padEnd(43, 'x')}`,
    `Bearer ${live.key}`,
    'Bearer ../../answers',
  ];
  for (const header of forged) {
    for (const request of [
      { url: '/api/session' },
      { url: '/api/trials/0/clips/0' },
      { method: 'PUT' as const, url: '/api/trials/0/answer', payload: answer(5) },
      { method: 'PUT' as const, url: '/api/finish', payload: { comment: '' } },
    ]) {
      assert.equal(
        (await server.inject({ ...request, headers: { authorization: header } })).statusCode,
        401,
        `${header} ${request.url}`,
      );
    }
  }
  assert.equal(live.store.answers().length, 0);
});

test('answers are checked: shape, range, everything heard and rated', async (t) => {
  const { server, register, live } = await start(t, { forcePlay: 0.5 });
  const headers = await register();
  const put = async (payload: object, url = '/api/trials/0/answer') => {
    const { statusCode, body } = await server.inject({ method: 'PUT', url, headers, payload });
    return `${statusCode} ${body}`;
  };
  assert.match(await put({}), /^400 .*ratings/);
  assert.match(await put({ ...answer(5), extra: 1 }), /^400 .*extra/);
  assert.match(await put(answer(5, { seconds: -1 })), /^400 .*seconds/);
  assert.match(await put({ ...answer(5), ratings: Array(5).fill('50') }), /^400 .*ratings.0/);
  assert.match(await put(answer(5, { ratings: [1, 2, 3, 4, 101] })), /^400 /);
  assert.match(
    await put(answer(5, { ratings: [1, 2, 3, 4, 5.5] })),
    /^422 .*5.5; expected a whole number from 0 to 100/,
  );
  assert.match(await put(answer(4)), /^422 .*4 ratings; expected 5/);
  assert.match(await put(answer(5, { ratings: [1, 2, 3, 4, null] })), /^422 .*not everything is rated/);
  assert.match(await put(answer(5, { heard: [1, 1, 1, 1, 0.4, 1] })), /^422 .*not everything was heard/);
  assert.match(await put(answer(5), '/api/trials/99/answer'), /^404 /);
  assert.equal(live.store.answers().length, 0);
  assert.match(await put(answer(5, { ratings: [1, 2, 3, 4, null], heard: Array(6).fill(0), done: false })), /^204 /);
  assert.match(await put(answer(5, { heard: [1, 1, 1, 1, 0.5, 0] })), /^204 /);
  const [saved] = live.store.answers();
  assert.deepEqual([saved.ratings, saved.done], [[50, 50, 50, 50, 50], true]);
  assert.match(await put({ comment: '' }, '/api/finish'), /^422 .*2 trials are not done/);
  const session = (await server.inject({ url: '/api/session', headers })).json<Session>();
  assert.deepEqual(session.answers[0].ratings, [50, 50, 50, 50, 50]);
});

test('ab has a third answer only with noPreference', async (t) => {
  for (const noPreference of [false, true]) {
    const { server, register } = await start(t, { kind: 'ab', noPreference });
    const payload = { ratings: [0], heard: [1, 1], seconds: 1, done: true };
    assert.equal(
      (await server.inject({ method: 'PUT', url: '/api/trials/0/answer', headers: await register(), payload }))
        .statusCode,
      noPreference ? 204 : 422,
    );
  }
});

test('bodies are bounded and must be JSON; consent is needed to begin', async (t) => {
  const { server, register, live } = await start(t);
  const headers = { ...(await register()), 'content-type': 'application/json' };
  const put = async (payload: string, type = 'application/json') =>
    (
      await server.inject({
        method: 'PUT',
        url: '/api/trials/0/answer',
        headers: { ...headers, 'content-type': type },
        payload,
      })
    ).statusCode;
  assert.equal(await put(JSON.stringify({ ...answer(5), ratings: Array(10_000).fill(50) })), 413);
  assert.equal(await put('{"ratings":'), 400);
  assert.equal(await put(JSON.stringify(answer(5)), 'text/plain'), 415);
  assert.equal(await put(JSON.stringify(answer(5)), 'application/x-www-form-urlencoded'), 415);
  assert.equal(await put('{"__proto__":{"done":true}}'), 400);
  for (const payload of [
    {},
    { consent: false },
    { consent: true, participant: 'a'.repeat(65) },
    { consent: true, participant: '=HYPERLINK("x")' },
  ]) {
    assert.equal((await server.inject({ method: 'POST', url: '/api/listeners', payload })).statusCode, 400);
  }
  assert.equal(live.store.listeners().length, 1);
});

test('results need the key; ten wrong ones make an address wait, but never keep the right one out', async (t) => {
  const { server, live, folder, register } = await start(t);
  const basic = (key: string) => ({ authorization: `Basic ${Buffer.from(`me:${key}`).toString('base64')}` });
  const get = async (headers: Record<string, string> = {}, url = '/results', remoteAddress = '10.0.0.1') =>
    (await server.inject({ url, headers, remoteAddress })).statusCode;
  assert.equal(statSync(join(folder, 'results.key')).mode & 0o777, 0o600);
  assert.equal(live.key, readFileSync(join(folder, 'results.key'), 'utf8').trim());
  assert.ok(live.key.length >= 24);
  for (const url of ['/results', '/results/report.json', '/results/ratings.csv']) {
    const asked = await server.inject(url);
    assert.equal(asked.statusCode, 401);
    assert.match(String(asked.headers['www-authenticate']), /^Basic /);
    assert.equal(await get(basic(live.key), url), 200);
    assert.equal(await get({ authorization: `Bearer ${live.key}` }, url), 200);
  }
  assert.equal(await get(await register()), 401, 'a listener is not the experimenter');
  for (let i = 0; i < limits.wrongKeys - 1; i++) assert.equal(await get(basic(`wrong${i}`)), 401);
  const late = await server.inject({ url: '/results', headers: basic('wrong'), remoteAddress: '10.0.0.1' });
  assert.equal(late.statusCode, 429);
  assert.ok(Number(late.headers['retry-after']) <= 6);
  assert.equal(await get(basic(live.key)), 200);
  for (let i = 0; i < limits.listener; i++) await get(basic('wrong'));
  assert.equal(await get(basic(live.key)), 200, 'nor does a flood at the same address');
  assert.equal(await get(basic('wrong'), '/results', '10.0.0.2'), 401);
});

test('wrong keys are forgotten one by one; addresses of one network count as one', () => {
  let now = 1e12;
  const { wait, remember } = wrongKeys(() => now);
  for (let i = 0; i < 10; i++) {
    assert.equal(wait('a'), 0);
    remember('a');
  }
  assert.equal(wait('a'), 6);
  assert.equal(wait('b'), 0);
  now += 6000;
  assert.equal(wait('a'), 0);
  remember('a');
  assert.equal(wait('a'), 6);
  assert.equal(neighbourhood('2001:db8:0:1::1'), neighbourhood('2001:db8::1:ffff:1:2:3'));
  assert.notEqual(neighbourhood('2001:db8:0:1::1'), neighbourhood('2001:db8:0:2::1'));
  assert.equal(neighbourhood('::ffff:10.0.0.1'), '10.0.0.1');
  assert.equal(neighbourhood('::1'), '0:0:0:0::/64');
});

test('a key that keeps nobody out is refused; an empty password never opens', async (t) => {
  const folder = temporaryFolder(t);
  for (const [text, message] of [
    ['', /results\.key is empty; expected one word of 16 to 256/],
    [' \n\n', /is empty/],
    ['secret', /has 6 characters/],
    ['a'.repeat(40), /has 1 different characters/],
    ['two words that are long enough', /has spaces/],
    ['x'.repeat(300), /has 300 characters/],
  ] as const) {
    writeFileSync(join(folder, 'results.key'), text);
    assert.throws(() => resultsKey(folder), refused('ERR_LISTENING_TEST', message), text);
  }
  const notes: string[] = [];
  chmodSync(join(folder, 'results.key'), 0o644);
  writeFileSync(join(folder, 'results.key'), 'Correct-Horse-Battery\r\n');
  assert.equal(
    resultsKey(folder, (note) => notes.push(note)),
    'Correct-Horse-Battery',
  );
  assert.match(notes.join(), /can be read by others \(mode 644\)/);
  rmSync(join(folder, 'results.key'));
  mkdirSync(join(folder, 'results.key'));
  assert.throws(() => resultsKey(folder), refused('ERR_LISTENING_TEST', /is no file/));
  const request = (authorization: string) => ({ headers: { authorization } }) as FastifyRequest;
  for (const empty of ['', 'Bearer ', 'Bearer', 'Basic ', 'Basic Og==', 'Basic bWU6'])
    assert.equal(hasKey('', request(empty)), false, empty);
});

test('after the end nothing is accepted, but the same end again is', async (t) => {
  const { server, register, live } = await start(t, { practice: [], headphones: 'off' });
  const headers = await register();
  const put = async (url: string, payload: object) =>
    (await server.inject({ method: 'PUT', url, headers, payload })).statusCode;
  for (const trial of [0, 1]) assert.equal(await put(`/api/trials/${trial}/answer`, answer(5)), 204);
  assert.equal(await put('/api/finish', { comment: 'good' }), 204);
  const before = JSON.stringify([live.store.answers(), live.store.listeners()]);
  assert.equal(await put('/api/trials/0/answer', answer(5, { ratings: Array(5).fill(1) })), 409);
  assert.equal(await put('/api/trials/1/answer', answer(5, { done: false })), 409);
  assert.equal(await put('/api/headphones', { correct: 6, tones: 6 }), 409);
  assert.equal(await put('/api/finish', { comment: 'bad' }), 409);
  assert.equal(await put('/api/finish', { comment: 'good' }), 204);
  assert.equal(JSON.stringify([live.store.answers(), live.store.listeners()]), before);
});

test('numbers of trials and clips are whole numbers in digits, and nothing else', async (t) => {
  const { server, register, live } = await start(t);
  const headers = await register();
  for (const text of [
    '',
    '0x1',
    '0x0',
    '1e0',
    '+0',
    '-0',
    '00',
    '01',
    '0.0',
    '%200',
    '0%20',
    '%EF%BC%91',
    '0b1',
    '1_0',
    'null',
    '100000',
    '__proto__',
    '1%00',
  ]) {
    const put = { method: 'PUT' as const, url: `/api/trials/${text}/answer`, headers, payload: answer(5) };
    assert.ok([400, 404].includes((await server.inject(put)).statusCode), `trial ${text}`);
    for (const url of [`/api/trials/${text}/clips/0`, `/api/trials/0/clips/${text}`])
      assert.ok([400, 404].includes((await server.inject({ url, headers })).statusCode), url);
  }
  assert.equal(live.store.answers().length, 0);
});

test('a comment is kept whole, with whatever characters', async (t) => {
  const { server, register, live } = await start(t, {}, { preview: true });
  for (const comment of ['before\0after', '\0', 'e\u0301 \u202e 🎧', '=1+1', 'x'.repeat(2000)]) {
    const headers = await register();
    assert.equal(
      (await server.inject({ method: 'PUT', url: '/api/finish', headers, payload: { comment } })).statusCode,
      204,
    );
    assert.equal(live.store.listeners().at(-1)?.comment, comment);
  }
});

test('parts of a clip are served, as Safari asks for them', async (t) => {
  const { server, register, live } = await start(t);
  const headers = await register();
  const url = '/api/trials/0/clips/0';
  const get = (more: Record<string, string>) => server.inject({ url, headers: { ...headers, ...more } });
  const whole = await get({});
  const { length } = whole.rawPayload;
  const etag = String(whole.headers.etag);
  assert.equal(whole.headers['accept-ranges'], 'bytes');
  for (const [range, first, last] of [
    ['bytes=0-1', 0, 1],
    ['bytes=0-', 0, length - 1],
    ['bytes=100-199', 100, 199],
    ['bytes=-10', length - 10, length - 1],
    [`bytes=${length - 1}-${10 * length}`, length - 1, length - 1],
    [`bytes=-${10 * length}`, 0, length - 1],
  ] as const) {
    const part = await get({ range });
    assert.equal(part.statusCode, 206, range);
    assert.equal(part.headers['content-range'], `bytes ${first}-${last}/${length}`);
    assert.equal(part.headers['content-length'], String(last - first + 1));
    assert.deepEqual(part.rawPayload, whole.rawPayload.subarray(first, last + 1));
  }
  for (const range of [`bytes=${length}-`, 'bytes=-0', 'bytes=99999999999999999999-']) {
    const none = await get({ range });
    assert.deepEqual([none.statusCode, none.headers['content-range']], [416, `bytes */${length}`], range);
  }
  for (const range of ['bytes=5-1', 'bytes=-', 'bytes=a-b', 'lines=0-1', 'bytes=0-1,4-5', 'bytes=0x0-0x1', 'bytes=--1'])
    assert.equal((await get({ range })).statusCode, 200, range);
  assert.equal((await get({ range: 'bytes=0-1', 'if-range': etag })).statusCode, 206);
  for (const condition of ['"other"', `W/${etag}`, 'Wed, 21 Oct 2015 07:28:00 GMT'])
    assert.equal((await get({ range: 'bytes=0-1', 'if-range': condition })).rawPayload.length, length);
  assert.equal((await get({ 'if-none-match': etag })).statusCode, 304);
  // Neither times nor names in the headers tell which system it is.
  assert.equal(whole.headers['last-modified'], undefined);

  const file = stimulusFile(live, live.store.listeners()[0].plan[0], 0);
  rmSync(file?.path ?? '');
  assert.equal((await get({})).statusCode, 503, 'a clip that was removed');
  writeFileSync(file?.path ?? '', 'RIFF');
  assert.equal((await get({})).statusCode, 503, 'a clip that was replaced');
  const others = await Promise.all(
    [1, 2, 3, 4].map(async (n) => (await server.inject({ url: `/api/trials/0/clips/${n}`, headers })).statusCode),
  );
  assert.deepEqual(others, [200, 200, 200, 200]);
});

test(
  'clients that do not read, or write slowly, lose their connection; others do not',
  { timeout: 120_000 },
  async (t) => {
    const folder = temporaryFolder(t);
    await writeStudyFolder(
      folder,
      { kind: 'mos', duration: { max: 600 }, loudness: 'off' },
      { systems: ['ours'], clips: ['one'], seconds: 200, sampleRate: 32000 },
    );
    const live = await startStudy(folder);
    const patience = { head: 500, request: 1000, response: 1000, bytesPerSecond: 1e8, interval: 200 };
    const server = await createServer(live, { patience });
    t.after(() => server.close().then(() => live.store.close()));
    const address = new URL(await server.listen({ port: 0 }));
    const { token } = await live.store.register(live.plan, null);
    const authorization = `authorization: Bearer ${token}\r\n`;
    const talk = (text: string) => {
      const socket = connect(Number(address.port), address.hostname);
      socket.on('error', () => undefined);
      socket.write(text);
      return socket;
    };
    const deaf = talk(`GET /api/trials/0/clips/0 HTTP/1.1\r\nhost: x\r\n${authorization}\r\n`);
    deaf.pause();
    const closed = [
      talk(''),
      talk('GET / HTTP/1.1\r\nhost: x\r\n'),
      talk(
        `PUT /api/finish HTTP/1.1\r\nhost: x\r\n${authorization}content-type: application/json\r\ncontent-length: 20\r\n\r\n{`,
      ),
    ].map((socket) => once(socket.resume(), 'close'));
    await Promise.all(closed);
    // The one that does not read cannot see it either; the server can.
    const connections = () => new Promise<number>((resolve) => server.server.getConnections((_, n) => resolve(n)));
    while ((await connections()) > 0) await new Promise((resolve) => setTimeout(resolve, 50));
    deaf.destroy();
    assert.equal((await fetch(new URL('/api/test', address))).status, 200);
  },
);

test('results are made in a thread, once for those who ask at once, and anew after an answer', async (t) => {
  const { server, live, register } = await start(t);
  const headers = { authorization: `Bearer ${live.key}` };
  const ratings = async () => {
    const { body, statusCode } = await server.inject({ url: '/results/ratings.csv', headers });
    assert.equal(statusCode, 200, body);
    return body.trim().split('\r\n').length - 1;
  };
  const computed = t.mock.method(ResultsCache.prototype as unknown as { compute: () => Promise<unknown> }, 'compute');
  assert.deepEqual(await Promise.all([ratings(), ratings(), ratings()]), [0, 0, 0]);
  assert.equal(await ratings(), 0);
  assert.equal(computed.mock.callCount(), 1);
  const listener = await register();
  await server.inject({ method: 'PUT', url: '/api/trials/0/answer', headers: listener, payload: answer(5) });
  assert.equal(await ratings(), 5);
  assert.equal(computed.mock.callCount(), 2);
  const page = await server.inject({ url: '/results', headers });
  assert.match(page.body, /href="results\/ratings.csv"/);
});

test('answers to a file that was moved away are not acknowledged', async (t) => {
  const { server, register, folder, live } = await start(t);
  const headers = await register();
  renameSync(join(folder, 'answers.sqlite'), join(folder, 'moved.sqlite'));
  t.mock.method(process.stderr, 'write', () => true);
  const put = { method: 'PUT' as const, url: '/api/trials/0/answer', headers, payload: answer(5) };
  assert.equal((await server.inject(put)).statusCode, 500);
  assert.equal(live.store.answers().length, 0);
  renameSync(join(folder, 'moved.sqlite'), join(folder, 'answers.sqlite'));
  assert.equal((await server.inject(put)).statusCode, 204);
});

test('objects that reach for prototypes, and deep ones, are refused', async (t) => {
  const { server, register } = await start(t);
  const headers = { ...(await register()), 'content-type': 'application/json' };
  for (const payload of [
    '{"__proto__":{"done":true},"ratings":[1],"heard":[1],"seconds":1,"done":true}',
    '{"constructor":{"prototype":{"done":true}}}',
    '['.repeat(16_000),
    `${'['.repeat(8000)}${']'.repeat(8000)}`,
    'null',
    '1',
    '',
  ])
    assert.equal(
      (await server.inject({ method: 'PUT', url: '/api/trials/0/answer', headers, payload })).statusCode,
      400,
    );
  assert.equal(({} as { done?: boolean }).done, undefined);
});

test('a listener who asks too often has to wait; others at the same address do not', async (t) => {
  const { server, register } = await start(t);
  const [busy, calm] = [await register(), await register()];
  const get = async (headers: Record<string, string>) =>
    (await server.inject({ url: '/api/session', headers })).statusCode;
  for (let i = 0; i < limits.listener; i++) assert.equal(await get(busy), 200);
  assert.equal(await get(busy), 429);
  assert.equal(await get(calm), 200);
});

test("new listeners are limited by address, which the operator's proxy may name", async (t) => {
  const register = async ({ server }: Running, forwarded?: string) =>
    (
      await server.inject({
        method: 'POST',
        url: '/api/listeners',
        payload: { consent: true },
        headers: forwarded === undefined ? {} : { 'x-forwarded-for': forwarded },
      })
    ).statusCode;
  // In preview nothing waits for the disk.
  const direct = await start(t, {}, { preview: true });
  for (let i = 0; i < limits.registrations; i++) assert.equal(await register(direct, `10.1.${i % 250}.1`), 201);
  assert.equal(await register(direct, '10.9.9.9'), 429, 'the header is not believed');
  const proxied = await start(t, {}, { preview: true, trustProxy: true });
  for (let i = 0; i < limits.registrations; i++)
    assert.equal(await register(proxied, `10.2.${i % 250}.1, 10.1.1.1`), 201, 'what the listener sent is not believed');
  assert.equal(await register(proxied, '10.1.1.1'), 429);
  assert.equal(await register(proxied, '10.1.1.2'), 201);
});

test('a fault of the server goes into its log, and not to listeners', async (t) => {
  const { server, live, register } = await start(t);
  const headers = await register();
  const log: string[] = [];
  t.mock.method(process.stderr, 'write', (text: string) => log.push(text) > 0);
  t.mock.method(live.store, 'answers', () => {
    throw new Error('/home/somebody/answers.sqlite: disk I/O error');
  });
  const { statusCode, body } = await server.inject({ url: '/api/session', headers });
  assert.deepEqual([statusCode, body], [500, '{"error":"the server has a fault"}']);
  assert.match(log.join(''), /disk I\/O error/);
});
