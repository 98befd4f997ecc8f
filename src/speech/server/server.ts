import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import helmet from '@fastify/helmet';
import fastifyStatic from '@fastify/static';
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { z } from 'zod';
import { wavHeader } from '../../audio/write.js';
import { TtsError } from '../../base/errors.js';
import { limits, real, whole } from '../../base/limits.js';
import { nothingToSpeak } from '../nothing.js';
import type { Speaker, SpeechPiece } from '../speaker.js';
import { Places } from './places.js';

/** The largest request that is read, in bytes: an hour of speech. */
export const bodyLimit = 64 * 1024;

export interface SpeechServerOptions {
  /** The voices that clients may name; the first is that of a request without one. */
  readonly speakers: ReadonlyMap<string, () => Promise<Pick<Speaker, 'speak' | 'sampleRate'>>>;
  /** Speeches at once. Default 32. */
  readonly clients?: number;
  /** Requests that wait for one to end; more get status 503. Default 64. */
  readonly queue?: number;
  /** How long clients may take. */
  readonly patience?: Partial<Record<keyof typeof patience, number>>;
}

/** In ms. */
export const patience = {
  /** For the head of a request. */
  head: 20_000,
  /** For a whole request. */
  request: 30_000,
  /** Without taking a byte of the speech. Who plays it while it comes takes some every second. */
  stalled: 60_000,
  /** How often heads and requests are looked at. */
  interval: 5000,
} as const satisfies Record<string, number>;

/** What a client that found no place is told, in seconds. */
const retryAfter = 5;

const how = {
  speed: real(limits.factor).optional(),
  pitch: real(limits.factor).optional(),
  seed: whole(limits.seed).optional(),
  temperature: real(limits.temperature).optional(),
  voice: z.string().max(100).optional(),
};
const bodySchema = z.strictObject({ text: z.string(), ...how });
const number = z
  .string()
  .regex(/^\d+(\.\d+)?$/, 'expected a number')
  .transform(Number);
/** The same as parameters of the address, for a body that is the text itself. */
const querySchema = z.strictObject({
  speed: number.pipe(real(limits.factor)).optional(),
  pitch: number.pipe(real(limits.factor)).optional(),
  seed: number.pipe(whole(limits.seed)).optional(),
  temperature: number.pipe(real(limits.temperature)).optional(),
  voice: how.voice,
});

/** Everything comes from the server itself, nothing is inline, and no other page may frame this one. */
const contentSecurityPolicy = {
  useDefaults: false,
  directives: {
    defaultSrc: ["'none'"],
    scriptSrc: ["'self'"],
    styleSrc: ["'self'"],
    connectSrc: ["'self'"],
    imgSrc: ['data:'],
    baseUri: ["'none'"],
    formAction: ["'none'"],
    frameAncestors: ["'none'"],
  },
};

const pageFolder = fileURLToPath(new URL('../page/', import.meta.url));

/** A request that cannot be served, and why. */
class Refusal extends Error {
  constructor(
    readonly statusCode: number,
    message: string,
  ) {
    super(message);
  }
}

/**
 * A server that speaks, not listening yet: `POST /speak` answers a WAV that streams while it is made. Clients share the
 * passes over the voice's weights; what one gets does not depend on the others.
 */
