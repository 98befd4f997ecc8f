import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { after } from 'node:test';
import { temporaryFolder } from '../../test/support/command_line.js';
import { refused } from '../../test/support/files.js';
import { chunk, floats, formatChunk, riff, waveGuid, wavFile } from '../../test/support/odd_audio.js';
import { readAudio } from './read.js';

const folder = temporaryFolder({ after });
function save(bytes: Uint8Array, name = 'odd.wav'): string {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
}
const read = async (bytes: Uint8Array) => [...(await readAudio(save(bytes))).samples];
const int16 = (...values: number[]) => Buffer.from(Int16Array.from(values).buffer);

/** Four samples in every encoding that is read, and what they are. */
const encodings: [name: string, format: number, bits: number, data: Buffer, samples: number[]][] = [
  ['integers of 8 bits', 1, 8, Buffer.from([128, 192, 64, 0]), [0, 0.5, -0.5, -1]],
  ['integers of 16 bits', 1, 16, int16(0, 16384, -16384, -32768), [0, 0.5, -0.5, -1]],
  [
    'integers of 24 bits',
    1,
    24,
    Buffer.from([0, 0, 0, 1, 0, 0x40, 0, 0, 0xc0, 0, 0, 0x80]),
    [0, 0.5 + 2 ** -23, -0.5, -1],
  ],
  [
    'integers of 32 bits',
    1,
    32,
    Buffer.from(Int32Array.of(0, 2 ** 30, -(2 ** 30), -(2 ** 31)).buffer),
    [0, 0.5, -0.5, -1],
  ],
  ['floats of 32 bits', 3, 32, floats(0, 0.25, -0.75, 1), [0, 0.25, -0.75, 1]],
  ['floats of 64 bits', 3, 64, Buffer.from(Float64Array.of(0, 0.25, -0.75, 1).buffer), [0, 0.25, -0.75, 1]],
  // ITU-T G.711: the ends and the least values of both signs.
  ['A-law', 6, 8, Buffer.from([0xd5, 0x55, 0xaa, 0x2a]), [8, -8, 32256, -32256].map((value) => value / 32768)],
  ['µ-law', 7, 8, Buffer.from([0xff, 0xfe, 0x80, 0x00]), [0, 8, 32124, -32124].map((value) => value / 32768)],
];
for (const [name, format, bits, data, samples] of encodings) {
  const shape = { format, bits };
  test(`${name} have their values: plain, extensible by GUID, RF64, BW64, and of any size that is declared`, async () => {
    assert.deepEqual(await read(wavFile(data, shape)), samples, 'plain');
    const extensible = formatChunk(shape, waveGuid(format));
    assert.deepEqual(await read(riff([extensible, chunk('data', data)])), samples, 'extensible');
    const bytes = Buffer.alloc(28);
    bytes.writeBigUInt64LE(BigInt(data.length), 8);
    bytes.writeBigUInt64LE(4n, 16);
    const sized = chunk('data', data, { size: 0xffffffff });
    for (const tag of ['RF64', 'BW64'])
      assert.deepEqual(
        await read(
          riff([chunk('ds64', bytes), extensible, sized, chunk('LIST', Buffer.alloc(4))], { tag, size: 0xffffffff }),
        ),
        samples,
        tag,
      );
    for (const size of [0, 0x7ffff000, 0xffffffff, 0xffffffff - 35])
      assert.deepEqual(
        await read(riff([extensible, chunk('data', data, { size, pad: false })], { size: 0 })),
        samples,
        `size ${size}`,
      );
    const six = await readAudio(
      save(riff([formatChunk({ ...shape, channels: 4 }, waveGuid(format)), chunk('data', data)])),
    );
    assert.deepEqual(
      [...six.samples],
      [Math.fround(samples.reduce((sum, value) => sum + Math.fround(value), 0) / 4)],
      '4 channels',
    );
  });

  test(`${name} of an odd number of bytes: the byte that pads them is no sample, and may be missing`, async () => {
    const [one, three] = [data.subarray(0, bits / 8), data.subarray(0, (3 * bits) / 8)];
    for (const pad of [true, false]) {
      assert.deepEqual(await read(riff([formatChunk(shape), chunk('data', one, { pad })])), samples.slice(0, 1));
      assert.deepEqual(
        await read(
          riff([formatChunk(shape), chunk('LIST', Buffer.from('abc'), { pad }), chunk('data', three, { pad })]),
        ),
        samples.slice(0, 3),
      );
    }
  });
}

