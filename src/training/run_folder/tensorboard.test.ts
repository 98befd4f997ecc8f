import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { afterEach, beforeEach } from 'node:test';
import { EventWriter } from './tensorboard.js';
import { crc32c } from './tensorboard_encoding.js';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'events-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

type Field = { field: number; value: number | bigint | Buffer };

/** A reader of its own: records with a bit-by-bit CRC, then protobuf fields; bigint for varints, number for floats. */
function readRecords(file: Buffer): Field[][] {
  const records: Field[][] = [];
  for (let at = 0; at < file.length;) {
    const length = Number(file.readBigUInt64LE(at));
    const data = file.subarray(at + 12, at + 12 + length);
    assert.equal(file.readUInt32LE(at + 8), masked(file.subarray(at, at + 8)));
    assert.equal(file.readUInt32LE(at + 12 + length), masked(data));
    records.push(readFields(data));
    at += 16 + length;
  }
  return records;
}
function masked(bytes: Buffer): number {
  let crc = 0xffffffffn;
  for (const byte of bytes) {
    crc ^= BigInt(byte);
    for (let bit = 0; bit < 8; bit++) crc = (crc >> 1n) ^ (crc & 1n ? 0x82f63b78n : 0n);
  }
  crc ^= 0xffffffffn;
  return Number((((crc >> 15n) | (crc << 17n)) + 0xa282ead8n) & 0xffffffffn);
}
function readFields(data: Buffer): Field[] {
  const fields: Field[] = [];
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = BigInt(data[at++]);
      value |= (byte & 127n) << shift;
      if (byte < 128n) return value;
    }
  };
  while (at < data.length) {
    const key = Number(varint());
    const field = key >> 3;
    if ((key & 7) === 0) fields.push({ field, value: varint() });
    else if ((key & 7) === 1) fields.push({ field, value: data.readDoubleLE((at += 8) - 8) });
    else if ((key & 7) === 5) fields.push({ field, value: data.readFloatLE((at += 4) - 4) });
    else if ((key & 7) === 2) {
      const length = Number(varint());
      fields.push({ field, value: data.subarray(at, (at += length)) });
    } else assert.fail(`wire type ${key & 7}`);
  }
  assert.equal(at, data.length);
  return fields;
}
const get = (fields: Field[], field: number): number | bigint | Buffer | undefined =>
  fields.find((entry) => entry.field === field)?.value;
const inner = (fields: Field[], field: number): Field[] => readFields(get(fields, field) as Buffer);
const text = (value: unknown): string => (value as Buffer).toString();

/** The events of a file: step, tag and the fields of the summary's value. */
function read(path: string) {
  const [version, ...events] = readRecords(readFileSync(path));
  assert.equal(text(get(version, 3)), 'brain.Event:2');
  return events.map((event) => {
    assert.ok(Math.abs((get(event, 1) as number) - Date.now() / 1000) < 3600);
    if (get(event, 5) === undefined) return { step: get(event, 2), tag: '', value: [], session: inner(event, 7) };
    const value = inner(inner(event, 5), 1);
    return { step: get(event, 2), tag: text(get(value, 1)), value, session: [] };
  });
}

/** RFC 3720, appendix B.4. The RFC prints the CRC's bytes in the order in which they are sent, low byte first. */
test('CRC-32C has the values of RFC 3720', () => {
  const ascending = Uint8Array.from({ length: 32 }, (_, i) => i);
  const readCommand = Uint8Array.from(
    { length: 48 },
    (_, i) => ({ 0: 0x01, 1: 0xc0, 16: 0x14, 22: 0x04, 27: 0x14, 31: 0x18, 32: 0x28, 40: 0x02 })[i] ?? 0,
  );
  assert.equal(crc32c(new Uint8Array(32)), 0x8a9136aa);
  assert.equal(crc32c(new Uint8Array(32).fill(0xff)), 0x62a8ab43);
  assert.equal(crc32c(ascending), 0x46dd794e);
  assert.equal(crc32c(ascending.toReversed()), 0x113fdb5c);
  assert.equal(crc32c(readCommand), 0xd9963a56);
  assert.equal(crc32c(Buffer.from('123456789')), 0xe3069283);
});

test('scalars are read back with tag, step and value', () => {
  const writer = new EventWriter(dir);
  writer.scalar('loss/train', 0, 5.25);
  writer.scalar('loss/größe', 2 ** 40 + 1, NaN);
  writer.close();
  const [first, second] = read(writer.path);
  assert.deepEqual([first.step, first.tag, get(first.value, 2)], [0n, 'loss/train', 5.25]);
  assert.deepEqual([second.step, second.tag, get(second.value, 2)], [2n ** 40n + 1n, 'loss/größe', NaN]);
});

test('audio and images are read back byte for byte', () => {
  const wav = Buffer.from(Array.from({ length: 70_000 }, (_, i) => (i * 7) & 255));
  const png = Buffer.from(Array.from({ length: 300 }, (_, i) => (i === 25 ? 6 : i & 255)));
  const writer = new EventWriter(dir);
  writer.audio('samples/LJ001-0008', 5000, wav, 22050, 34_978);
  writer.image('spectrogram', 5000, png, 800, 320);
  writer.close();
  const [sound, picture] = read(writer.path);
  const audio = inner(sound.value, 6);
  assert.deepEqual(
    [1, 2, 3].map((field) => get(audio, field)),
    [22050, 1n, 34_978n],
  );
  assert.deepEqual(get(audio, 4), wav);
  assert.equal(text(get(audio, 5)), 'audio/wav');
  const image = inner(picture.value, 4);
  assert.deepEqual(
    [1, 2, 3].map((field) => get(image, field)),
    [320n, 800n, 4n],
  );
  assert.deepEqual(get(image, 4), png);
});

test('events are in the file without a flush', () => {
  const writer = new EventWriter(dir);
  writer.scalar('loss', 1, 1);
  assert.equal(read(writer.path).length, 1);
  writer.close();
});

test('a resumed run starts a new file and says from which step it goes on', () => {
  const first = new EventWriter(dir);
  first.scalar('loss', 1, 1);
  first.close();
  const before = readFileSync(first.path);
  const second = new EventWriter(dir, 1000);
  second.scalar('loss', 1001, 0.5);
  second.close();
  assert.equal(readdirSync(dir).length, 2);
  assert.deepEqual(
    readdirSync(dir)
      .sort()
      .map((name) => join(dir, name)),
    [first.path, second.path],
  );
  assert.deepEqual(readFileSync(first.path), before);
  const [start, scalar] = read(second.path);
  assert.deepEqual([start.step, start.session], [1000n, [{ field: 1, value: 1n }]]);
  assert.equal(scalar.step, 1001n);
});
