import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after } from 'node:test';
import { TtsError } from '../src/base/errors.js';
import { RandomStream } from '../src/base/random.js';
import { chooseKernels } from '../src/kernels/index.js';
import { checksum } from '../src/model/model_file.js';
import { decodeSafetensors, encodeSafetensors, type Tensor } from '../src/model/safetensors.js';
import { decodeVoice } from '../src/model/voice/encoding.js';
import { loadVoice } from '../src/model/voice/file.js';
import type { Voice } from '../src/model/voice/voice.js';
import { synthesize } from '../src/synthesis/synthesize.js';

// Voices with right checksums and hostile numbers: whatever is in a file, the process goes on, in little time, with a
// coded error or with as much speech as the features are long. scripts/test-sanitize.mjs runs the same under
// AddressSanitizer, with TTS_HOSTILE times as many random ones.

interface Parts {
  readonly tensors: Map<string, Tensor>;
  readonly metadata: Record<string, string>;
}
const originals: Record<string, Parts> = {
  float32: decodeSafetensors(readFileSync('test/fixtures/voice/version-1.safetensors')),
  int8: decodeSafetensors(readFileSync('test/fixtures/voice/version-2.safetensors')),
};
const waves = (shape: [number, number]): Tensor => ({
  dtype: 'F32',
  shape,
  data: Float32Array.from({ length: shape[0] * shape[1] }, (_, i) => Math.sin(i)),
});
// With all there is: prediction from the pitch, cues, two gate conditionings for each frame, and upper bands.
originals.ltp10 = {
  tensors: new Map(originals.float32.tensors).set('input', waves([96, 7])).set('upper.weights', waves([2, 81])),
  metadata: {
    ...originals.float32.metadata,
    version: '4',
    config: originals.float32.metadata.config
      .replace('"mulaw10"', '"ltp10","hears":"signal"')
      .replace('"residualBlocks":1', '"residualBlocks":1,"vectors":2'),
  },
};
const kernels = chooseKernels({ threads: 2 });

/** The bytes of a voice with a right checksum, after a change. */
function forged({ tensors, metadata }: Parts, change: (parts: Parts) => void): Uint8Array {
  const parts = {
    tensors: new Map(
      [...tensors].map(([name, { dtype, shape, data }]) => [name, { dtype, shape, data: data.slice() }]),
    ),
    metadata: { ...metadata },
  };
  change(parts);
  return encodeSafetensors(parts.tensors, { ...parts.metadata, sha256: checksum(parts.tensors, parts.metadata) });
}

/** Speaks three frames; returns how many samples came. */
async function speak(voice: Voice): Promise<number> {
  const { mean } = voice.statistics;
  const data = Float32Array.from({ length: 3 * mean.length }, (_, i) => mean[i % mean.length]);
  let samples = 0;
  for await (const pcm of synthesize(voice, { data, frames: 3 }, { kernels })) samples += pcm.length;
  return samples;
}

/** Whether the voice was refused; one that is not speaks, or says by code why not. */
async function refused(bytes: Uint8Array, what: string): Promise<boolean> {
  let voice: Voice;
  try {
    voice = decodeVoice(bytes);
  } catch (error) {
    assert.ok(error instanceof TtsError && error.code === 'ERR_VOICE_CORRUPT', `${what}: ${String(error)}`);
    assert.ok(error.message.length < 400 && !error.message.includes('\n'), `${what}: ${error.message}`);
    return true;
  }
  try {
    assert.equal(await speak(voice), 3 * voice.features.hop, what);
  } catch (error) {
    const codes = ['ERR_NOT_FINITE', 'ERR_FEATURE_RANGE'];
    assert.ok(error instanceof TtsError && codes.includes(error.code), `${what}: ${String(error)}`);
  }
  return false;
}

type Path = string[];
function* leaves(value: unknown, path: Path = []): Generator<[Path, unknown]> {
  if (typeof value !== 'object' || value === null) yield [path, value];
  else for (const [key, each] of Object.entries(value)) yield* leaves(each, [...path, key]);
}

/** Puts a piece of JSON, valid or not, in place of a value in the metadata. */
function withJson({ metadata }: Parts, [key, ...path]: Path, text: string): void {
  const json = JSON.parse(metadata[key]) as Record<string, unknown>;
  let at = json;
  for (const step of path.slice(0, -1)) at = at[step] as Record<string, unknown>;
  at[path[path.length - 1]] = 'HERE';
  metadata[key] = JSON.stringify(json).replace('"HERE"', () => text);
}

const jsonKeys = ['config', 'features', 'statistics', 'provenance'];
const hostileNumbers = [
  ...['-1', '0', '-0', '0.5', '1e7', '1e9', '2147483647', '2147483648', '4294967296', '4294967552'],
  ...['9007199254740992', '1e308', '1e999', '-1e999', '1e-320', '"256"', 'null', 'true', '[]', '{}', 'NaN', '0x10'],
];