test('every code of A-law and µ-law is the value of ITU-T G.711', async () => {
  const all = Buffer.from(Array.from({ length: 256 }, (_, code) => code));
  const aLaw = (code: number) => {
    const [sign, exponent, mantissa] = [(code ^ 0x55) & 128, ((code ^ 0x55) >> 4) & 7, (code ^ 0x55) & 15];
    const value = exponent === 0 ? 16 * mantissa + 8 : (16 * mantissa + 264) * 2 ** (exponent - 1);
    return sign ? value : -value;
  };
  const muLaw = (code: number) => {
    const [sign, exponent, mantissa] = [~code & 128, (~code >> 4) & 7, ~code & 15];
    const value = (8 * mantissa + 132) * 2 ** exponent - 132;
    return sign ? -value : value;
  };
  const [a, mu] = await Promise.all(
    [6, 7].map(async (format) => (await readAudio(save(wavFile(all, { format, bits: 8 }), `${format}.wav`))).samples),
  );
  assert.deepEqual(
    [...a],
    [...all].map((code) => aLaw(code) / 32768),
  );
  assert.deepEqual(
    [...mu],
    [...all].map((code) => muLaw(code) / 32768 + 0),
  );
});

test('RIFX has its numbers the other way round, plain and as sox writes its extensible header', async () => {
  const data = Buffer.from([0x40, 0, 0, 0xc0, 0, 0]);
  const shape = { bits: 24, bigEndian: true };
  const guid = waveGuid(1).swap16();
  waveGuid(1).copy(guid, 2, 2);
  for (const format of [formatChunk(shape), formatChunk(shape, guid)])
    assert.deepEqual(
      await read(riff([format, chunk('data', data, { bigEndian: true })], { tag: 'RIFX' })),
      [0.5, -0.5],
    );
});

test("ffmpeg's ds64 counts the byte that pads: it is no sample", async () => {
  const bytes = Buffer.alloc(28);
  bytes.writeBigUInt64LE(4n, 8);
  bytes.writeBigUInt64LE(3n, 16);
  const data = chunk('data', Buffer.from([192, 64, 128]), { size: 0xffffffff });
  const file = riff([chunk('ds64', bytes), formatChunk({ bits: 8 }), data], { tag: 'RF64' });
  assert.deepEqual(await read(file), [0.5, -0.5, 0]);
});

test('a data chunk of size 0 with chunks behind it is empty, and not what lies in them', async () => {
  const file = riff([formatChunk({}), chunk('data', Buffer.alloc(0)), chunk('LIST', Buffer.alloc(8, 65))]);
  await assert.rejects(readAudio(save(file)), refused('ERR_AUDIO_EMPTY', /no samples/));
});

test('half a sample at the end of a stream is dropped', async () => {
  const data = Buffer.concat([int16(100, -100), Buffer.of(7)]);
  const file = riff([formatChunk({}), chunk('data', data, { size: 0xffffffff, pad: false })]);
  assert.deepEqual(await read(file), [100 / 32768, -100 / 32768]);
});

