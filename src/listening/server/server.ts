import { createReadStream, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import helmet from '@fastify/helmet';
import rateLimit from '@fastify/rate-limit';
import fastifyStatic from '@fastify/static';
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { z } from 'zod';
import { publicTest, type RunningTest, sessionOf, stimulusPath } from '../study/live_study.js';
import { bodyLimit, limits, listenerOf } from './access.js';
import { answerSchema, faultOf, finishSchema, headphoneSchema, registrationSchema } from './answers.js';
import { resultRoutes } from './results.js';
import type { Listener } from './store.js';

declare module 'fastify' {
  interface FastifyRequest {
    /** Whose token the request carries. */
    listener: Listener | undefined;
  }
}

export interface ServerOptions {
  /**
   * Behind a proxy of one's own: the listener's address is the last one in X-Forwarded-For, which the proxy has put
   * there. Default false.
   */
  readonly trustProxy?: boolean;
}

const pageFolder = fileURLToPath(new URL('../page/', import.meta.url));

/** Everything comes from the server itself; nothing is inline, nobody may frame the page. */
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

/** Only what the connection itself comes from is trusted. */
const nearestHop = (_address: string, hop: number): boolean => hop === 0;

/** The server of a test, not listening yet. */
export async function createServer(running: RunningTest, options: ServerOptions = {}): Promise<FastifyInstance> {
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
    request.listener = listenerOf(running.store, request);
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
  listenerRoutes(server, running);
  resultRoutes(server, running);
  return server;
}

/** What listeners ask for. */
function listenerRoutes(server: FastifyInstance, running: RunningTest): void {
  const { store, test, preview } = running;
  const described = publicTest(running);
  server.get('/api/test', (_request, reply) => reply.header('cache-control', 'no-cache').send(described));

  server.post(
    '/api/listeners',
    { config: { rateLimit: { max: limits.registrations, keyGenerator: (request) => `registration ${request.ip}` } } },
    async (request, reply) => {
      const { participant } = read(registrationSchema, request.body);
      const { token } = await store.register(running.plan, participant ?? null);
      return reply.code(201).send({ token });
    },
  );

  server.get('/api/session', (request, reply) => {
    const listener = known(request);
    return reply.header('cache-control', 'no-store').send(sessionOf(running, listener));
  });

  server.get('/api/trials/:trial/clips/:clip', (request, reply) => {
    const listener = known(request);
    const { trial, clip } = read(clipAddress, request.params);
    const path = listener.plan[trial] && stimulusPath(running, listener.plan[trial], clip);
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
    const fault = faultOf(test, listener.plan[trial], answer, preview);
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

/** One line of JSON for every error; of our own faults nothing but that they happened. */
function explain(error: { statusCode?: number; message: string }, request: FastifyRequest, reply: FastifyReply): void {
  const status = error.statusCode ?? 500;
  if (status >= 500) process.stderr.write(`${request.method} ${request.routeOptions.url ?? '?'}: ${error.message}\n`);
  reply.code(status).send({ error: status >= 500 ? 'the server has a fault' : error.message });
}
