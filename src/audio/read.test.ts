import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after, before } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { type ErrorCode, TtsError } from '../base/errors.js';
import { toInt16 } from './audio.js';
import { readAudio } from './read.js';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const clip = join(root, 'data/ljspeech-mini/LJ001-0002.flac');
const compressed = (name: string) => join(root, 'test/fixtures/audio', name);

let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'read-audio-'));
});
after(() => rm(folder, { recursive: true }));

async function save(name: string, bytes: Uint8Array): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, bytes);
  return path;
}

interface WavFields {
  audioFormat: number;
  channels: number;
  rate: number;
  bits: number;
  block: number;
  data: Buffer;
  declared: number;
}

/** A WAV file made by hand, every field of which can be wrong. */
function wav(fields: Partial<WavFields> = {}): Buffer {
  const { audioFormat = 1, channels = 1, rate = 22050, bits = 16, data = Buffer.alloc(400, 1) } = fields;
  const { block = (channels * bits) / 8, declared = data.length } = fields;
  const header = Buffer.alloc(36);
  header.write('RIFF\0\0\0\0WAVEfmt ', 'latin1');
  header.writeUInt32LE(36 + data.length, 4);
  header.writeUInt32LE(16, 16);
  header.writeUInt16LE(audioFormat, 20);
  header.writeUInt16LE(channels, 22);
  header.writeUInt32LE(rate, 24);
  header.writeUInt32LE(rate * block, 28);
  header.writeUInt16LE(block, 32);
  header.writeUInt16LE(bits, 34);
  const size = Buffer.alloc(4);
  size.writeUInt32LE(declared);
  return Buffer.concat([header, Buffer.from('data'), size, data]);
}

function fails(path: string, code: ErrorCode, pattern: RegExp): Promise<void> {
  return assert.rejects(readAudio(path), (error) => {
    assert.ok(error instanceof TtsError, String(error));
    assert.equal(error.code, code);
    assert.match(error.message, pattern);
    assert.ok(error.message.startsWith(path), error.message);
    return true;
  });
}

test('16, 24 and 32-bit integers, 8-bit unsigned and both floats come out as fractions of full scale', async () => {
  const expected = [0, 0.5, -0.5, -1];
  const made: [string, Buffer, { bits: number; audioFormat?: number }][] = [
    ['8', Buffer.from([128, 192, 64, 0]), { bits: 8 }],
    ['16', Buffer.from(Int16Array.of(0, 16384, -16384, -32768).buffer), { bits: 16 }],
    ['24', Buffer.from([0, 0, 0, 0, 0, 0x40, 0, 0, 0xc0, 0, 0, 0x80]), { bits: 24 }],
    ['32', Buffer.from(Int32Array.of(0, 2 ** 30, -(2 ** 30), -(2 ** 31)).buffer), { bits: 32 }],
    ['32f', Buffer.from(Float32Array.from(expected).buffer), { bits: 32, audioFormat: 3 }],
    ['64f', Buffer.from(Float64Array.from(expected).buffer), { bits: 64, audioFormat: 3 }],
  ];
  for (const [name, data, fields] of made) {
    const { samples, sampleRate } = await readAudio(await save(`${name}.wav`, wav({ data, ...fields })));
    assert.deepEqual([...samples], expected, name);
    assert.equal(sampleRate, 22050);
  }
});

test('a file with an extensible header, and chunks of any kind before the samples, is read', async () => {
  const plain = wav({ data: Buffer.from(Int16Array.of(1, -2, 3).buffer) });
  const extension = Buffer.from([22, 0, 16, 0, 4, 0, 0, 0, 1, 0, 0, 0, 0, 0, 16, 0, 128, 0, 0, 170, 0, 56, 155, 113]);
  const extensible = Buffer.concat([
    plain.subarray(0, 36),
    extension,
    Buffer.from('LIST\x05\0\0\0 odd!\0', 'latin1'),
    plain.subarray(36),
  ]);
  extensible.writeUInt32LE(40, 16);
  extensible.writeUInt16LE(0xfffe, 20);
  const { samples } = await readAudio(await save('extensible.wav', extensible));
  assert.deepEqual([...toInt16(samples)], [1, -2, 3]);
});