const guid = Buffer.from('0102030405060708090a0b0c0d0e0f10', 'hex');
const refusals: [name: string, bytes: Buffer, pattern: RegExp][] = [
  [
    'an unknown GUID',
    riff([formatChunk({}, guid), chunk('data', int16(1))]),
    /kind 04030201-0605-0807-090a-0b0c0d0e0f10/,
  ],
  [
    'MP3 by its GUID',
    riff([formatChunk({}, waveGuid(85)), chunk('data', int16(1))]),
    /compressed \(MP3, WAV format 85\)/,
  ],
  ['IMA ADPCM', wavFile(int16(1), { format: 17, bits: 4 }), /compressed \(IMA ADPCM, WAV format 17\)/],
  ['integers of 12 bits', wavFile(int16(1), { bits: 12 }), /12 bits per sample: expected 8, 16, 24, 32 for integers/],
  [
    'floats of 16 bits by GUID',
    riff([formatChunk({ bits: 16 }, waveGuid(3)), chunk('data', int16(1))]),
    /16 bits .*float/,
  ],
  [
    'an extensible header cut short',
    Buffer.from(wavFile(int16(1), { format: 0xfffe })),
    /extensible header of 16 bytes/,
  ],
  ['AIFF', Buffer.from('FORM\0\0\0\x10AIFFCOMM', 'latin1'), /is AIFF: /],
  ['AIFF-C', Buffer.from('FORM\0\0\0\x10AIFCFVER', 'latin1'), /is AIFF-C: /],
  ['CAF', Buffer.from('caff\0\x01\0\0desc', 'latin1'), /Core Audio \(CAF\)/],
  ['Sun AU', Buffer.from('.snd\0\0\0\x18', 'latin1'), /Sun AU/],
  ['W64', Buffer.from('726966662e91cf11a5d628db04c10000', 'hex'), /W64/],
  ['WebM', Buffer.from('1a45dfa301000000', 'hex'), /WebM/],
  ['AAC', Buffer.from('fff1508001200000', 'hex'), /is AAC/],
  [
    'Ogg FLAC',
    Buffer.concat([Buffer.from('OggS'), Buffer.alloc(24), Buffer.from('\x7fFLAC', 'latin1'), Buffer.alloc(40)]),
    /Ogg with FLAC/,
  ],
];
for (const [name, bytes, pattern] of refusals) {
  test(`${name} is refused by name, in one line, with the command that converts it`, async () => {
    await assert.rejects(
      readAudio(save(bytes, "it's odd.wav")),
      refused(
        'ERR_AUDIO_FORMAT',
        pattern,
        /^[^\n]*; convert it: ffmpeg -i '.*it'\\''s odd\.wav' '.*it'\\''s odd\.flac'$/,
      ),
    );
  });
}

const zip = (name: string) => {
  const head = Buffer.alloc(30);
  head.write('PK\x03\x04', 'latin1');
  head.writeUInt16LE(name.length, 26);
  return Buffer.concat([head, Buffer.from(name), Buffer.alloc(20)]);
};
const notAudio: [name: string, bytes: Buffer, pattern: RegExp][] = [
  ['a.npz', zip('mel.npy'), /an \.npz archive with mel in it.*np\.save\('.*a\.npy', np\.load\('.*a\.npz'\)\['mel'\]\)/],
  ['a.pt', zip('archive/data.pkl'), /a PyTorch file.*torch\.load\('.*a\.pt'/],
  ['old.pt', Buffer.from('80028a0a6cfc9c46f9206aa8', 'hex'), /pickle.*torch\.load/],
  ['a.csv', Buffer.from('0.5,0.25\n1.5,2\n'), /is text.*np\.loadtxt\('.*a\.csv', delimiter=','\)/],
  ['a.h5', Buffer.from('\x89HDF\r\n\x1a\n', 'latin1'), /HDF5/],
  ['a.npy', Buffer.from('\x93NUMPY\x01\0', 'latin1'), /numpy array.*tts-synth/],
  ['a.wav.gz', Buffer.from('1f8b0800', 'hex'), /gzip file.*gunzip/],
];
for (const [name, bytes, pattern] of notAudio)
  test(`${name} in place of audio is refused with what to do`, async () => {
    await assert.rejects(readAudio(save(bytes, name)), refused('ERR_AUDIO_FORMAT', pattern, /^[^\n]*$/));
  });
