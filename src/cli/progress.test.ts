import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import test from 'node:test';
import { bar, stopBars } from './progress.js';

/** A stream that keeps what is written to it. */
function recorder(isTTY: boolean) {
  let text = '';
  const stream = Object.assign(
    new Writable({
      write(chunk: Buffer, _encoding, done) {
        text += chunk.toString('utf8');
        done();
      },
    }),
    { isTTY, columns: 200 },
  );
  return { stream, text: () => text };
}

test('on a terminal a bar says how far the work is and what was done last', () => {
  const { stream, text } = recorder(true);
  const show = bar('clips', stream);
  show(0, 4);
  show(4, 4, 'LJ001-0002');
  assert.match(text(), /clips \S+ 0% · 0\/4 · /);
  assert.match(text(), /clips \S+ 100% · 4\/4 · .* left · LJ001-0002/);
});

test('in a pipe there is no bar', () => {
  const { stream, text } = recorder(false);
  const show = bar('clips', stream);
  show(0, 4);
  show(4, 4, 'LJ001-0002');
  assert.equal(text(), '');
});

test('a bar that an error leaves half full does not keep the process alive', () => {
  const show = bar('clips', recorder(true).stream);
  show(1, 4);
  // Without this the test would not end.
  stopBars();
});