test('channels are averaged', async () => {
  const stereo = Int16Array.of(100, 300, -32768, -32768, 0, 1);
  const { samples } = await readAudio(await save('stereo.wav', wav({ channels: 2, data: Buffer.from(stereo.buffer) })));
  assert.deepEqual([...samples], [200 / 32768, -1, 0.5 / 32768]);
});

test('audio of another rate is resampled when a rate is asked for', async () => {
  const tone = Float32Array.from({ length: 44100 }, (_, i) => 0.5 * Math.sin((2 * Math.PI * 440 * i) / 44100));
  const path = await save('44100.wav', wav({ audioFormat: 3, bits: 32, rate: 44100, data: Buffer.from(tone.buffer) }));
  assert.equal((await readAudio(path)).sampleRate, 44100);
  const { samples, sampleRate } = await readAudio(path, { sampleRate: 22050 });
  assert.equal(sampleRate, 22050);
  assert.equal(samples.length, 22050);
  for (let i = 500; i < 21500; i++) assert.ok(Math.abs(samples[i] - tone[2 * i]) < 1e-4);
});

test('a WAV that came through a pipe, with unknown sizes, is read to its end', async () => {
  const data = Buffer.from(Int16Array.of(5, 6, 7).buffer);
  for (const declared of [0xffffffff, 0x7ffff000]) {
    const { samples } = await readAudio(await save('piped.wav', wav({ data, declared })));
    assert.deepEqual([...toInt16(samples)], [5, 6, 7]);
  }
});

const broken: [string, Buffer, ErrorCode, RegExp][] = [
  ['an empty file', Buffer.alloc(0), 'ERR_AUDIO_EMPTY', /0 bytes/],
  ['a WAV without samples', wav({ data: Buffer.alloc(0) }), 'ERR_AUDIO_EMPTY', /no samples/],
  ['a WAV cut short', wav().subarray(0, 300), 'ERR_AUDIO_TRUNCATED', /400 bytes of audio are declared, 256 are there/],
  ['a WAV cut within its header', wav().subarray(0, 30), 'ERR_AUDIO_TRUNCATED', /fmt chunk.*30 bytes/],
  ['a WAV cut before its samples', wav().subarray(0, 38), 'ERR_AUDIO_TRUNCATED', /no data chunk/],
  [
    'a WAV with half a sample at the end',
    wav({ data: Buffer.alloc(401) }),
    'ERR_AUDIO_TRUNCATED',
    /401 bytes.*blocks of 2/,
  ],
  ['a WAV of 0 channels', wav({ channels: 0, block: 2 }), 'ERR_AUDIO_FORMAT', /0 channels: expected 1 to 64/],
  ['a WAV of 65535 channels', wav({ channels: 65535, block: 2 }), 'ERR_AUDIO_FORMAT', /65535 channels/],
  ['a WAV of 0 bits', wav({ bits: 0, block: 2 }), 'ERR_AUDIO_FORMAT', /0 bits per sample: expected 8, 16, 24, 32/],
  ['a WAV of 17 bits', wav({ bits: 17, block: 3 }), 'ERR_AUDIO_FORMAT', /17 bits/],
  [
    'a float WAV of 16 bits',
    wav({ audioFormat: 3 }),
    'ERR_AUDIO_FORMAT',
    /16 bits per sample: expected 32, 64 for float/,
  ],
  ['a WAV with a wrong block size', wav({ block: 4 }), 'ERR_AUDIO_FORMAT', /blocks of 4 bytes: expected 2/],
  ['a WAV at 0 Hz', wav({ rate: 0 }), 'ERR_AUDIO_FORMAT', /0 Hz/],
  ['a WAV at 2 GHz', wav({ rate: 2e9 }), 'ERR_AUDIO_FORMAT', /2000000000 Hz/],
  ['an ADPCM WAV', wav({ audioFormat: 17, bits: 4, block: 512 }), 'ERR_AUDIO_FORMAT', /WAV format 17/],
  [
    'a WAV with NaN in it',
    wav({ audioFormat: 3, bits: 32, data: Buffer.from(Float32Array.of(0, NaN).buffer) }),
    'ERR_AUDIO_FORMAT',
    /sample 1 is NaN/,
  ],
  [
    'a RIFF file that is not WAV',
    Buffer.from('RIFF\x10\0\0\0AVI LIST\0\0\0\0', 'latin1'),
    'ERR_AUDIO_FORMAT',
    /not a WAV file/,
  ],
  ['text', Buffer.from('{"name": "not audio"}'), 'ERR_AUDIO_FORMAT', /expected WAV, FLAC, MP3 or Ogg Vorbis/],
  ['one byte', Buffer.from([82]), 'ERR_AUDIO_FORMAT', /begins with 52/],
  ['AIFF', Buffer.from('FORM\0\0\0\0AIFF', 'latin1'), 'ERR_AUDIO_FORMAT', /AIFF/],
  ['M4A', Buffer.from('\0\0\0\x20ftypM4A ', 'latin1'), 'ERR_AUDIO_FORMAT', /M4A/],
  ['FLAC that is only a name', Buffer.from('fLaC'), 'ERR_AUDIO_TRUNCATED', /header/],
  [
    'Ogg with noise inside',
    Buffer.concat([Buffer.from('OggS'), Buffer.alloc(500, 3)]),
    'ERR_AUDIO_FORMAT',
    /expected Vorbis/,
  ],
  [
    'Ogg Opus',
    Buffer.concat([Buffer.from('OggS'), Buffer.alloc(24), Buffer.from('OpusHead'), Buffer.alloc(50)]),
    'ERR_AUDIO_FORMAT',
    /Opus/,
  ],
  ['MP3 that is only a tag', Buffer.from('ID3\x04\0\0\0\0\0\x02\0\0', 'latin1'), 'ERR_AUDIO_FORMAT', /no MPEG frame/],
];
for (const [what, bytes, code, pattern] of broken) {
  test(`${what} is refused: ${code}`, async () => fails(await save('broken', bytes), code, pattern));
}

