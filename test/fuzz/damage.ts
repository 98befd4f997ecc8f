import type { RandomStream } from '../../src/base/random.js';

export const oneOf = <T>(random: RandomStream, choices: readonly T[]): T => choices[random.below(choices.length)];
export const chance = (random: RandomStream, share: number): boolean => random.uniform() < share;

/** Numbers that sizes, counts and offsets go wrong at. */
const edges = [0, 1, 2, 7, 8, 127, 128, 255, 256, 32767, 32768, 65535, 65536, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1];

/** Bytes after one to four accidents or attacks: bits, words at the edges, parts lost, doubled, moved, cut off. */
export function damaged(bytes: Uint8Array, random: RandomStream): Buffer {
  let result: Buffer = Buffer.from(bytes);
  for (let n = 1 + random.below(4); n > 0; n--) result = damagedOnce(result, random);
  return result;
}

function damagedOnce(bytes: Buffer, random: RandomStream): Buffer {
  if (bytes.length < 8) return Buffer.concat([bytes, randomBytes(random, 1 + random.below(16))]);
  // Headers decide the most: half of the places are near the beginning.
  const place = (room: number) => random.below(chance(random, 0.5) ? Math.min(room, 96) : room);
  const at = place(bytes.length - 4);
  const length = 1 + random.below(Math.min(64, bytes.length - at));
  switch (random.below(9)) {
    case 0:
    case 1:
      bytes[at] ^= 1 << random.below(8);
      return bytes;
    case 2:
      bytes[at] = random.below(256);
      return bytes;
    case 3: {
      const value = oneOf(random, edges);
      if (chance(random, 0.5)) bytes.writeUInt32LE(value, at);
      else bytes.writeUInt32BE(value, at);
      return bytes;
    }
    case 4:
      return bytes.subarray(0, at);
    case 5:
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + length)]);
    case 6:
      return Buffer.concat([bytes.subarray(0, at + length), bytes.subarray(at)]);
    case 7:
      return Buffer.concat([bytes.subarray(0, at), randomBytes(random, length), bytes.subarray(at)]);
    default:
      bytes.copy(bytes, at, place(bytes.length), Math.min(bytes.length, at + length));
      return bytes;
  }
}

export const randomBytes = (random: RandomStream, length: number): Buffer =>
  Buffer.from(Uint8Array.from({ length }, () => random.below(256)));

const hostileWords = [
  ...['0', '-1', '1', '1e308', '-1e308', '1e-320', '.inf', '.nan', 'NaN', 'null', '~', 'true', '""', "''", '[]', '{}'],
  ...[
    '2147483648',
    '4294967296',
    '9007199254740993',
    '1e21',
    '0x7fffffff',
    '0.5',
    '-0',
    '1_000',
    '010',
    '1:30',
    '=',
    '<<',
  ],
  ...[
    '*a',
    '&a',
    '!!binary aGk=',
    '!!set {a}',
    '!!omap [a: 1]',
    '!x',
    '__proto__',
    'constructor',
    'toString',
    '|',
    '>-',
    '---',
  ],
  ...[
    '\0',
    '\ufeff',
    '\u2028',
    '\ud800',
    'é',
    'e\u0301',
    '\r',
    '\t',
    '\x1b[2J',
    '"',
    '"""',
    '../../x',
    '/dev/zero',
    '2026-01-01',
  ],
];

