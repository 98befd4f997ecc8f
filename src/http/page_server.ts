import helmet from '@fastify/helmet';
import fastifyStatic from '@fastify/static';
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import type { z } from 'zod';
import { TtsError } from '../base/errors.js';

// What all servers of the toolkit share: a page of their own, JSON for every error, and no patience with slow clients.

/** How long a client may take, in ms. */
export interface Patience {
  /** For the head of a request. */
  readonly head: number;
  /** For a whole request. */
  readonly request: number;
  /** How often heads and requests are looked at. */
  readonly interval: number;
}

export const patience: Patience = { head: 20_000, request: 30_000, interval: 5000 };

export interface PageServerOptions {
  /** The largest request that is read, in bytes. */
  readonly bodyLimit: number;
  readonly patience: Patience;
  /** Whether the sender of a request, and so many hops behind it, is believed about where it comes from. */
  readonly trustProxy?: (address: string, hop: number) => boolean;
  /** Sources of images, as in a content security policy. */
  readonly images: string;
  /** HTTP status of errors with these codes; all others are faults of the server's own. */
  readonly statusOf?: Partial<Record<TtsError['code'], number>>;
}

/** A server without routes, not listening yet. Everything is refused that its pages do not need. */
export async function createPageServer(options: PageServerOptions): Promise<FastifyInstance> {
  const { bodyLimit, trustProxy = false, images, statusOf = {} } = options;
  const { head, request, interval } = options.patience;
  const server = fastify({
    trustProxy,
    bodyLimit,
    http: { headersTimeout: head, connectionsCheckingInterval: interval },
    requestTimeout: request,
    forceCloseConnections: true,
    frameworkErrors: explainer(statusOf),
  });
  server.setErrorHandler(explainer(statusOf));
  readBodies(server);
  server.setNotFoundHandler((_request, reply) => reply.code(404).send({ error: 'there is no such page' }));
  await server.register(helmet, {
    // Everything comes from the server itself, nothing is inline, and no other page may frame this one.
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'none'"],
        scriptSrc: ["'self'"],
        styleSrc: ["'self'"],
        connectSrc: ["'self'"],
        imgSrc: [images],
        baseUri: ["'none'"],
        formAction: ["'none'"],
        frameAncestors: ["'none'"],
      },
    },
    frameguard: { action: 'deny' },
    referrerPolicy: { policy: 'no-referrer' },
    hsts: false,
  });
  return server;
}

/** Bodies are text in UTF-8, as it is. Of anything else a reader would guess, and get words that nobody wrote. */
function readBodies(server: FastifyInstance): void {
  const textOf = ({ headers }: FastifyRequest, body: Buffer): string => {
    const { 'content-type': type = '', 'content-encoding': encoding = 'identity' } = headers;
    const [, charset = 'utf-8'] = /;\s*charset\s*=\s*"?([^\s";]*)/i.exec(type) ?? [];
    if (!/^utf-?8$/i.test(charset)) throw new Refusal(415, `the charset of the body is ${charset}, expected utf-8`);
    if (!/^identity$/i.test(encoding))
      throw new Refusal(415, `the content-encoding of the body is ${encoding}, expected none`);
    try {
      return new TextDecoder('utf-8', { fatal: true }).decode(body);
    } catch {
      throw new Refusal(400, 'the body is no text in UTF-8');
    }
  };
  const json = server.getDefaultJsonParser('error', 'error');
  server.removeContentTypeParser(['text/plain', 'application/json']);
  const plain: typeof json = (_request, text, done) => done(null, text);
  for (const [type, parse] of [
    ['text/plain', plain],
    ['application/json', json],
  ] as const)
    server.addContentTypeParser<Buffer>(type, { parseAs: 'buffer' }, (request, body, done) => {
      let text: string;
      try {
        text = textOf(request, body);
      } catch (error) {
        return done(error as Error);
      }
      return parse(request, text, done);
    });
}

/** Serves `index.html` of a folder at `/`, and the scripts, styles and pictures beside it at `/page/NAME`. */
export async function servePage(server: FastifyInstance, folder: string): Promise<void> {
  await server.register(fastifyStatic, {
    root: folder,
    prefix: '/page/',
    index: false,
    dotfiles: 'deny',
    allowedPath: (path) => /^\/?([a-z_]+\.(js|css|svg)|index\.html)$/.test(path),
    cacheControl: false,
    setHeaders: (response) => void response.setHeader('cache-control', 'no-cache'),
  });
  server.get('/', (_request, reply) => reply.header('cache-control', 'no-cache').sendFile('index.html'));
}

/** A request that cannot be served, and why. */
export class Refusal extends Error {
  constructor(
    readonly statusCode: number,
    message: string,
  ) {
    super(message);
  }
}

/** What a client has sent, by a schema. @throws {Refusal} 400 */
export function read<T>(schema: z.ZodType<T>, value: unknown): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const { path, message } = result.error.issues[0];
  throw new Refusal(400, `${path.join('.') || 'request'}: ${message}`);
}

/** One line of JSON for every error. Faults of our own are logged here, and clients learn only that there was one. */
function explainer(statusOf: NonNullable<PageServerOptions['statusOf']>) {
  return (error: Error & { statusCode?: number }, request: FastifyRequest, reply: FastifyReply): void => {
    // Nobody is there to read it.
    if (error.name === 'AbortError') return void reply.code(499).send({ error: 'the client has gone' });
    const status = (error instanceof TtsError ? statusOf[error.code] : error.statusCode) ?? 500;
    const known = status < 500 || error instanceof Refusal;
    if (!known) process.stderr.write(`${request.method} ${request.routeOptions.url ?? '?'}: ${error.message}\n`);
    reply.code(status).send({
      error: known ? error.message : 'the server has a fault',
      ...(known && error instanceof TtsError && { code: error.code }),
    });
  };
}
