import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { PreparedFile } from '../study/stimuli.js';

/** Part of a file, both ends included. */
interface Span {
  readonly first: number;
  readonly last: number;
}

/**
 * The part that a Range header asks for (RFC 9110, section 14): undefined for the whole file, also where the header
 * cannot be understood or asks for several parts; 'none' where the file has no such part.
 */
export function spanOf(header: string | undefined, size: number): Span | 'none' | undefined {
  const found = /^bytes=(\d*)-(\d*)$/i.exec(header?.trim() ?? '');
  if (found === null || (found[1] === '' && found[2] === '')) return undefined;
  const [from, to] = [found[1], found[2]].map((digits) => (digits === '' ? undefined : Number(digits)));
  if (from === undefined)
    return to === 0 || size === 0 ? 'none' : { first: Math.max(0, size - (to ?? 0)), last: size - 1 };
  if (to !== undefined && to < from) return undefined;
  return from >= size ? 'none' : { first: from, last: Math.min(to ?? size - 1, size - 1) };
}

/**
 * Sends a clip, or the part of it that is asked for: Safari plays no sound from a server that does not send parts.
 * @throws {Error} if the file is no longer the one that was prepared
 */
export async function sendClip(
  request: FastifyRequest,
  reply: FastifyReply,
  clip: PreparedFile,
): Promise<FastifyReply> {
  const { range, 'if-range': condition, 'if-none-match': known } = request.headers;
  // The name tells no more than the content does, and neither changes with the trial.
  const tag = `"${clip.hash.slice(0, 32)}"`;
  void reply
    .header('cache-control', 'private, max-age=3600')
    .header('vary', 'authorization')
    .header('accept-ranges', 'bytes')
    .header('etag', tag);
  if (known?.split(',').some((one) => [tag, `W/${tag}`, '*'].includes(one.trim()))) return reply.code(304).send();
  const span = condition === undefined || condition === tag ? spanOf(range, clip.size) : undefined;
  if (span === 'none')
    return reply
      .code(416)
      .header('content-range', `bytes */${clip.size}`)
      .header('cache-control', 'no-store')
      .send({ error: `the clip has ${clip.size} bytes` });

  const file = await open(clip.path);
  try {
    const { size, mtimeMs } = await file.stat();
    if (size !== clip.size || mtimeMs !== clip.modified) throw new Error(`${clip.path} has changed`);
  } catch (error) {
    await file.close();
    throw error;
  }
  const { first, last } = span ?? { first: 0, last: clip.size - 1 };
  if (span !== undefined) void reply.code(206).header('content-range', `bytes ${first}-${last}/${clip.size}`);
  return reply
    .type('audio/wav')
    .header('content-length', last - first + 1)
    .send(createReadStream(clip.path, { fd: file, start: first, end: last }));
}
