import assert from 'node:assert/strict';
import test from 'node:test';
import { plainYaml, readYaml } from './yaml.js';

const read = (text: string | Buffer) => readYaml(Buffer.from(text), 'x.yaml', 'ERR_RECIPE').document;
const refused = (message: RegExp) => ({ code: 'ERR_RECIPE', message });

test('a key twice is named with its line, at any depth; equal keys of different mappings are fine', () => {
  assert.throws(
    () => read('a: 1\nb:\n  - c: 1\n    d: 2\n    c: 3\n'),
    refused(/x\.yaml .*line 5: the key "c" is there twice/),
  );
  assert.deepEqual(plainYaml(read('a: { x: 1 }\nb: { x: 2 }'), 'x.yaml', 'ERR_RECIPE'), { a: { x: 1 }, b: { x: 2 } });
});

test('what is too large, no UTF-8 or nested without end is refused', () => {
  assert.throws(() => read('#'.repeat(2 ** 22 + 1)), refused(/has 4194305 bytes, expected YAML of at most 4194304/));
  assert.throws(() => read(Buffer.from([0x61, 0x3a, 0xff])), refused(/is not UTF-8/));
  assert.throws(() => read('['.repeat(200_000)), refused(/is not valid YAML/));
});

test('very many keys are read', () => {
  const keys = Array.from({ length: 100_000 }, (_, i) => `k${i}: ${i}`);
  const { k99999 } = plainYaml(read(keys.join('\n')), 'x.yaml', 'ERR_RECIPE') as Record<string, number>;
  assert.equal(k99999, 99_999);
});
