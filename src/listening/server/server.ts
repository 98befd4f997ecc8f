import { fileURLToPath } from 'node:url';
import rateLimit from '@fastify/rate-limit';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { createPageServer, patience as commonPatience, read, Refusal, servePage } from '../../http/page_server.js';
import { reportPolicy } from '../../report/page.js';
import type { RenderedResults } from '../analysis/results_worker.js';
import { type LiveStudy, publicStudy, sessionOf, stimulusFile } from '../study/live_study.js';
import { bodyLimit, hasKey, limits, listenerOf, neighbourhood, wrongKeys } from './access.js';
import { answerSchema, faultOf, finishSchema, headphoneSchema, registrationSchema } from './answers.js';
import { sendClip } from './clips.js';
import type { Listener } from './records.js';
import { ResultsCache } from './results.js';

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
  /** How long clients may take; see `patience`. */
  readonly patience?: Partial<Record<keyof typeof patience, number>>;
}

/**
 * A client that is slower than this loses its connection, so that nobody can hold many of them for nothing. Times in
 * ms.
 */
export const patience = {
  ...commonPatience,
  /** For reading a response, and in addition a second for every `bytesPerSecond`. */
  response: 60_000,
  bytesPerSecond: 16_000,
};

const pageFolder = fileURLToPath(new URL('../page/', import.meta.url));

/** Only the nearest sender, the proxy, is believed. */
const nearestHop = (_address: string, hop: number): boolean => hop === 0;

/** The server of a study, not listening yet. */
export async function createServer(live: LiveStudy, options: ServerOptions = {}): Promise<FastifyInstance> {
  const times = { ...patience, ...options.patience };
  const server = await createPageServer({
    bodyLimit,
    patience: times,
    trustProxy: options.trustProxy ? nearestHop : undefined,
    images: "'self'",
  });
  server.addHook('onSend', async (_request, reply, payload) => {
    closeSlowReader(reply, payload, times);
    return payload;
  });
  server.removeContentTypeParser('text/plain');
  server.decorateRequest('listener', undefined);
  server.addHook('onRequest', async (request) => {
    request.listener = listenerOf(live.store, request);
  });
  await server.register(rateLimit, {
    timeWindow: 60_000,
    max: (request) => (request.listener ? limits.listener : limits.address),
    keyGenerator: (request) => (request.listener ? `listener ${request.listener.id}` : neighbourhood(request.ip)),
  });
  await servePage(server, pageFolder);
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
    {
      config: {
        rateLimit: {
          max: limits.registrations,
          keyGenerator: (request) => `registration ${neighbourhood(request.ip)}`,
        },
      },
    },
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
    const file = listener.plan[trial] && stimulusFile(live, listener.plan[trial], clip);
    if (file === undefined) throw new Refusal(404, 'there is no such clip');
    return sendClip(request, reply, file).catch((error: unknown) => {
      live.onNote(
        `${error instanceof Error ? error.message : String(error)}: start tts-listen serve anew to make it again`,
      );
      throw new Refusal(503, 'this clip cannot be played at the moment; please tell whoever invited you');
    });
  });

  server.put('/api/trials/:trial/answer', async (request, reply) => {
    const listener = known(request);
    const { trial } = read(trialAddress, request.params);
    const answer = read(answerSchema, request.body);
    if (listener.plan[trial] === undefined) throw new Refusal(404, 'there is no such trial');
    const fault = faultOf(study, listener.plan[trial], answer, preview);
    if (fault !== undefined) throw new Refusal(422, fault);
    accepted(await store.save(listener.id, trial, answer));
    return reply.code(204).send();
  });

  server.put('/api/headphones', async (request, reply) => {
    accepted(await store.saveHeadphones(known(request).id, read(headphoneSchema, request.body)));
    return reply.code(204).send();
  });

  server.put('/api/finish', async (request, reply) => {
    const listener = known(request);
    const { comment } = read(finishSchema, request.body);
    const done = store.answers(listener.id).filter((answer) => answer.done).length;
    if (done < listener.plan.length && !preview)
      throw new Refusal(422, `${listener.plan.length - done} trials are not done`);
    accepted(await store.finish(listener.id, comment));
    return reply.code(204).send();
  });
}

function accepted(saved: boolean): void {
  if (!saved) throw new Refusal(409, 'this test was finished before; nothing can be changed any more');
}

/** The results so far, for those who have the key: /results, /results/report.json and /results/ratings.csv. */
function resultRoutes(server: FastifyInstance, live: LiveStudy): void {
  const { key } = live;
  const cache = new ResultsCache(live);
  server.addHook('onClose', () => cache.close());
  const { wait, remember } = wrongKeys();
  // Whoever has the key is counted apart, and cannot be kept out by others at the same address.
  const keyGenerator = (request: FastifyRequest) =>
    hasKey(key, request) ? 'the key of the results' : `results ${neighbourhood(request.ip)}`;
  const serve = (path: string, type: string, part: keyof RenderedResults) =>
    server.get(path, { config: { rateLimit: { max: limits.listener, keyGenerator } } }, async (request, reply) => {
      void reply.header('cache-control', 'no-store');
      if (!hasKey(key, request)) {
        const seconds = wait(neighbourhood(request.ip));
        if (seconds > 0)
          return reply
            .code(429)
            .header('retry-after', seconds)
            .send({ error: `too many wrong keys; try again in ${seconds} s` });
        if (request.headers.authorization !== undefined) remember(neighbourhood(request.ip));
        return reply
          .code(401)
          .header('www-authenticate', 'Basic realm="results", charset="UTF-8"')
          .send({ error: 'expected the key that tts-listen serve prints, as the password' });
      }
      return reply
        .header('content-security-policy', `${reportPolicy}; frame-ancestors 'none'`)
        .type(type)
        .send(Buffer.from((await cache.get())[part]));
    });
  serve('/results', 'text/html; charset=utf-8', 'html');
  serve('/results/report.json', 'application/json; charset=utf-8', 'json');
  serve('/results/ratings.csv', 'text/csv; charset=utf-8', 'csv');
}

/** Whole numbers as the page writes them: no sign, no spaces, no 0x1, 1e0 or 01, and not an empty text. */
const index = z
  .string()
  .regex(/^(0|[1-9][0-9]{0,4})$/, 'expected a whole number from 0 to 99999')
  .transform(Number);
const trialAddress = z.object({ trial: index });
const clipAddress = z.object({ trial: index, clip: index });

/** Ends the connection of a client that does not take its response. Node.js has no limit of its own for that. */
function closeSlowReader(reply: FastifyReply, payload: unknown, times: Record<keyof typeof patience, number>): void {
  const { raw } = reply;
  const bytes =
    typeof payload === 'string' || payload instanceof Uint8Array
      ? payload.length
      : Number(reply.getHeader('content-length') ?? 0);
  const deadline = setTimeout(
    () => reply.request.raw.socket.destroy(),
    times.response + (1000 * bytes) / times.bytesPerSecond,
  ).unref();
  for (const event of ['finish', 'close'] as const) raw.once(event, () => clearTimeout(deadline));
}

function known(request: FastifyRequest): Listener {
  if (request.listener === undefined) throw new Refusal(401, 'no listener has this token');
  return request.listener;
}
