import { z } from 'zod';
import { concatenated } from '../base/concatenated.js';
import { TtsError } from '../base/errors.js';
import { text } from '../base/limits.js';
import type { FeatureStore } from '../data/store/feature_store.js';
import { prosodyValues } from '../model/acoustic/config.js';
import { encodeSafetensors, type Tensor, type TensorData } from '../model/safetensors.js';
import { tokenSymbols } from '../text/tokens.js';
import type { AcousticData, AcousticExample, TimedTokens } from '../training/acoustic/examples.js';
import { decodeInput } from './answers.js';
import { checked, readJson } from './protocol.js';

const moments = z.strictObject({ mean: z.number(), std: z.number().positive() });

const metadataSchema = z.strictObject({ hash: text(), statistics: text() });

const statisticsSchema = z.strictObject({ logF0: moments, energy: moments });

type Arrays = Float32Array | Int32Array | Uint8Array;

const ofAll = <I, T extends Arrays>(items: readonly I[], pick: (item: I) => T, type: new (length: number) => T): T =>
  concatenated(items.map(pick), type);

/** What an acoustic model learns from beside the clips of a store, as one file; clips that are held out are not in it. */
export function encodeExamples({ train, others, statistics, hash }: AcousticData): Uint8Array {
  const tensor = (data: Arrays): Tensor => ({
    dtype: data instanceof Float32Array ? 'F32' : data instanceof Int32Array ? 'I32' : 'U8',
    shape: [data.length],
    data,
  });
  const tokens = (kind: string, items: readonly TimedTokens[]): [string, Arrays][] => [
    [`${kind}.tokens`, Int32Array.from(items, ({ ids }) => ids.length)],
    [`${kind}.ids`, ofAll(items, ({ ids }) => ids, Uint8Array)],
    [`${kind}.durations`, ofAll(items, ({ durations }) => durations, Int32Array)],
  ];
  const of = (pick: (example: AcousticExample) => Float32Array) => ofAll(train, pick, Float32Array);
  const arrays: [string, Arrays][] = [
    ...tokens('train', train),
    ...tokens('others', others),
    ['train.contour', of(({ contour }) => contour)],
    ['train.prosody', of(({ prosody }) => prosody)],
    ['train.pitchWeight', of(({ pitchWeight }) => pitchWeight)],
    ['mean', Float32Array.from(statistics.mean)],
    ['std', Float32Array.from(statistics.std)],
  ];
  const { logF0, energy } = statistics;
  return encodeSafetensors(new Map(arrays.map(([name, data]) => [name, tensor(data)])), {
    hash,
    statistics: JSON.stringify({ logF0, energy }),
  });
}

/**
 * @param store of the same clips, in the same order
 * @throws {TtsError} ERR_CLUSTER for what does not hold together
 */
export function decodeExamples(bytes: Uint8Array, store: FeatureStore): AcousticData {
  const what = 'the examples';
  const { tensors, metadata } = decodeInput(bytes);
  const { hash, ...texts } = checked(metadataSchema, metadata, what);
  const statistics = readJson(statisticsSchema, texts.statistics, what);
  const fail = (message: string): never => {
    throw new TtsError('ERR_CLUSTER', `${what} ${message}`);
  };
  /** Reads an array piece by piece, to its end. */
  const reader = <T extends Arrays & TensorData>(name: string, type: new (length: number) => T) => {
    const found = tensors.get(name)?.data;
    const data = found instanceof type ? found : fail(`have no ${name}`);
    let at = 0;
    return {
      data,
      next(length: number): T {
        if (at + length > data.length) fail(`have ${data.length} of ${name}, expected more`);
        return data.slice(at, (at += length)) as T;
      },
      end: () => at === data.length || fail(`have ${data.length} of ${name}, expected ${at}`),
    };
  };
  const tokens = (kind: string, names: readonly string[]): TimedTokens[] => {
    const lengths = reader(`${kind}.tokens`, Int32Array).data;
    const [ids, durations] = [reader(`${kind}.ids`, Uint8Array), reader(`${kind}.durations`, Int32Array)];
    if (ids.data.some((id) => id >= tokenSymbols.length)) fail(`have a token beyond ${tokenSymbols.length}`);
    if (lengths.some((length) => length < 0) || durations.data.some((frames) => frames < 0))
      fail('have lengths below 0');
    const items = Array.from(lengths, (length, i) => ({
      id: names[i] ?? `${i}`,
      ids: ids.next(length),
      durations: durations.next(length),
    }));
    ids.end();
    durations.end();
    return items;
  };
  const timed = tokens(
    'train',
    store.train.map(({ id }) => id),
  );
  if (timed.length !== store.train.length) fail(`are of ${timed.length} clips, expected ${store.train.length}`);
  const [contour, prosody, pitchWeight] = ['contour', 'prosody', 'pitchWeight'].map((name) =>
    reader(`train.${name}`, Float32Array),
  );
  const train = timed.map((item, i): AcousticExample => {
    const clip = store.train[i];
    const { length } = item.ids;
    const frames = item.durations.reduce((sum, duration) => sum + duration, 0);
    if (frames !== clip.frames) fail(`have ${frames} frames of ${clip.id}, expected ${clip.frames}`);
    return {
      ...item,
      clip,
      contour: contour.next(clip.frames),
      // Measures of clips that are held out alone look at it.
      voiced: new Uint8Array(clip.frames),
      prosody: prosody.next(length * prosodyValues),
      pitchWeight: pitchWeight.next(length),
    };
  });
  for (const each of [contour, prosody, pitchWeight]) each.end();
  const [mean, std] = ['mean', 'std'].map((name) => reader(name, Float32Array).data);
  if (mean.length !== store.bins || std.length !== store.bins)
    fail(`have statistics of ${mean.length} and ${std.length} bins, expected ${store.bins}`);
  return {
    train,
    validation: [],
    others: tokens('others', []),
    statistics: { mean, std, ...statistics },
    features: store.settings,
    hash,
    notes: [],
  };
}
