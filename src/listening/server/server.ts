import { createReadStream, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import helmet from '@fastify/helmet';
import rateLimit from '@fastify/rate-limit';
import fastifyStatic from '@fastify/static';
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { z } from 'zod';
import { reportPolicy } from '../../report/page.js';
import { analyse, type Results } from '../analysis/analysis.js';
import { htmlReport } from '../analysis/html_report.js';
import { ratingsCsv } from '../analysis/scores.js';
import { type LiveStudy, publicStudy, sessionOf, stimulusPath } from '../study/live_study.js';
import { bodyLimit, hasKey, limits, listenerOf, wrongKeys } from './access.js';
import { answerSchema, faultOf, finishSchema, headphoneSchema, registrationSchema } from './answers.js';
import type { Listener } from './store.js';

declare module 'fastify' {
  interface FastifyRequest {
    /** The listener whose token the request carries. */
    listener: Listener | undefined;
  }
}

export interface ServerOptions {
  /**
   * Whether the server stands behind a proxy of its operator: the listener's address is then the last one in
   * X-Forwarded-For, where the proxy has put it. Default false.
   */
  readonly trustProxy?: boolean;
}

const pageFolder = fileURLToPath(new URL('../page/', import.meta.url));

/** Everything comes from the server itself, nothing is inline, and no other page may frame this one. */
const contentSecurityPolicy = {
  useDefaults: false,
  directives: {
    defaultSrc: ["'none'"],
    scriptSrc: ["'self'"],
    styleSrc: ["'self'"],
    connectSrc: ["'self'"],
    imgSrc: ["'self'"],
    baseUri: ["'none'"],
    formAction: ["'none'"],
    frameAncestors: ["'none'"],
  },
};

/** Only the nearest sender, the proxy, is believed. */
const nearestHop = (_address: string, hop: number): boolean => hop === 0;

/** The server of a study, not listening yet. */
export async function createServer(live: LiveStudy, options: ServerOptions = {}): Promise<FastifyInstance> {
  const server = fastify({
    trustProxy: options.trustProxy ? nearestHop : false,
    bodyLimit,
    requestTimeout: 30_000,
    connectionTimeout: 60_000,
    forceCloseConnections: true,
  });
  server.removeContentTypeParser('text/plain');
  server.setErrorHandler(explain);
  server.setNotFoundHandler((_request, reply) => reply.code(404).send({ error: 'there is no such page' }));
  server.decorateRequest('listener', undefined);
  server.addHook('onRequest', async (request) => {
    request.listener = listenerOf(live.store, request);
  });
  await server.register(helmet, {
    contentSecurityPolicy,
    frameguard: { action: 'deny' },
    referrerPolicy: { policy: 'no-referrer' },
    hsts: false,
  });
  await server.register(rateLimit, {
    timeWindow: 60_000,
    max: (request) => (request.listener ? limits.listener : limits.address),
    keyGenerator: (request) => (request.listener ? `listener ${request.listener.id}` : request.ip),
  });
  await server.register(fastifyStatic, {
    root: pageFolder,
    prefix: '/page/',
    index: false,
    dotfiles: 'deny',
    allowedPath: (path) => /^\/?([a-z_]+\.(js|css|svg)|index\.html)$/.test(path),
    cacheControl: false,
    setHeaders: (response) => void response.setHeader('cache-control', 'no-cache'),
  });
  server.get('/', (_request, reply) => reply.header('cache-control', 'no-cache').sendFile('index.html'));
  // The page imports it as ../protocol.js.
  server.get('/protocol.js', (_request, reply) =>
    reply.header('cache-control', 'no-cache').sendFile('protocol.js', fileURLToPath(new URL('../', import.meta.url))),
  );
  server.get('/robots.txt', (_request, reply) => reply.type('text/plain').send('User-agent: *\nDisallow: /\n'));
  listenerRoutes(server, live);
  resultRoutes(server, live);
  return server;
}

/** The requests of listeners. */
function listenerRoutes(server: FastifyInstance, live: LiveStudy): void {
  const { store, study, preview } = live;
  const described = publicStudy(live);
  server.get('/api/test', (_request, reply) => reply.header('cache-control', 'no-cache').send(described));

  server.post(
    '/api/listeners',
    { config: { rateLimit: { max: limits.registrations, keyGenerator: (request) => `registration ${request.ip}` } } },
    async (request, reply) => {
      const { participant } = read(registrationSchema, request.body);
      const { token } = await store.register(live.plan, participant ?? null);
      return reply.code(201).send({ token });
    },
  );

  server.get('/api/session', (request, reply) => {
    const listener = known(request);
    return reply.header('cache-control', 'no-store').send(sessionOf(live, listener));
  });

  server.get('/api/trials/:trial/clips/:clip', (request, reply) => {
    const listener = known(request);
    const { trial, clip } = read(clipAddress, request.params);
    const path = listener.plan[trial] && stimulusPath(live, listener.plan[trial], clip);
    if (path === undefined) throw new Refusal(404, 'there is no such clip');
    return reply
      .type('audio/wav')
      .header('cache-control', 'private, max-age=3600')
      .header('vary', 'authorization')
      .header('content-length', statSync(path).size)
      .send(createReadStream(path));
  });

  server.put('/api/trials/:trial/answer', async (request, reply) => {
    const listener = known(request);
    const { trial } = read(trialAddress, request.params);
    const answer = read(answerSchema, request.body);
    if (listener.plan[trial] === undefined) throw new Refusal(404, 'there is no such trial');
    const fault = faultOf(study, listener.plan[trial], answer, preview);
    if (fault !== undefined) throw new Refusal(422, fault);
    await store.save(listener.id, trial, answer);
    return reply.code(204).send();
  });

  server.put('/api/headphones', async (request, reply) => {
    await store.saveHeadphones(known(request).id, read(headphoneSchema, request.body));
    return reply.code(204).send();
  });

  server.put('/api/finish', async (request, reply) => {
    const listener = known(request);
    const done = store.answers(listener.id).filter((answer) => answer.done).length;
    if (done < listener.plan.length && !preview)
      throw new Refusal(422, `${listener.plan.length - done} trials are not done`);
    await store.finish(listener.id, read(finishSchema, request.body).comment);
    return reply.code(204).send();
  });
}

/** The results so far, for those who have the key: /results, /results/report.json and /results/ratings.csv. */
function resultRoutes(server: FastifyInstance, { store, key }: LiveStudy): void {
  const serve = (path: string, type: string, text: (results: Results) => string) =>
    server.get(path, { config: { rateLimit: { max: limits.listener } } }, (request, reply) => {
      void reply.header('cache-control', 'no-store');
      if (tooOften(request.ip)) return reply.code(429).send({ error: 'too many wrong keys; try again in a minute' });
      if (!hasKey(key, request)) {
        if (request.headers.authorization !== undefined) remember(request.ip);
        return reply
          .code(401)
          .header('www-authenticate', 'Basic realm="results", charset="UTF-8"')
          .send({ error: 'expected the key that tts-listen serve prints, as the password' });
      }
      return reply
        .header('content-security-policy', `${reportPolicy}; frame-ancestors 'none'`)
        .type(type)
        .send(text(analyse(store)));
    });
  const { tooOften, remember } = wrongKeys();
  serve('/results', 'text/html; charset=utf-8', htmlReport);
  serve('/results/report.json', 'application/json; charset=utf-8', (results) => JSON.stringify(results));
  serve('/results/ratings.csv', 'text/csv; charset=utf-8', ratingsCsv);
}

const index = z.coerce.number().int().min(0).max(100_000);
const trialAddress = z.object({ trial: index });
const clipAddress = z.object({ trial: index, clip: index });

/** A request that cannot be served, and why. */
class Refusal extends Error {
  constructor(
    readonly statusCode: number,
    message: string,
  ) {
    super(message);
  }
}

function known(request: FastifyRequest): Listener {
  if (request.listener === undefined) throw new Refusal(401, 'no listener has this token');
  return request.listener;
}

function read<T>(schema: z.ZodType<T>, value: unknown): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const { path, message } = result.error.issues[0];
  throw new Refusal(400, `${path.join('.') || 'request'}: ${message}`);
}

/** One line of JSON for every error. Faults of our own are logged here, and listeners learn only that there was one. */
function explain(error: { statusCode?: number; message: string }, request: FastifyRequest, reply: FastifyReply): void {
  const status = error.statusCode ?? 500;
  if (status >= 500) process.stderr.write(`${request.method} ${request.routeOptions.url ?? '?'}: ${error.message}\n`);
  reply.code(status).send({ error: status >= 500 ? 'the server has a fault' : error.message });
}
