import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Writable } from 'node:stream';
import test, { after, before } from 'node:test';
import { TtsError } from '../base/errors.js';
import { fromInt16, toInt16 } from './audio.js';
import { readAudio } from './read.js';
import { WavStream, writeWav } from './write.js';

let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'write-audio-'));
});
after(() => rm(folder, { recursive: true }));

const pcm = Int16Array.from({ length: 1001 }, (_, i) => Math.round(32767 * Math.sin(i * i * 1e-4)));
const failsWith = (code: string, pattern: RegExp) => (error: unknown) =>
  error instanceof TtsError && error.code === code && pattern.test(error.message);

test('16-bit samples come back exactly, from integers and from floats', async () => {
  const path = join(folder, '16.wav');
  for (const samples of [pcm, fromInt16(pcm)]) {
    await writeWav(path, samples, 22050);
    const audio = await readAudio(path);
    assert.equal(audio.sampleRate, 22050);
    assert.deepEqual(toInt16(audio.samples), pcm);
  }
  assert.equal((await readFile(path)).length, 44 + 2002);
});

test('24-bit and float files keep more than 16 bits; an odd number of 24-bit samples still ends evenly', async () => {
  const samples = Float32Array.from({ length: 333 }, (_, i) => 0.9 * Math.sin(i / 7));
  const path = join(folder, 'fine.wav');
  await writeWav(path, samples, 48000, { bits: '24' });
  const bytes = await readFile(path);
  assert.equal(bytes.length % 2, 0);
  assert.equal(bytes.readUInt32LE(4), bytes.length - 8);
  const fine = (await readAudio(path)).samples;
  assert.ok(samples.every((sample, i) => Math.abs(sample - fine[i]) <= 2 ** -24 + 1e-12));
  await writeWav(path, samples, 48000, { bits: '32f' });
  assert.deepEqual((await readAudio(path)).samples, samples);
});

test('floats outside [-1, 1) are clamped in 16 and 24 bits and kept in float', async () => {
  const path = join(folder, 'loud.wav');
  const loud = Float32Array.of(1.5, -2);
  await writeWav(path, loud, 22050);
  assert.deepEqual([...toInt16((await readAudio(path)).samples)], [32767, -32768]);
  await writeWav(path, loud, 22050, { bits: '24' });
  assert.deepEqual([...(await readAudio(path)).samples], [Math.fround(1 - 2 ** -23), -1]);
  await writeWav(path, loud, 22050, { bits: '32f' });
  assert.deepEqual([...(await readAudio(path)).samples], [1.5, -2]);
});

test('NaN is refused and nothing is written', async () => {
  const path = join(folder, 'nan.wav');
  await assert.rejects(writeWav(path, Float32Array.of(0, NaN), 22050), failsWith('ERR_NOT_FINITE', /sample 1 is NaN/));
  assert.ok(!(await readdir(folder)).some((name) => name.startsWith('nan')));
});

test('a folder that is not there is refused by name', async () => {
  const path = join(folder, 'nowhere', 'out.wav');
  await assert.rejects(writeWav(path, pcm, 22050), failsWith('ERR_FILE_WRITE', /nowhere.*folder does not exist/));
  await assert.rejects(WavStream.open(path, 22050), failsWith('ERR_FILE_WRITE', /nowhere.*folder does not exist/));
});

test('a streamed file equals one written at once, and appears only at the end', async () => {
  const streamed = join(folder, 'streamed.wav');
  const whole = join(folder, 'whole.wav');
  const wav = await WavStream.open(streamed, 22050);
  for (let i = 0; i < pcm.length; i += 100) await wav.write(pcm.subarray(i, i + 100));
  assert.ok(!(await readdir(folder)).includes('streamed.wav'));
  assert.equal(wav.samples, pcm.length);
  await wav.close();
  await writeWav(whole, pcm, 22050);
  assert.deepEqual(await readFile(streamed), await readFile(whole));
  assert.ok(!(await readdir(folder)).some((name) => name.endsWith('.tmp')));
});

test('an aborted stream leaves nothing behind, and an older file of that name as it was', async () => {
  const path = join(folder, 'aborted.wav');
  await writeWav(path, pcm, 22050);
  const wav = await WavStream.open(path, 22050);
  await wav.write(new Int16Array(500));
  await wav.abort();
  assert.deepEqual(toInt16((await readAudio(path)).samples), pcm);
  assert.ok(!(await readdir(folder)).some((name) => name.endsWith('.tmp')));
});

test('a pipe gets a header of unknown size, then the samples, and stays open', async () => {
  const pipe = new PassThrough();
  const wav = await WavStream.open(pipe, 16000);
  await wav.write(Int16Array.of(1, -1));
  await wav.close();
  const bytes = pipe.read() as Buffer;
  assert.equal(bytes.length, 48);
  assert.equal(bytes.readUInt32LE(4), 0xffffffff);
  assert.equal(bytes.readUInt32LE(24), 16000);
  assert.equal(bytes.readUInt32LE(40), 0xffffffff);
  assert.deepEqual([bytes.readInt16LE(44), bytes.readInt16LE(46)], [1, -1]);
  assert.equal(pipe.writableEnded, false);
});

test('a reader that has gone makes write fail, without an unhandled error', async () => {
  let writes = 0;
  const pipe = new Writable({
    write(_chunk, _encoding, done) {
      writes += 1;
      done(writes === 1 ? null : Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }));
    },
  });
  const wav = await WavStream.open(pipe, 22050);
  await assert.rejects(wav.write(pcm), failsWith('ERR_FILE_WRITE', /reader has gone/));
  await wav.abort();
});
