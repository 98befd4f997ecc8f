import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { after } from 'node:test';
import { z } from 'zod';
import { temporaryFolder } from '../../test/support/command_line.js';
import { refused } from '../../test/support/files.js';
import { TtsError } from '../base/errors.js';
import { nameOf } from '../base/whole_file.js';
import { encodeSafetensors } from '../model/safetensors.js';
import { answering, arrayIn, decodeAnswer, decodeFiles, encodeAnswer, encodeFiles, encodeInput } from './answers.js';

const folder = temporaryFolder({ after });
const schema = z.strictObject({ frames: z.int().min(1) });

test('what a job came to arrives as it was sent', () => {
  const features = Float32Array.of(1, NaN, -0);
  const answer = decodeAnswer(schema, encodeAnswer({ frames: 3 }, { features }), 'the result');
  assert.ok('found' in answer);
  assert.deepEqual(answer.found, { frames: 3 });
  assert.deepEqual(arrayIn(answer, 'features', Float32Array), features);
  assert.throws(() => arrayIn(answer, 'features', Int16Array), refused('ERR_CLUSTER', /no Int16Array features/));
  assert.throws(() => arrayIn(answer, 'pcm', Int16Array), refused('ERR_CLUSTER', /no Int16Array pcm/));
});

test('what is wrong with an input is an answer, a fault of the machine is none', async () => {
  const failing = (error: Error) => answering(() => Promise.reject(error));
  const bytes = await failing(new TtsError('ERR_AUDIO_EMPTY', 'a.wav is empty'));
  const answer = decodeAnswer(schema, bytes, 'the result');
  assert.ok('refused' in answer);
  assert.deepEqual([answer.refused.code, answer.refused.message], ['ERR_AUDIO_EMPTY', 'a.wav is empty']);
  const long = decodeAnswer(schema, await failing(new TtsError('ERR_TEXT', 'x'.repeat(10_000))), 'the result');
  assert.ok('refused' in long && long.refused.message.length < 5000);
  await assert.rejects(failing(new TtsError('ERR_KERNELS', 'other kernels')), refused('ERR_KERNELS'));
  await assert.rejects(failing(new RangeError('a fault')), RangeError);
});

test('answers that are none are refused', () => {
  const metadata = (data: Record<string, string>) => encodeSafetensors(new Map(), data);
  for (const [bytes, pattern] of [
    [Buffer.from('no file at all'), /the result is not a valid safetensors file/],
    [metadata({}), /the result has something that does not fit/],
    [metadata({ found: '{"frames":0}' }), /frames that does not fit/],
    [metadata({ found: '{"frames":1,"more":1}' }), /does not fit/],
    [metadata({ found: '{' }), /not JSON/],
    [metadata({ refused: '{"code":"exit","message":""}' }), /code that does not fit/],
  ] as const)
    assert.throws(() => decodeAnswer(schema, bytes, 'the result'), refused('ERR_CLUSTER', pattern));
});

test('files travel with their names, which open nothing', () => {
  const path = join(folder, 'a.wav');
  writeFileSync(path, 'RIFF');
  const bytes = encodeFiles([path]);
  const [file] = decodeFiles(bytes, 1);
  assert.equal(nameOf(file), path);
  assert.ok(typeof file === 'object');
  assert.equal(Buffer.from(file.bytes).toString(), 'RIFF');
  assert.throws(() => decodeFiles(bytes, 2), refused('ERR_CLUSTER'));
  assert.throws(() => decodeFiles(encodeInput({ file0: new Uint8Array(1) }), 1), refused('ERR_CLUSTER', /names/));
  assert.throws(() => encodeFiles([join(folder, 'missing.wav')]), refused('ERR_FILE_NOT_FOUND'));
});
