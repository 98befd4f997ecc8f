import assert from 'node:assert/strict';
import test from 'node:test';
import { RandomStream } from '../../base/random.js';
import { layoutOf, stripRows } from './layout.js';
import { itemBlocks, itemWords, partItems, partsOf, partWords, productsOf, stripsThatFit } from './products.js';

const sizes = { hidden: 384, projection: 192, classes: 32, inputs: 7 };

test('every block of every member is in one item, whose part has its strip', () => {
  const stream = new RandomStream(3, 90);
  const { shapes } = layoutOf(sizes);
  const members = 2;
  for (const most of [1, 5, 32]) {
    /** [member][matrix][strip]: first block and blocks. */
    let blocks = 0;
    const given = Array.from({ length: members }, () =>
      shapes.map(([rows, columns], i) =>
        Array.from({ length: rows / stripRows }, (): readonly [number, number] => {
          const count = i < 5 ? stream.below(columns) : columns;
          blocks += count;
          return [blocks - count, count];
        }),
      ),
    );
    const { parts, items } = partsOf(sizes, members, (m, i, strip) => given[m][i][strip], most, 256);
    const seen = new Uint8Array(blocks);
    const products = productsOf(sizes);
    for (let part = 0; part < parts.length; part += partWords) {
      const [member, p, firstStrip, strips, first, count] = parts.subarray(part, part + partWords);
      const product = products[p];
      assert.ok(count > 0 && count <= partItems(256) && strips > 0 && strips <= most);
      assert.ok(firstStrip + strips <= product.strips);
      for (let item = first; item < first + count; item++) {
        const [strip, block, length, offset] = items.subarray(item * itemWords, (item + 1) * itemWords);
        assert.ok(strip < strips && length > 0 && length <= itemBlocks);
        const matrix = offset === 0 && product.sparse ? product.sparse : product.dense!;
        if (matrix === product.dense) assert.equal(offset, product.xCount);
        const [start, all] = given[member][matrix.matrix][matrix.firstStrip + firstStrip + strip];
        assert.ok(block >= start && block + length <= start + all);
        for (let k = block; k < block + length; k++) seen[k]++;
      }
    }
    assert.ok(seen.every((times) => times === 1));
  }
});

test('a part has as many strips as workgroup memory has room for', () => {
  assert.equal(stripsThatFit(sizes, 2 ** 11), 48);
  assert.equal(stripsThatFit({ ...sizes, hidden: 1792, projection: 896 }, 2 ** 11), 15);
  assert.ok(stripsThatFit({ ...sizes, hidden: 2048, projection: 1024 }, 2 ** 11) < 1);
});
