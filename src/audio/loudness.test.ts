import assert from 'node:assert/strict';
import test from 'node:test';
import { integratedLoudness } from './loudness.js';

/** A sine of 1 kHz (or another) that passes through levels (dBFS, peak), each for so many seconds. */
function tone(
  rate: number,
  parts: readonly (readonly [level: number, seconds: number])[],
  frequency = 1000,
): Float32Array {
  let n = 0;
  return Float32Array.from(
    parts.flatMap(([level, seconds]) =>
      Array.from(
        { length: seconds * rate },
        () => 10 ** (level / 20) * Math.sin((2 * Math.PI * frequency * n++) / rate),
      ),
    ),
  );
}
const within = (value: number, expected: number, tolerance = 0.1) =>
  assert.ok(Math.abs(value - expected) <= tolerance, `${value}, expected ${expected}`);

for (const rate of [16000, 22050, 44100, 48000]) {
  test(`BS.1770 at ${rate} Hz: 997 Hz at full scale in one channel is -3.01 LUFS`, () => {
    within(integratedLoudness([tone(rate, [[0, 5]], 997)], rate), -3.01, 0.05);
  });
}

// EBU Tech 3341, table 1: minimum requirements test signals, stereo, tolerance 0.1 LU.
const cases: Record<string, [parts: [number, number][], expected: number]> = {
  '1: 20 s at -23 dBFS': [[[-23, 20]], -23],
  '2: 20 s at -33 dBFS': [[[-33, 20]], -33],
  '3: the relative gate': [
    [
      [-36, 10],
      [-23, 60],
      [-36, 10],
    ],
    -23,
  ],
  '4: both gates': [
    [
      [-72, 10],
      [-36, 10],
      [-23, 60],
      [-36, 10],
      [-72, 10],
    ],
    -23,
  ],
  '5: three levels': [
    [
      [-26, 20],
      [-20, 20.1],
      [-26, 20],
    ],
    -23,
  ],
};
for (const [name, [parts, expected]] of Object.entries(cases)) {
  test(`EBU Tech 3341 case ${name}`, () => {
    const signal = tone(48000, parts);
    within(integratedLoudness([signal, signal], 48000), expected);
  });
}

test('silence has no loudness, and a gain of 6 dB is 6 LU', () => {
  assert.equal(integratedLoudness([new Float32Array(48000)], 48000), -Infinity);
  const difference =
    integratedLoudness([tone(22050, [[-14, 2]], 300)], 22050) -
    integratedLoudness([tone(22050, [[-20, 2]], 300)], 22050);
  within(difference, 6, 1e-3);
});

test('audio shorter than a block is measured whole', () => {
  within(integratedLoudness([tone(48000, [[-20, 0.2]], 997)], 48000), -23.01, 0.1);
});