test('a file that is not there, and a folder, are refused by name', async () => {
  await fails(join(folder, 'nowhere.wav'), 'ERR_FILE_NOT_FOUND', /no such file/);
  await fails(folder, 'ERR_FILE_READ', /folder/);
});

test('FLAC is decoded bit for bit: the samples of a clip are 16-bit integers with the clip’s level', async () => {
  const { samples, sampleRate } = await readAudio(clip);
  assert.equal(sampleRate, 22050);
  assert.equal(samples.length, 41885);
  assert.ok(samples.every((sample) => Number.isInteger(sample * 32768)));
  assert.ok(Math.max(...samples) > 0.1);
});

test('a FLAC cut short is refused with the declared and the found number of samples', async () => {
  const bytes = await readFile(clip);
  await fails(
    await save('cut.flac', bytes.subarray(0, bytes.length / 2)),
    'ERR_AUDIO_TRUNCATED',
    /41885 samples are declared, \d+ could be decoded/,
  );
});

/** The cyclic redundancy check of so many bits that FLAC uses (RFC 9639, sections 9.1.8 and 9.3). */
function crc(bytes: readonly number[], bits: number, polynomial: number): number {
  let value = 0;
  for (const byte of bytes) {
    value ^= byte << (bits - 8);
    for (let i = 0; i < 8; i++) value = ((value << 1) ^ (value >> (bits - 1) === 1 ? polynomial : 0)) & (2 ** bits - 1);
  }
  return value;
}

test('a FLAC whose last frame holds a single sample is read to the end', async () => {
  const bytes = await readFile(clip);
  const { samples } = await readAudio(clip);
  // In place of frame 10, the last one, a frame of one sample: 22,050 Hz, mono, 16 bits, stored as it is.
  const whole = 10 * 4096;
  const before = bytes.subarray(0, bytes.lastIndexOf(Buffer.of(0xff, 0xf8)));
  before.writeUInt32BE(whole + 1, 22);
  const header = [0xff, 0xf8, 0x66, 0x08, 10, 0];
  const frame = [...header, crc(header, 8, 0x07), 0x02, 1234 >> 8, 1234 & 255];
  const check = crc(frame, 16, 0x8005);
  const path = await save('short-frame.flac', Buffer.concat([before, Buffer.of(...frame, check >> 8, check & 255)]));
  const read = (await readAudio(path)).samples;
  assert.deepEqual(read.subarray(0, whole), samples.subarray(0, whole));
  assert.deepEqual(read.subarray(whole), Float32Array.of(1234 / 32768));
});

