import { createHash } from 'node:crypto';
import { TtsError } from '../base/errors.js';

export const sha256 = (bytes: Uint8Array | string): string => createHash('sha256').update(bytes).digest('hex');

const sealBytes = 32;
const digest = (bytes: Uint8Array): Buffer => createHash('sha256').update(bytes).digest();

/** Bytes with their SHA-256 behind them. */
export const seal = (bytes: Uint8Array): Buffer => Buffer.concat([bytes, digest(bytes)]);

/** The bytes before a seal. @throws {TtsError} ERR_CLUSTER where they are not what was sealed */
export function unseal(sealed: Buffer, what: string): Buffer {
  const end = sealed.length - sealBytes;
  const bytes = sealed.subarray(0, Math.max(0, end));
  if (end < 0 || !digest(bytes).equals(sealed.subarray(end)))
    throw new TtsError(
      'ERR_CLUSTER',
      `${what} is not what was sent: its ${Math.max(0, end)} bytes have another SHA-256`,
    );
  return bytes;
}

/** @throws {TtsError} ERR_CLUSTER for bytes with another hash than they are known by */
export function checkHash(bytes: Uint8Array, hash: string, what: string): void {
  const found = sha256(bytes);
  if (found !== hash)
    throw new TtsError(
      'ERR_CLUSTER',
      `${what} is not what was sent: its SHA-256 is ${found.slice(0, 16)}…, expected ${hash.slice(0, 16)}…`,
    );
}
