import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { wavHeader } from '../../audio/write.js';
import { TtsError } from '../../base/errors.js';
import { limits, real, whole } from '../../base/limits.js';
import { createPageServer, patience as commonPatience, read, Refusal, servePage } from '../../http/page_server.js';
import { Places } from '../../synthesis/places.js';
import { nothingToSpeak, TextNotes } from '../notes.js';
import type { Speaker, SpeechPiece } from '../speaker.js';

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

/** How long clients may take, in ms. */
export const patience = {
  ...commonPatience,
  /** Without taking a byte of the speech. Who plays it while it comes takes some every second. */
  stalled: 60_000,
};

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

/** Of errors that are the request's. */
const statusOf: Partial<Record<TtsError['code'], number>> = {
  ERR_ARGUMENT: 400,
  ERR_TEXT: 422,
  ERR_VOICE_UNKNOWN: 400,
  ERR_VOICE_MISMATCH: 400,
};

const pageFolder = fileURLToPath(new URL('../page/', import.meta.url));

/**
 * A server that speaks, not listening yet: `POST /speak` answers a WAV that streams while it is made. Clients share the
 * passes over the voice's weights; what one gets does not depend on the others.
 */
export async function createSpeechServer(options: SpeechServerOptions): Promise<FastifyInstance> {
  const { speakers, clients = 32, queue = 64 } = options;
  const times = { ...patience, ...options.patience };
  const places = new Places(clients, queue);
  const server = await createPageServer({ bodyLimit, patience: times, images: 'data:', statusOf });
  await servePage(server, pageFolder);
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

const noQuery = z.strictObject({}, 'the body is JSON: expected nothing in the address, all of it in the body');

function requested({ body, query, headers }: FastifyRequest): z.infer<typeof bodySchema> {
  if (typeof body === 'string' && /^text\/plain\b/i.test(headers['content-type'] ?? ''))
    return { text: body, ...read(querySchema, query) };
  const wanted = read(bodySchema, body);
  read(noQuery, query);
  return wanted;
}

/** The first samples. @throws {TtsError} ERR_TEXT if there are none */
async function beginningOf(speech: AsyncGenerator<SpeechPiece>): Promise<Int16Array> {
  const notes = new TextNotes();
  for (;;) {
    const { done, value } = await speech.next();
    if (done) throw nothingToSpeak('the text', notes);
    if (value.pcm.length > 0) return value.pcm;
    for (const { note } of value.sentence.said.notes) notes.take(note);
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
