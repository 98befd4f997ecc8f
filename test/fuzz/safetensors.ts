// Files of tensors that say what is not so.
import type { RandomStream } from '../../src/base/random.js';
import type { SafetensorsFile, Tensor } from '../../src/model/safetensors.js';
import { bombText, chance, damagedData, damagedText, oneOf } from './damage.js';

const hostileNumbers = [NaN, Infinity, -Infinity, 1e30, -1e7, 0, -0, 1e-40, 1, -1, 255, 65535, 2 ** 31 - 1, -(2 ** 31)];

/** The same file with metadata, names, types, shapes and numbers changed, and lengths that are right. */
export function forged({ tensors, metadata }: SafetensorsFile, random: RandomStream): SafetensorsFile {
  const parts = {
    tensors: new Map<string, Tensor>(
      [...tensors].map(([name, tensor]) => [name, { ...tensor, data: tensor.data.slice() }]),
    ),
    metadata: { ...metadata },
  };
  for (let n = 1 + random.below(3); n > 0; n--) {
    const name = oneOf(random, [...parts.tensors.keys()]);
    const tensor = parts.tensors.get(name) as Tensor;
    const key = oneOf(random, Object.keys(parts.metadata));
    switch (random.below(9)) {
      case 0:
      case 1:
      case 2:
        try {
          parts.metadata[key] = JSON.stringify(damagedData(JSON.parse(parts.metadata[key]), random)) ?? '';
        } catch {
          parts.metadata[key] = damagedText(parts.metadata[key], random);
        }
        break;
      case 3:
        parts.metadata[key] = chance(random, 0.1) ? bombText(random) : damagedText(parts.metadata[key], random);
        break;
      case 4:
      case 5:
        if (tensor.data.length > 0)
          for (let i = 1 + random.below(3); i > 0; i--)
            tensor.data[random.below(tensor.data.length)] = oneOf(random, hostileNumbers);
        break;
      case 6:
        parts.tensors.delete(name);
        if (chance(random, 0.5)) parts.tensors.set(oneOf(random, ['x', '', '__proto__', `${name} `, 'input']), tensor);
        break;
      case 7: {
        const data = tensor.data.slice(0, random.below(tensor.data.length + 1));
        parts.tensors.set(name, { ...tensor, shape: [data.length], data });
        break;
      }
      default:
        parts.tensors.set(name, {
          ...tensor,
          shape: oneOf(random, [[...tensor.shape].reverse(), [1, ...tensor.shape], [tensor.data.length]]),
        });
    }
    if (parts.tensors.size === 0) break;
  }
  return parts;
}

/** The bytes with another header, whose length is right. */
export function otherHeader(bytes: Uint8Array, random: RandomStream): Buffer {
  const file = Buffer.from(bytes);
  const end = 8 + Number(file.readBigUInt64LE(0));
  const header: unknown = JSON.parse(file.toString('utf8', 8, end));
  const text = chance(random, 0.7)
    ? JSON.stringify(damagedData(header, random))
    : damagedText(JSON.stringify(header), random);
  const json = Buffer.from(text);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  return Buffer.concat([length, json, file.subarray(end)]);
}
