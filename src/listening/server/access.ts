import { createHash, timingSafeEqual } from 'node:crypto';
import { isIPv6 } from 'node:net';
import type { FastifyRequest } from 'fastify';
import type { Listener } from './records.js';
import type { AnswerStore } from './store.js';

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
  /** Wrong keys for each address. The right key always opens. */
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
    scheme.toLowerCase() === 'basic'
      ? Buffer.from(value, 'base64')
          .toString('utf8')
          .replace(/^[^:]*:/, '')
      : scheme.toLowerCase() === 'bearer'
        ? value
        : '';
  // Hashes have one length, so that every comparison takes equally long.
  const hash = (text: string) => createHash('sha256').update(text).digest();
  const same = timingSafeEqual(hash(given), hash(key));
  return same && given !== '';
}

/**
 * Whom an address counts as: somebody with IPv6 has at least 2^64 addresses, so those are counted by their network of
 * 64 bits.
 */
export function neighbourhood(address: string): string {
  const version4 = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (version4 !== undefined || !isIPv6(address)) return version4 ?? address;
  const [head, tail] = address.split('%')[0].toLowerCase().split('::');
  const groups = (part: string | undefined) => (part ? part.split(':') : []);
  const [front, back] = [groups(head), groups(tail)];
  const missing = tail === undefined ? 0 : 8 - front.length - back.length;
  const all = [...front, ...Array<string>(Math.max(0, missing)).fill('0'), ...back];
  return `${all
    .slice(0, 4)
    .map((group) => parseInt(group, 16).toString(16))
    .join(':')}::/64`;
}

/** More addresses than this are not remembered: the one that was silent for longest is forgotten. */
const remembered = 10_000;

/**
 * Counts wrong keys by address. A tenth of the allowance comes back every six seconds, so that nobody is kept out for
 * long; whoever has the right key is not asked.
 */
export function wrongKeys(now = Date.now): { wait: (address: string) => number; remember: (address: string) => void } {
  const interval = 60_000 / limits.wrongKeys;
  // When an address has its whole allowance back.
  const until = new Map<string, number>();
  const debt = (address: string) => Math.max(0, (until.get(address) ?? 0) - now());
  return {
    /** Seconds until the next key is looked at; 0 at once. */
    wait: (address) => Math.ceil(Math.max(0, debt(address) - (limits.wrongKeys - 1) * interval) / 1000),
    remember: (address) => {
      const next = now() + debt(address) + interval;
      until.delete(address);
      until.set(address, next);
      if (until.size > remembered) until.delete(until.keys().next().value as string);
    },
  };
}
