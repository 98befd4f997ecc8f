import assert from 'node:assert/strict';
import test from 'node:test';
import { parseBoundedJson, quoted } from './bounded_json.js';

test('JSON without twins and depths is what JSON.parse makes of it', () => {
  for (const text of [
    '3',
    '"a \\" b"',
    '[]',
    '{"a":{"b":1},"b":[{"a":2},{"a":3}],"c":"\\\\"}',
    '{"{":"}","[":"\\"]","k" : {} , "\\\\":1}',
    `${'['.repeat(64)}${']'.repeat(64)}`,
  ])
    assert.deepEqual(parseBoundedJson(text), JSON.parse(text), text);
});

test('a key that is there twice is refused, however it is spelt; as a value it is none', () => {
  for (const text of ['{"a":1,"a":2}', '{"a":1,"b":{},"\\u0061" :2}', '[{"x":[{"k":1,"k":1}]}]', '{"a\\"":1,"a\\"":1}'])
    assert.throws(() => parseBoundedJson(text), /is there twice/, text);
  assert.deepEqual(parseBoundedJson('{"a":"a","b":["a","a"]}'), { a: 'a', b: ['a', 'a'] });
});

test('depth is bounded, strings may be long', () => {
  assert.throws(() => parseBoundedJson(`${'['.repeat(65)}${']'.repeat(65)}`), /more than 64/);
  assert.throws(() => parseBoundedJson(`${'{"a":'.repeat(1e6)}1${'}'.repeat(1e6)}`), /more than 64/);
  assert.equal((parseBoundedJson(`"${'[{'.repeat(5e6)}"`) as string).length, 1e7);
});

test('what is no JSON is a SyntaxError', () => {
  for (const text of ['', '{', '{"a":1', "{'a':1}", 'NaN', '{"a":1}}', '"a', '[1,]'])
    assert.throws(() => parseBoundedJson(text), SyntaxError, text);
});

test('a quoted text stays short and on its line', () => {
  assert.equal(quoted('a "b"'), '"a \\"b\\""');
  assert.equal(quoted('x'.repeat(1000)).length, 61);
  assert.doesNotMatch(quoted('a\n\u001b[2J\u009b\u202e\u2028'), /[\u0000-\u001f\u007f-\u009f\u2028\u202e]/);
});
