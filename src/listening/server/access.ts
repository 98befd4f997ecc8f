import { createHash, timingSafeEqual } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import type { AnswerStore, Listener } from './store.js';

/**
 * How many requests a minute are answered. 200 listeners behind one address must be able to begin at once, so requests
 * with a token are counted by token and not by address.
 */
export const limits = {
  /** For each listener: a MUSHRA trial loads a dozen clips, and every move of a slider is saved. */
  listener: 600,
  /** For each address without a token: the page's files, and registration. */
  address: 6000,
  /** New listeners for each address. */
  registrations: 400,
  /** Wrong keys for each address. */
  wrongKeys: 10,
} as const;

/** The largest request that is read, in bytes. */
export const bodyLimit = 16 * 1024;

const tokenPattern = /^Bearer ([A-Za-z0-9_-]{43})$/;

/** The listener whose token a request carries. */
export function listenerOf(store: AnswerStore, request: FastifyRequest): Listener | undefined {
  const token = tokenPattern.exec(request.headers.authorization ?? '')?.[1];
  return token === undefined ? undefined : store.find(token);
}

/**
 * Whether a request carries the key: as the password of HTTP basic authentication (with any user name), or as a bearer
 * token.
 */
export function hasKey(key: string, request: FastifyRequest): boolean {
  const [scheme, value = ''] = (request.headers.authorization ?? '').split(' ', 2);
  const given =
    scheme === 'Basic'
      ? Buffer.from(value, 'base64')
          .toString('utf8')
          .replace(/^[^:]*:/, '')
      : scheme === 'Bearer'
        ? value
        : '';
  // Hashes have one length, so that every comparison takes equally long.
  const hash = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(hash(given), hash(key));
}

/** Counts wrong keys by address, afresh every minute. */
export function wrongKeys(): { tooOften: (address: string) => boolean; remember: (address: string) => void } {
  let minute = 0;
  let counts = new Map<string, number>();
  const current = () => {
    const now = Math.floor(Date.now() / 60_000);
    if (now !== minute) [minute, counts] = [now, new Map()];
    return counts;
  };
  return {
    tooOften: (address) => (current().get(address) ?? 0) >= limits.wrongKeys,
    remember: (address) => void current().set(address, (current().get(address) ?? 0) + 1),
  };
}