test('a FLAC whose frames leave their sample rate to the head of the file is refused by name', async () => {
  const bytes = (await readFile(clip)).subarray(0, 42);
  bytes[4] = 0x80;
  bytes.writeUInt32BE(1, 22);
  const header = [0xff, 0xf8, 0x60, 0x08, 0, 0];
  const frame = [...header, crc(header, 8, 0x07), 0x02, 1234 >> 8, 1234 & 255];
  const check = crc(frame, 16, 0x8005);
  const path = await save('unstreamable.flac', Buffer.concat([bytes, Buffer.of(...frame, check >> 8, check & 255)]));
  await assert.rejects(readAudio(path), {
    code: 'ERR_AUDIO_FORMAT',
    message: /outside the streamable subset .*; convert it: ffmpeg -i \S*unstreamable\.flac -ar 22050 \S*\.wav$/,
  });
});

test('a FLAC damaged in the middle is refused, without a word on the console', async (t) => {
  const bytes = Buffer.from(await readFile(clip));
  bytes.fill(0x55, 20000, 22000);
  const said = [t.mock.method(console, 'error', () => undefined), t.mock.method(console, 'warn', () => undefined)];
  for (let at = 9000; at < bytes.length; at += 1500) bytes[at] ^= 0xff;
  await assert.rejects(
    readAudio(await save('damaged.flac', bytes)),
    (error) => error instanceof TtsError && /ERR_AUDIO_(TRUNCATED|FORMAT)/.test(error.code),
  );
  for (const { mock } of said) assert.equal(mock.callCount(), 0);
});

/** A frame of 65,535 equal samples, 22,050 Hz, mono, 16 bits: 13 bytes. */
function constantFrame(): number[] {
  const header = [0xff, 0xf8, 0x76, 0x08, 0, 0xff, 0xfe];
  const frame = [...header, crc(header, 8, 0x07), 0, 0, 0];
  const check = crc(frame, 16, 0x8005);
  return [...frame, check >> 8, check & 255];
}

test('a FLAC that would fill the memory is refused before it is decoded, by what it declares or by its frames', async () => {
  const streamInfo = Buffer.from(await readFile(clip)).subarray(0, 42);
  streamInfo[4] = 0x80;
  const declaring = (samples: number) => {
    const bytes = Buffer.from(streamInfo);
    bytes.writeUInt32BE(samples, 22);
    return bytes;
  };
  const bomb = Buffer.from(Array.from({ length: 1200 }, constantFrame).flat());
  await fails(
    await save('declared.flac', declaring(2 ** 31)),
    'ERR_AUDIO_FORMAT',
    /declares 2147483648 samples in 42 bytes/,
  );
  await fails(
    await save('bomb.flac', Buffer.concat([declaring(0), bomb])),
    'ERR_AUDIO_FORMAT',
    /holds more than 67108864 samples in \d+ bytes/,
  );
  const whole = Buffer.concat([declaring(3 * 65535), bomb.subarray(0, 3 * 13)]);
  assert.equal((await readAudio(await save('constant.flac', whole))).samples.length, 3 * 65535);
});

/** An Ogg page with a Vorbis identification header: channels, rate, long blocks of 2^longBlock. */
function vorbisPage(rate: number, packets = 0): Buffer {
  const identification = Buffer.alloc(30);
  identification.write('\x01vorbis', 'latin1');
  identification[11] = 1;
  identification.writeUInt32LE(rate, 12);
  identification[28] = 0xd8;
  const page = (lengths: number[], content: Buffer) =>
    Buffer.concat([Buffer.from('OggS'), Buffer.alloc(22), Buffer.from([lengths.length, ...lengths]), content]);
  const more = Array.from({ length: packets / 250 }, () => page(new Array<number>(250).fill(1), Buffer.alloc(250)));
  return Buffer.concat([page([30], identification), ...more]);
}