/** A text after one to four changes of its words, lines and signs. */
export function damagedText(text: string, random: RandomStream): string {
  for (let n = 1 + random.below(4); n > 0; n--) {
    const lines = text.split('\n');
    const [a, b] = [random.below(lines.length), random.below(lines.length)];
    switch (random.below(8)) {
      case 0:
      case 1:
      case 2: {
        const words = [...text.matchAll(/[\w.+-]+/g)];
        if (words.length === 0) break;
        const { index, 0: word } = oneOf(random, words);
        text = text.slice(0, index) + oneOf(random, hostileWords) + text.slice(index + word.length);
        continue;
      }
      case 3:
        lines.splice(a, 1);
        break;
      case 4:
        lines.splice(a, 0, lines[b]);
        break;
      case 5:
        [lines[a], lines[b]] = [lines[b], lines[a]];
        break;
      case 6: {
        const at = random.below(text.length + 1);
        text = text.slice(0, at) + oneOf(random, hostileWords) + text.slice(at + random.below(2));
        continue;
      }
      default: {
        const at = random.below(text.length + 1);
        text =
          text.slice(0, at) + oneOf(random, [...'{}[]:,#&*!|>"\'%@`-? ']).repeat(1 + random.below(3)) + text.slice(at);
        continue;
      }
    }
    text = lines.join('\n');
  }
  return text;
}

/** A text that unfolds, nests, or is long without end. */
export function bombText(random: RandomStream): string {
  const depth = oneOf(random, [10, 100, 10000]);
  return oneOf(random, [
    () => `a: ${'['.repeat(depth)}${']'.repeat(depth)}`,
    () => `a: ${'{b: '.repeat(depth)}`,
    () =>
      Array.from({ length: 30 }, (_, i) => `k${i}: &k${i} [${i > 0 ? `*k${i - 1}, *k${i - 1}` : '1, 2'}]`).join('\n'),
    () => 'a: &a {b: *a}',
    () => '- '.repeat(depth) + 'x',
    () => `${'? '.repeat(depth)}x`,
    () => `a: "${'\\u0041'.repeat(depth)}"`,
    () => Array.from({ length: depth }, (_, i) => `k${i}: ${i}`).join('\n'),
  ])();
}

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** Plain data after one to three changes: values replaced, keys gone, new or of another name. */
export function damagedData(value: unknown, random: RandomStream): unknown {
  let result = structuredClone(value) as Json;
  for (let n = 1 + random.below(3); n > 0; n--) {
    const places: [holder: Record<string, Json>, key: string][] = [];
    const walk = (inner: Json) => {
      if (typeof inner !== 'object' || inner === null) return;
      for (const [key, next] of Object.entries(inner)) {
        places.push([inner as Record<string, Json>, key]);
        walk(next);
      }
    };
    walk(result);
    if (places.length === 0) return hostileValue(random);
    const [holder, key] = oneOf(random, places);
    switch (random.below(8)) {
      case 0:
        if (Array.isArray(holder)) holder.splice(Number(key), 1);
        else delete holder[key];
        break;
      case 1:
        // The length of a list is no key of it: four thousand million places are no input but a fault of the fuzzer.
        if (Array.isArray(holder)) holder.push(hostileValue(random));
        else holder[oneOf(random, ['x', '__proto__', 'constructor', '0', '', 'length'])] = hostileValue(random);
        break;
      case 2: {
        const other = oneOf(random, places);
        holder[key] = structuredClone(other[0][other[1]]);
        break;
      }
      case 3:
        if (typeof holder[key] === 'number') holder[key] += oneOf(random, [1, -1, 0.5, 2 ** 31, -(2 ** 32)]);
        break;
      case 4:
        if (chance(random, 0.02)) result = hostileValue(random);
        break;
      default:
        holder[key] = hostileValue(random);
    }
  }
  return result;
}

const hostileValue = (random: RandomStream): Json =>
  structuredClone(
    oneOf<Json>(random, [
      ...[...edges, -1, -0, 0.5, 1e-320, 1e38, 1e308, -1e308, 2 ** 53, 16, 100, 1000],
      ...['', '0', 'NaN', '__proto__', '\0', '\u202e', 'a'.repeat(5000), null, true, false, [], {}, [null], [[[]]]],
      ...[{ length: 1e9 }, [1, 2, 3], Array.from({ length: 300 }, () => 0), { __proto__: null }],
    ]),
  );
