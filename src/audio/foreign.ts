/** A kind of file that is recognised and not read. */
export interface ForeignFormat {
  /** For `… is WHAT`. */
  readonly what: string;
  /** What to do, in a few words. */
  readonly advice: string;
}

/**
 * Says what a file is that is neither audio nor an array that can be read, by its first bytes, and what to do with it.
 * Undefined where it is nothing that is known.
 *
 * @param name of the file, for the advice
 */
export function foreignFormat(bytes: Uint8Array, name: string): ForeignFormat | undefined {
  const text = (from: number, to: number) => String.fromCharCode(...bytes.subarray(from, to));
  const begins = (tag: string, at = 0) => text(at, at + tag.length) === tag;
  const sound = (what: string): ForeignFormat => ({ what, advice: convertWithFfmpeg(name) });
  if (begins('FORM')) return sound(begins('AIFC', 8) ? 'AIFF-C' : begins('AIFF', 8) ? 'AIFF' : 'an IFF file');
  if (begins('caff')) return sound('Apple Core Audio (CAF)');
  if (begins('.snd') || begins('dns.')) return sound('Sun AU');
  if (begins(sonyRiff)) return sound("Sony Wave64, WAV's variant W64");
  if (begins('ftyp', 4)) return sound('MP4/M4A');
  if (begins('\x1aE\xdf\xa3')) return sound('Matroska or WebM');
  if (begins('\x30\x26\xb2\x75')) return sound('Windows Media (ASF)');
  if (begins('#!AMR')) return sound('AMR');
  if (begins('ADIF') || (bytes[0] === 0xff && (bytes[1] & 0xf6) === 0xf0)) return sound('AAC');
  if (begins('NIST_1A')) return sound('NIST SPHERE');
  if (begins('wvpk')) return sound('WavPack');
  if (begins('MAC ')) return sound("Monkey's Audio");
  if (begins('TTA1')) return sound('True Audio');
  if (begins('RIFF') && !begins('WAVE', 8))
    return sound(`RIFF of the kind ${printable(text(8, 12))}, and not a WAV file`);
  if (begins('\x93NUMPY'))
    return {
      what: 'a numpy array',
      advice: 'features in a file that ends in .npy are for tts-synth; audio is saved as WAV',
    };
  const plain = shellWord(name);
  if (begins('PK\x03\x04')) {
    const inside = text(30, 30 + Math.min(200, bytes[26] + 256 * bytes[27]));
    if (inside.endsWith('.npy'))
      return {
        what: `an .npz archive with ${printable(inside.slice(0, -4))} in it`,
        advice: `save one array: python -c "import numpy as np; np.save('${stemOf(name)}.npy', np.load('${name}')['${printable(inside.slice(0, -4))}'])"`,
      };
    if (/data\.pkl$|\/version$|\/byteorder$/.test(inside)) return { what: 'a PyTorch file', advice: fromTorch(name) };
    return { what: 'a zip archive', advice: `unpack it: unzip ${plain}` };
  }
  // Torch before 1.6, and any pickle from protocol 2 on.
  if (bytes[0] === 0x80 && bytes[1] >= 2 && bytes[1] <= 5)
    return { what: 'a Python pickle, such as an old PyTorch file', advice: fromTorch(name) };
  if (begins('\x89HDF'))
    return { what: 'an HDF5 file', advice: `save one array as .npy: numpy.save('${stemOf(name)}.npy', …)` };
  if (begins('\x1f\x8b')) return { what: 'a gzip file', advice: `unpack it: gunzip ${plain}` };
  if (bytes.length >= 8 && isText(bytes.subarray(0, 512))) {
    if (/\.(csv|tsv|txt)$/i.test(name) && /\d/.test(text(0, 200)))
      return {
        what: 'text',
        advice: `if it holds numbers, save them as .npy: python -c "import numpy as np; np.save('${stemOf(name)}.npy', np.loadtxt('${name}'${/\.csv$/i.test(name) ? ", delimiter=','" : ''}).astype('float32'))"`,
      };
    return { what: 'text', advice: 'give a recording' };
  }
  return undefined;
}

/** `riff` and the rest of Sony's GUID for it. */
const sonyRiff = 'riff\x2e\x91\xcf\x11\xa5\xd6\x28\xdb\x04\xc1\x00\x00';

/** The command that makes a file out of this one that can be read; the quality stays. */
export function convertWithFfmpeg(name: string, options = ''): string {
  const ending = name.toLowerCase().endsWith('.flac') ? 'wav' : 'flac';
  return `convert it: ffmpeg -i ${shellWord(name)}${options} ${shellWord(`${stemOf(name)}.${ending}`)}`;
}

const fromTorch = (name: string) =>
  `save one array: python -c "import torch, numpy as np; np.save('${stemOf(name)}.npy', torch.load('${name}', map_location='cpu').numpy())"`;

/** Without its ending; the ending of a hidden file is its name. */
const stemOf = (name: string) => name.replace(/([^\\/.])\.[^\\/.]*$/, '$1');

/** As a shell takes it for one word. */
const shellWord = (name: string) => (/^[\w./+:@-]+$/.test(name) ? name : `'${name.replaceAll("'", "'\\''")}'`);

/** Without control characters. */
const printable = (text: string) => text.replaceAll(/[^\x20-\x7e]/g, '?');

/** Letters, digits, signs, space and line ends only; UTF-8 counts as letters. */
function isText(bytes: Uint8Array): boolean {
  return (
    bytes.every((byte) => byte >= 0x20 || byte === 9 || byte === 10 || byte === 13) &&
    !bytes.includes(0x7f) &&
    bytes.filter((byte) => byte < 0x80).length * 2 > bytes.length
  );
}
