import assert from 'node:assert/strict';
import { join } from 'node:path';
import test, { after } from 'node:test';
import { tinyAcoustic, tinyAcousticStore } from '../../test/support/acoustic.js';
import { temporaryFolder } from '../../test/support/command_line.js';
import { refused } from '../../test/support/files.js';
import { decodeSafetensors, encodeSafetensors, type Tensor } from '../model/safetensors.js';
import { decodeExamples, encodeExamples } from './acoustic_files.js';

const { store, data } = await tinyAcousticStore(tinyAcoustic(), join(temporaryFolder({ after }), 'cache'));
const others = data.train.slice(0, 2).map(({ ids, durations }, i) => ({ id: `${i}`, ids, durations }));
const sent = { ...data, others };
const bytes = encodeExamples(sent);

test('examples arrive as they were sent, but for clips that are held out', () => {
  const found = decodeExamples(bytes, store);
  assert.deepEqual(
    found.train.map(({ voiced: _, clip, ...rest }) => ({ ...rest, clip: clip.id })),
    data.train.map(({ voiced: _, clip, ...rest }) => ({ ...rest, clip: clip.id })),
  );
  assert.deepEqual(found.others, others);
  assert.deepEqual(found.statistics, {
    ...data.statistics,
    mean: Float32Array.from(data.statistics.mean),
    std: Float32Array.from(data.statistics.std),
  });
  assert.equal(found.hash, data.hash);
  assert.deepEqual(found.validation, []);
});

/** The examples with an array changed. */
function changed(name: string, change: (tensor: Tensor) => Tensor | undefined): Uint8Array {
  const { tensors, metadata } = decodeSafetensors(bytes);
  const next = change(tensors.get(name)!);
  if (next) tensors.set(name, next);
  else tensors.delete(name);
  return encodeSafetensors(tensors, metadata);
}

const first =
  (value: number) =>
  (tensor: Tensor): Tensor => {
    const data = tensor.data.slice();
    data[0] = value;
    return { ...tensor, data };
  };

const shorter = ({ dtype, data }: Tensor): Tensor => ({ dtype, shape: [data.length - 1], data: data.slice(0, -1) });

test('examples that do not hold together are refused', () => {
  for (const [damaged, pattern] of [
    [changed('train.contour', () => undefined), /have no train\.contour/],
    [changed('train.ids', first(255)), /have a token beyond/],
    [changed('train.tokens', first(-1)), /lengths below 0/],
    [changed('train.tokens', first(2 ** 30)), /have \d+ of train\.ids, expected more/],
    [changed('train.durations', first(9999)), /have \d+ frames of LJ\S+, expected \d+/],
    [changed('train.prosody', shorter), /have \d+ of train\.prosody, expected/],
    [changed('train.tokens', shorter), /expected|are of/],
    [changed('mean', shorter), /statistics of 79 and 80 bins/],
  ] as const)
    assert.throws(() => decodeExamples(damaged, store), refused('ERR_CLUSTER', pattern));
  const { tensors, metadata } = decodeSafetensors(bytes);
  for (const given of [{}, { ...metadata, statistics: '{' }, { ...metadata, statistics: '{"logF0":1}' }])
    assert.throws(() => decodeExamples(encodeSafetensors(tensors, given), store), refused('ERR_CLUSTER'));
  assert.throws(() => decodeExamples(Buffer.from('nothing'), store), refused('ERR_CLUSTER'));
});
