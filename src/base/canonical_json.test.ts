import assert from 'node:assert/strict';
import test from 'node:test';
import { canonicalJson } from './canonical_json.js';

test('equal values give equal text, whatever the order of their keys', () => {
  const text = canonicalJson({ b: [2, { d: null, c: 'x' }], a: 1 });
  assert.equal(text, '{"a":1,"b":[2,{"c":"x","d":null}]}');
  assert.equal(canonicalJson({ a: 1, b: [2, { c: 'x', d: null }] }), text);
  assert.notEqual(canonicalJson({ a: 1, b: [{ c: 'x', d: null }, 2] }), text);
});
