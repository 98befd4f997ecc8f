import assert from 'node:assert/strict';
import { join } from 'node:path';
import test from 'node:test';
import { build } from 'esbuild';
import { root } from './support/command_line.js';

/**
 * The sizes of the files that a bundler makes of what a page imports, the page's own first.
 *
 * @param splitting whether what is imported when it is needed gets a file of its own
 */
async function bundle(names: string, splitting: boolean): Promise<number[]> {
  const { warnings, outputFiles } = await build({
    stdin: { contents: `export { ${names} } from './dist/src/browser.js';`, resolveDir: root },
    bundle: true,
    splitting,
    minify: true,
    platform: 'browser',
    format: 'esm',
    outdir: join(root, 'none'),
    write: false,
    logLevel: 'silent',
  });
  assert.deepEqual(warnings, []);
  return outputFiles.map(({ contents }) => contents.length);
}

test('text for browsers asks nothing of Node, and the dictionary comes in a file of its own', async () => {
  const [page, ...others] = await bundle('phonesOf, Pronouncer, decodeG2p, tokensOf', true);
  assert.ok(page < 1_000_000, String(page));
  assert.ok(Math.max(...others) > 3_000_000, 'the dictionary');
});

test('a page that speaks texts asks nothing of Node either', async () => {
  const [page] = await bundle('speak, decodeAcoustic, decodeVoice, Pronouncer, wasmKernels', true);
  assert.ok(page < 1_500_000, String(page));
});

test('a page that speaks features has no dictionary', async () => {
  const sizes = await bundle('synthesize, wasmKernels', false);
  assert.ok(
    sizes.every((size) => size < 1_000_000),
    String(sizes),
  );
});
