/** Sound files byte by byte, with everything in them that can be odd. */

/** A chunk; `pad: false` leaves out the byte that an odd number of bytes needs. */
export function chunk(
  tag: string,
  content: Uint8Array,
  { size = content.length, pad = true, bigEndian = false } = {},
): Buffer {
  const head = Buffer.alloc(8);
  head.write(tag, 'latin1');
  if (bigEndian) head.writeUInt32BE(size, 4);
  else head.writeUInt32LE(size, 4);
  return Buffer.concat([head, content, Buffer.alloc(pad ? content.length % 2 : 0)]);
}

/** The GUIDs of Microsoft's ksmedia.h, as they lie in a file; the first two bytes are the WAV format. */
export function waveGuid(format: number): Buffer {
  const guid = Buffer.from('0000000000001000800000aa00389b71', 'hex');
  guid.writeUInt16LE(format, 0);
  return guid;
}

export interface WavShape {
  /** 1 PCM, 3 float, 6 A-law, 7 µ-law. */
  readonly format?: number;
  readonly channels?: number;
  readonly rate?: number;
  readonly bits?: number;
  readonly bigEndian?: boolean;
}

/** A `fmt ` chunk, plain, or extensible with a GUID. */
export function formatChunk(
  { format = 1, channels = 1, rate = 22050, bits = 16, bigEndian = false }: WavShape,
  guid?: Buffer,
): Buffer {
  const fields = Buffer.alloc(guid ? 40 : 16);
  const put = (width: 2 | 4, value: number, at: number) =>
    bigEndian ? fields.writeUIntBE(value, at, width) : fields.writeUIntLE(value, at, width);
  const block = (channels * bits) / 8;
  put(2, guid ? 0xfffe : format, 0);
  put(2, channels, 2);
  put(4, rate, 4);
  put(4, rate * block, 8);
  put(2, block, 12);
  put(2, bits, 14);
  if (guid) {
    put(2, 22, 16);
    put(2, bits, 18);
    guid.copy(fields, 24);
  }
  return chunk('fmt ', fields, { bigEndian });
}

/** Chunks in a container of the form RIFF. */
export function riff(chunks: readonly Buffer[], { tag = 'RIFF', size }: { tag?: string; size?: number } = {}): Buffer {
  const body = Buffer.concat([Buffer.from('WAVE'), ...chunks]);
  return chunk(tag, body, { size: size ?? body.length, bigEndian: tag === 'RIFX', pad: false });
}

/** A WAV file of these bytes of samples. */
export const wavFile = (samples: Uint8Array, shape: WavShape = {}): Buffer =>
  riff([formatChunk(shape), chunk('data', samples)]);

/** 32-bit floats as bytes. */
export const floats = (...values: number[]): Buffer => Buffer.from(Float32Array.from(values).buffer);

/** A WAV file of 32-bit floats, the channels interleaved. */
export const floatWav = (samples: ArrayLike<number>, channels = 1, rate = 22050): Buffer =>
  wavFile(Buffer.from(Float32Array.from(samples).buffer), { format: 3, bits: 32, channels, rate });
