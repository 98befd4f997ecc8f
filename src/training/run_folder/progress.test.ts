import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import test from 'node:test';
import { formatDuration, formatProgress, type Progress, ProgressLine } from './progress.js';

const progress: Progress = {
  step: 1200,
  steps: 100_000,
  loss: 5.2134,
  parts: ['validation 5.340', 'density 10.0%'],
  perSecond: 312_400.4,
  unit: 'samples',
  secondsLeft: 8045,
};
const shown = formatProgress(progress);

/** A line on a stream that remembers, with a clock in our hands. */
function lineOn(terminal: { isTTY?: boolean; columns?: number }) {
  const stream = Object.assign(new PassThrough(), terminal);
  const clock = { ms: 0 };
  return {
    line: new ProgressLine(stream, () => clock.ms),
    clock,
    written: (): string => String(stream.read() ?? ''),
  };
}

test('the line says step, loss, what the task has to say, speed and time left', () => {
  assert.equal(
    formatProgress(progress),
    'step 1,200/100,000 · loss 5.213 · validation 5.340 · density 10.0% · 312,400 samples/s · 2 h 14 min left',
  );
});

test('what is not known yet is said to be so', () => {
  assert.match(formatProgress({ ...progress, loss: null, secondsLeft: NaN }), /loss – .* time left unknown$/);
});

test('durations have two units at most', () => {
  assert.deepEqual([-1, 0.4, 59.4, 59.6, 725, 3599.7, 11_220, 187_200].map(formatDuration), [
    '0 s',
    '0 s',
    '59 s',
    '1 min 00 s',
    '12 min 05 s',
    '1 h 00 min',
    '3 h 07 min',
    '2 d 04 h',
  ]);
});

test('into a file, one line is written every 30 seconds', () => {
  const { line, clock, written } = lineOn({});
  for (; clock.ms <= 60_000; clock.ms += 1000) line.update(formatProgress({ ...progress, step: clock.ms }));
  assert.deepEqual(
    written()
      .split('\n')
      .map((text) => text.split('/')[0]),
    ['step 0', 'step 30,000', 'step 60,000', ''],
  );
});

test('on a terminal, the line is redrawn in place and cut to the width', () => {
  const { line, clock, written } = lineOn({ isTTY: true, columns: 20 });
  line.update(shown);
  clock.ms = 150;
  line.update(formatProgress({ ...progress, step: 1201 }));
  clock.ms = 160;
  line.update(formatProgress({ ...progress, step: 1202 }));
  // ESC [1G: first column; ESC [2K: clear the line.
  assert.equal(written(), 'step 1,200/100,000 \u001b[1G\u001b[2Kstep 1,201/100,000 ');
});

test('a note stands above the line, and the last state stays', () => {
  const { line, written } = lineOn({ isTTY: true, columns: 200 });
  line.update(shown);
  line.note('saved');
  line.finish(formatProgress({ ...progress, step: 100_000 }));
  const seen = written().split('\u001b[1G\u001b[2K');
  assert.deepEqual(seen, [
    formatProgress(progress),
    `saved\n${formatProgress(progress)}`,
    `${formatProgress({ ...progress, step: 100_000 })}\n`,
  ]);
});