test('Ogg at a rate that the decoder does not take is refused with the rate', async () => {
  for (const rate of [0, 1000, 1999, 384_001, 2 ** 31])
    await fails(
      await save('rate.ogg', vorbisPage(rate)),
      'ERR_AUDIO_FORMAT',
      new RegExp(`sample rate of ${rate} Hz: expected 2000 to 384000 of Ogg; convert it: ffmpeg -i \\S+ -ar 22050`),
    );
});

test('an Ogg of packets that are nothing but blocks of silence is refused before it is decoded', async () => {
  await fails(
    await save('bomb.ogg', vorbisPage(22050, 50_000)),
    'ERR_AUDIO_FORMAT',
    /can hold \d+ samples in \d+ bytes/,
  );
});

/** The correlation coefficient of two signals over their common length. */
function correlation(a: Float32Array, b: Float32Array): number {
  const sum = (f: (i: number) => number) =>
    Array.from({ length: Math.min(a.length, b.length) }, (_, i) => f(i)).reduce((total, x) => total + x, 0);
  return sum((i) => a[i] * b[i]) / Math.sqrt(sum((i) => a[i] ** 2) * sum((i) => b[i] ** 2));
}

for (const [name, delay] of [
  ['speech.ogg', 0],
  ['speech.mp3', 1105],
] as const) {
  test(`${name} holds the clip's speech, at its own rate, ${delay} samples late`, async () => {
    const original = (await readAudio(clip)).samples.subarray(8000, 8000 + 11025);
    const { samples, sampleRate } = await readAudio(compressed(name));
    assert.equal(sampleRate, 22050);
    const match = correlation(original, samples.subarray(delay));
    assert.ok(match > 0.98, `correlation ${match}`);
  });
}

test('Ogg and MP3 cut to a few bytes are refused, not decoded to nothing', async () => {
  await fails(
    await save('cut.ogg', (await readFile(compressed('speech.ogg'))).subarray(0, 200)),
    'ERR_AUDIO_FORMAT',
    /decoded as Ogg/,
  );
  await assert.rejects(
    readAudio(await save('cut.mp3', (await readFile(compressed('speech.mp3'))).subarray(0, 40))),
    TtsError,
  );
});

test('where node-web-audio-api does not load, MP3 says what to install and FLAC still works', () => {
  // A loader hook makes the import fail as it does without libasound; the code under test is the real one.
  const hooks =
    `export async function resolve(name, context, next) { if (name === 'node-web-audio-api') throw new ` +
    `Error('libasound.so.2: cannot open shared object file'); return next(name, context); }`;
  const script = `
    import { register } from 'node:module';
    register('data:text/javascript,' + encodeURIComponent(${JSON.stringify(hooks)}));
    const { readAudio } = await import(${JSON.stringify(new URL('./read.js', import.meta.url).href)});
    const flac = await readAudio(${JSON.stringify(clip)});
    const mp3 = await readAudio(${JSON.stringify(compressed('speech.mp3'))}).catch((error) => error);
    process.stdout.write(JSON.stringify([flac.samples.length, mp3.code, mp3.message]));`;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '--eval', script], {
    encoding: 'utf8',
  });
  assert.ok(stdout, stderr);
  const [length, code, message] = JSON.parse(stdout) as [number, string, string];
  assert.equal(length, 41885);
  assert.equal(code, 'ERR_AUDIO_DECODER');
  assert.match(message, /libasound2.*WAV or FLAC/);
});

test('samples of MP3 and Ogg stay what they are when memory is collected', async () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  for (const name of ['speech.mp3', 'speech.ogg']) {
    const path = `test/fixtures/audio/${name}`;
    const held: { samples: Float32Array; copy: Float32Array }[] = [];
    for (let n = 0; n < 8; n++) {
      const { samples } = await readAudio(path);
      held.push({ samples, copy: samples.slice() });
    }
    for (let n = 0; n < 4; n++) {
      collect();
      await setImmediate();
      await readAudio(path);
    }
    for (const { samples, copy } of held) assert.ok(Buffer.from(samples.buffer).equals(Buffer.from(copy.buffer)), name);
  }
});