test('what is forged from the originals speaks as long as nothing is changed', async () => {
  for (const [kind, original] of Object.entries(originals))
    assert.equal(await speak(decodeVoice(forged(original, () => undefined))), 3 * 256, kind);
});

for (const [kind, original] of Object.entries(originals))
  test(`${kind}: every number of the metadata may be anything`, async () => {
    let tried = 0;
    let refusals = 0;
    for (const key of jsonKeys)
      for (const [path, value] of leaves(JSON.parse(original.metadata[key]) as unknown, [key])) {
        if (typeof value === 'string') continue;
        for (const text of hostileNumbers) {
          tried++;
          const bytes = forged(original, (parts) => withJson(parts, path, text));
          if (await refused(bytes, `${path.join('.')} = ${text}`)) refusals++;
        }
      }
    assert.ok(tried > 400 && refusals > 0.8 * tried, `${refusals} of ${tried} refused`);
  });

test('a hop that was billions, or never came to an end, is refused by name', () => {
  for (const hop of ['0', '0.5', '10000000', '1000000000', '2147483648', '4294967296', '16385', '2048', '6000'])
    assert.throws(() => decodeVoice(forged(originals.float32, (parts) => withJson(parts, ['features', 'hop'], hop))), {
      code: 'ERR_VOICE_CORRUPT',
      message: new RegExp(`metadata features\\.hop is ${hop}: `),
    });
});

test('blocks that no kernel has, and vectors that do not divide the hop, are refused by name', () => {
  const refuse = (path: Path, text: string, message: RegExp) =>
    assert.throws(() => decodeVoice(forged(originals.float32, (parts) => withJson(parts, path, text))), {
      code: 'ERR_VOICE_CORRUPT',
      message,
    });
  refuse(['config', 'block'], '{"rows":2,"columns":2}', /config\.block is .*2×2, expected one of 16×1/);
  refuse(['config', 'block'], '{"rows":1,"columns":16}', /1×16, expected one of/);
  refuse(['config', 'conditioning'], '{"channels":8,"kernel":3,"residualBlocks":1,"vectors":3}', /divisor of the hop/);
});

test('numbers in tensors may be anything', async () => {
  for (const [kind, original] of Object.entries(originals))
    for (const [name, { data }] of original.tensors) {
      if (data.length === 0) continue;
      const values =
        data instanceof Float32Array
          ? [NaN, Infinity, -Infinity, 3e38, 2e6, -2e6]
          : [255, 65535, -128, 2 ** 31 - 1, -1];
      for (const value of values)
        for (const at of [0, data.length - 1]) {
          const bytes = forged(original, ({ tensors }) => (tensors.get(name)!.data[at] = value));
          const bad = await refused(bytes, `${kind}: ${name}[${at}] = ${value}`);
          if (data instanceof Float32Array) assert.ok(bad, `${kind}: ${name}[${at}] = ${value} was taken`);
        }
    }
  for (const std of [0, -1, 1e-30])
    assert.ok(
      await refused(
        forged(originals.float32, ({ tensors }) => tensors.get('statistics.std')!.data.fill(std)),
        `std ${std}`,
      ),
    );
});

test('weights that are finite and overflow are an error and no silence', async () => {
  const bytes = forged(originals.float32, ({ tensors }) => {
    for (const [name, { data }] of tensors) if (name.startsWith('conditioning.')) data.fill(1e6);
  });
  const voice = decodeVoice(bytes);
  const many = {
    ...voice,
    conditioning: new Map(
      [...voice.conditioning].map(([name, { shape, data }]) => [name, { shape, data: data.slice().fill(1e30) }]),
    ),
  };
  await assert.rejects(speak(many), { code: 'ERR_NOT_FINITE', message: /frame 0/ });
});

test('types and shapes of tensors may be anything', async () => {
  const dtypes = ['F64', 'F32', 'I32', 'U32', 'I16', 'U16', 'F16', 'BF16', 'I8', 'U8'] as const;
  const arrays = {
    1: [Int8Array, Uint8Array],
    2: [Int16Array, Uint16Array],
    4: [Float32Array, Int32Array, Uint32Array],
    8: [Float64Array],
  };
  for (const [kind, original] of Object.entries(originals))
    for (const [name, tensor] of original.tensors) {
      const bytesOf = tensor.data.byteLength;
      for (const dtype of dtypes) {
        const size = { F64: 8, F32: 4, I32: 4, U32: 4, I16: 2, U16: 2, F16: 2, BF16: 2, I8: 1, U8: 1 }[dtype] as
          1 | 2 | 4 | 8;
        if (dtype === tensor.dtype || bytesOf % size !== 0) continue;
        const names = {
          F64: 'Float64Array',
          F32: 'Float32Array',
          I32: 'Int32Array',
          U32: 'Uint32Array',
          I16: 'Int16Array',
          I8: 'Int8Array',
          U8: 'Uint8Array',
        } as Record<string, string>;
        const Type = arrays[size].find(
          (each) => each.name === (names[dtype] ?? 'Uint16Array'),
        ) as Float32ArrayConstructor;
        const data = new Type(tensor.data.slice().buffer);
        const bytes = forged(original, ({ tensors }) => tensors.set(name, { dtype, shape: [data.length], data: data }));
        assert.ok(await refused(bytes, `${kind}: ${name} as ${dtype}`), `${kind}: ${name} as ${dtype} was taken`);
      }
      const { data, dtype, shape } = tensor;
      for (const other of [[data.length, 1, 1], [1, data.length], [0], [...shape, 1]]) {
        if (other.join() === shape.join()) continue;
        const cut = other.includes(0) ? data.slice(0, 0) : data;
        const bytes = forged(original, ({ tensors }) => tensors.set(name, { dtype, shape: other, data: cut }));
        assert.ok(
          await refused(bytes, `${kind}: ${name} as [${other.join()}]`),
          `${kind}: ${name} as [${other.join()}]`,
        );
      }
    }
});