export async function createSpeechServer(options: SpeechServerOptions): Promise<FastifyInstance> {
  const { speakers, clients = 32, queue = 64 } = options;
  const times = { ...patience, ...options.patience };
  const places = new Places(clients, queue);
  const server = fastify({
    bodyLimit,
    http: { headersTimeout: times.head, connectionsCheckingInterval: times.interval },
    requestTimeout: times.request,
    forceCloseConnections: true,
  });
  server.setErrorHandler(explain);
  server.setNotFoundHandler((_request, reply) => reply.code(404).send({ error: 'there is no such page' }));
  await server.register(helmet, {
    contentSecurityPolicy,
    frameguard: { action: 'deny' },
    referrerPolicy: { policy: 'no-referrer' },
    hsts: false,
  });
  await server.register(fastifyStatic, {
    root: pageFolder,
    prefix: '/page/',
    index: false,
    dotfiles: 'deny',
    allowedPath: (path) => /^\/?([a-z_]+\.(js|css)|index\.html)$/.test(path),
    cacheControl: false,
    setHeaders: (response) => void response.setHeader('cache-control', 'no-cache'),
  });
  server.get('/', (_request, reply) => reply.header('cache-control', 'no-cache').sendFile('index.html'));
  server.get('/healthz', (_request, reply) =>
    reply
      .header('cache-control', 'no-store')
      .send({ status: 'ok', speaking: places.inside, waiting: places.waiting, voices: [...speakers.keys()] }),
  );

  server.post('/speak', async (request, reply) => {
    // A page of another site could keep the processor busy otherwise.
    if (request.headers['sec-fetch-site'] === 'cross-site')
      throw new Refusal(403, 'pages of other sites may not speak here');
    const { text, voice = [...speakers.keys()][0], ...manner } = requested(request);
    const open = speakers.get(voice);
    if (open === undefined)
      throw new TtsError('ERR_VOICE_UNKNOWN', `voice is ${voice}, expected one of ${[...speakers.keys()].join(', ')}`);
    const gone = new AbortController();
    reply.raw.once('close', () => gone.abort());
    const release = await places.take(gone.signal);
    if (release === undefined) {
      void reply.header('retry-after', retryAfter);
      throw new Refusal(503, `${clients} speeches are at work and ${queue} wait; try again in ${retryAfter} s`);
    }
    // Fires when the answer is complete, and when its reader has gone.
    gone.signal.addEventListener('abort', release);
    if (gone.signal.aborted) release();
    const speaker = await open();
    const speech = speaker.speak(text, { ...manner, signal: gone.signal });
    // Until there is a sound, there may be an error to answer with.
    const beginning = await beginningOf(speech);
    endStalled(request, reply, times.stalled);
    return reply
      .header('cache-control', 'no-store')
      .type('audio/wav')
      .send(Readable.from(wavOf(speaker.sampleRate, beginning, speech)));
  });
  return server;
}

function requested(request: FastifyRequest): z.infer<typeof bodySchema> {
  if (typeof request.body === 'string') return { text: request.body, ...read(querySchema, request.query) };
  return read(bodySchema, request.body);
}

function read<T>(schema: z.ZodType<T>, value: unknown): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const { path, message } = result.error.issues[0];
  throw new Refusal(400, `${path.join('.') || 'request'}: ${message}`);
}

/** The first samples. @throws {TtsError} ERR_TEXT if there are none */
async function beginningOf(speech: AsyncGenerator<SpeechPiece>): Promise<Int16Array> {
  const notes: string[] = [];
  for (;;) {
    const { done, value } = await speech.next();
    if (done) throw nothingToSpeak('the text', notes);
    if (value.pcm.length > 0) return value.pcm;
    if (notes.length === 0) notes.push(...value.sentence.said.notes.map(({ note }) => note));
  }
}

/** Its reader takes piece by piece: nothing is made for one that does not. */
async function* wavOf(sampleRate: number, beginning: Int16Array, speech: AsyncIterable<SpeechPiece>) {
  yield wavHeader(sampleRate);
  yield bytesOf(beginning);
  for await (const { pcm } of speech) if (pcm.length > 0) yield bytesOf(pcm);
}

const bytesOf = (pcm: Int16Array): Buffer => Buffer.from(pcm.buffer, pcm.byteOffset, pcm.byteLength);

/** Ends the connection of a client that takes nothing of its answer. Node.js has no limit of its own for that. */
function endStalled({ raw: { socket } }: FastifyRequest, { raw }: FastifyReply, time: number): void {
  const end = () => socket.destroy();
  socket.setTimeout(time, end);
  raw.once('close', () => socket.setTimeout(0).off('timeout', end));
}

const statusOf: Partial<Record<TtsError['code'], number>> = {
  ERR_ARGUMENT: 400,
  ERR_TEXT: 422,
  ERR_VOICE_UNKNOWN: 400,
  ERR_VOICE_MISMATCH: 400,
};

/** One line of JSON for every error. Faults of our own are logged here, and clients learn only that there was one. */
function explain(error: Error & { statusCode?: number }, request: FastifyRequest, reply: FastifyReply): void {
  // Nobody is there to read it.
  if (error.name === 'AbortError') return void reply.code(499).send({ error: 'the client has gone' });
  const status = (error instanceof TtsError ? statusOf[error.code] : error.statusCode) ?? 500;
  const known = status < 500 || error instanceof Refusal;
  if (!known) process.stderr.write(`${request.method} ${request.routeOptions.url ?? '?'}: ${error.message}\n`);
  reply.code(status).send({
    error: known ? error.message : 'the server has a fault',
    ...(known && error instanceof TtsError && { code: error.code }),
  });
}
