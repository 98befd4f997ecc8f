/**
 * The two encodings in an event file: protobuf wire format (https://protobuf.dev/programming-guides/encoding/) and
 * TFRecord framing (https://www.tensorflow.org/tutorials/load_data/tfrecord, "TFRecords format details").
 */
const wireVarint = 0;
const wire64 = 1;
const wireBytes = 2;
const wire32 = 5;

/** A whole number from 0 to 2^53 - 1, seven bits a byte, low ones first. */
function varint(value: number): Buffer {
  const bytes: number[] = [];
  for (; value >= 0x80; value = Math.floor(value / 0x80)) bytes.push((value % 0x80) | 0x80);
  return Buffer.from([...bytes, value]);
}
const key = (field: number, wire: number): Buffer => varint(field * 8 + wire);

export const intField = (field: number, value: number): Buffer =>
  Buffer.concat([key(field, wireVarint), varint(value)]);
export const bytesField = (field: number, value: Uint8Array): Buffer =>
  Buffer.concat([key(field, wireBytes), varint(value.length), value]);
export const stringField = (field: number, value: string): Buffer => bytesField(field, Buffer.from(value));
/** A message inside a message. */
export const message = (field: number, ...fields: Uint8Array[]): Buffer => bytesField(field, Buffer.concat(fields));

export function floatField(field: number, value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeFloatLE(value);
  return Buffer.concat([key(field, wire32), bytes]);
}

export function doubleField(field: number, value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(value);
  return Buffer.concat([key(field, wire64), bytes]);
}

/** One TFRecord: length (u64), masked CRC of the length, data, masked CRC of the data, all little endian. */
export function record(data: Uint8Array): Buffer {
  const head = Buffer.alloc(12);
  head.writeBigUInt64LE(BigInt(data.length));
  head.writeUInt32LE(mask(crc32c(head.subarray(0, 8))), 8);
  const tail = Buffer.alloc(4);
  tail.writeUInt32LE(mask(crc32c(data)));
  return Buffer.concat([head, data, tail]);
}

/** A checksum of data that hold checksums is weak, so TFRecord rotates it and adds a constant. */
const mask = (crc: number): number => (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;

/** The Castagnoli polynomial 0x1EDC6F41, bits reversed. */
const polynomial = 0x82f63b78;
const table = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ polynomial : crc >>> 1;
  return crc;
});

/** CRC-32C (RFC 3720, section 12.1 and appendix B.4) of some bytes. */
export function crc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = table[(crc ^ byte) & 0xff] ^ (crc >>> 8);
  return ~crc >>> 0;
}