test('texts of the metadata may be anything', async () => {
  const deep = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`;
  const from = (depth: number): string => {
    const { provenance } = originals.float32.metadata;
    return depth === 0
      ? provenance
      : provenance.replace(/\}$/, `,"from":{"voice":"x","sha256":"y","provenance":${from(depth - 1)}}}`);
  };
  const texts = [
    '',
    '{',
    'null',
    '3',
    '[]',
    '""',
    deep(50),
    deep(5000),
    deep(200_000),
    '{"__proto__":{}}',
    from(40),
    from(2000),
  ];
  for (const key of jsonKeys)
    for (const text of [...texts, `"${'x'.repeat(1e6)}"`])
      assert.ok(
        await refused(
          forged(originals.float32, ({ metadata }) => (metadata[key] = text)),
          `${key} = ${text.slice(0, 40)}`,
        ),
      );
  assert.ok(
    !(await refused(
      forged(originals.float32, ({ metadata }) => (metadata.provenance = from(10))),
      'ten origins',
    )),
  );
  const twice = originals.float32.metadata.features.replace('{', '{"hop":1,');
  assert.throws(() => decodeVoice(forged(originals.float32, ({ metadata }) => (metadata.features = twice))), {
    code: 'ERR_VOICE_CORRUPT',
    message: /features is not JSON.*"hop" is there twice/,
  });
});

test('several hostile numbers at once', async () => {
  const random = new RandomStream(7, 12);
  const pick = <T>(list: readonly T[]): T => list[random.below(list.length)];
  // Numbers near the bounds too: what is taken is spoken.
  const near = [
    '1',
    '2',
    '16',
    '32',
    '64',
    '80',
    '250',
    '256',
    '512',
    '1024',
    '1025',
    '4096',
    '16384',
    '0.25',
    '22050',
    '1000',
    '768000',
  ];
  const places = jsonKeys.flatMap((key) =>
    [...leaves(JSON.parse(originals.float32.metadata[key]) as unknown, [key])].filter(
      ([, value]) => typeof value === 'number',
    ),
  );
  const rounds = 300 * Number(process.env.TTS_HOSTILE ?? 1);
  for (let round = 0; round < rounds; round++) {
    const original = pick(Object.values(originals));
    const done: string[] = [];
    const bytes = forged(original, (parts) => {
      for (let i = 0; i <= random.below(3); i++) {
        const [[path], text] = [pick(places), pick(random.below(3) === 0 ? hostileNumbers : near)];
        try {
          withJson(parts, path, text);
        } catch {
          // An earlier one left no JSON.
        }
        done.push(`${path.join('.')} = ${text}`);
      }
      if (random.below(3) > 0) return;
      const [name, { data }] = pick([...parts.tensors].filter(([, { data }]) => data.length > 0));
      const [at, value] = [random.below(data.length), pick([0, 1, 2, 3, 15, 31, -1, 127, 1e5])];
      data[at] = value;
      done.push(`${name}[${at}] = ${value}`);
    });
    await refused(bytes, `round ${round}: ${done.join(', ')}`);
  }
});

test('a file of the same kind says which file it is', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'hostile-'));
  after(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'v.safetensors');
  writeFileSync(
    path,
    forged(originals.float32, (parts) => withJson(parts, ['features', 'hop'], '2147483648')),
  );
  await assert.rejects(loadVoice(path), {
    code: 'ERR_VOICE_CORRUPT',
    message: /v\.safetensors: metadata features\.hop/,
  });
});

test('what is no file at all is refused by code', () => {
  for (const wrong of [undefined, null, 3, 'abc', {}, [], new ArrayBuffer(8), new Float32Array(8)])
    assert.throws(
      () => decodeVoice(wrong as never),
      (error) => error instanceof TtsError,
    );
  const bytes = readFileSync('test/fixtures/voice/version-1.safetensors');
  const shared = new Uint8Array(new SharedArrayBuffer(bytes.length));
  shared.set(bytes);
  assert.equal(decodeVoice(shared).config.hidden, 32);
});
