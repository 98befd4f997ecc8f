import assert from 'node:assert/strict';
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import test, { after } from 'node:test';
import { TtsError } from '../src/base/errors.js';
import { RandomStream } from '../src/base/random.js';
import { Finding, folderForInputs, type FuzzedReader, tryInput } from './fuzz/reader.js';
import { type ReaderName, readerNames, readerOf } from './fuzz/readers.js';

// Past finds of `npm run fuzz`, and inputs that were made by hand, with what must come of each; then a few inputs for
// each reader, so that the generators keep working. A finding is saved in the same form: move it here with its outcome.

interface Case {
  readonly reader: ReaderName;
  readonly what: string;
  /** Bytes by path, in base64. */
  readonly files: Readonly<Record<string, string>>;
  /** `read`, or the code that it is refused with. */
  readonly outcome: string;
}

const folder = folderForInputs();
after(() => rmSync(folder, { recursive: true }));
const cases = 'test/fixtures/fuzz';

for (const file of readdirSync(cases).filter((name) => name.endsWith('.json')))
  for (const { reader, what, files, outcome } of JSON.parse(readFileSync(join(cases, file), 'utf8')) as Case[])
    test(`${reader}: ${what}: ${outcome}`, async () => {
      const bytes = Object.entries(files).map(([path, text]) => [path, Buffer.from(text, 'base64')]);
      const input = { files: Object.fromEntries(bytes) as Record<string, Buffer> };
      assert.equal(await tryInput(await readerOf(reader), input, folder), outcome);
    });

for (const name of readerNames)
  test(`${name}: random inputs are read or refused by code`, async () => {
    const reader = await readerOf(name);
    for (let seed = 1; seed <= 6; seed++) await tryInput(reader, await reader.make(new RandomStream(seed, 0)), folder);
  });

test('the same seed makes the same input', async () => {
  for (const name of readerNames) {
    const { make } = await readerOf(name);
    const [one, two] = [await make(new RandomStream(5, 0)), await make(new RandomStream(5, 0))];
    assert.deepEqual(one.files, two.files, name);
  }
});

test('an uncoded error, garbage, a refusal of what is right and a file that is left are findings', async () => {
  const reader = (read: () => unknown): FuzzedReader => ({
    make: () => ({ files: {} }),
    read,
    check: (result) => assert.equal(result, 1),
  });
  const finding = async (read: () => unknown, expected?: () => void) => {
    const tried = tryInput(reader(read), { files: { 'a/b': Buffer.of(1) }, expected }, folder);
    return tried.catch((error: unknown) => (error instanceof Finding ? error.what : 'no finding'));
  };
  const refuse = () => {
    throw new TtsError('ERR_CORPUS', 'no');
  };
  assert.equal(await finding(() => 1), 'read');
  assert.equal(await finding(refuse), 'ERR_CORPUS');
  assert.equal(await finding(refuse, () => undefined), 'valid input refused');
  assert.equal(await finding(() => 2), 'garbage accepted');
  assert.equal(
    await finding(
      () => 1,
      () => assert.fail(),
    ),
    'garbage accepted',
  );
  assert.equal(await finding(() => assert.fail()), 'uncoded error');
  assert.equal(await finding(() => rmSync(join(folder, 'input', 'a'), { recursive: true }) ?? 1), 'files left');
});
