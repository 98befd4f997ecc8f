import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { after } from 'node:test';
import { temporaryFolder } from '../../test/support/command_line.js';
import { refused } from '../../test/support/files.js';
import { floatWav } from '../../test/support/odd_audio.js';
import { tone, whiteNoise } from '../../test/support/speech.js';
import { readRecording } from './read.js';

const folder = temporaryFolder({ after });
const speech = tone(() => 150, 0.5);
const peak = speech.reduce((most, sample) => Math.max(most, Math.abs(sample)), 0);
const noise = whiteNoise(speech.length);

function record(samples: ArrayLike<number>, channels = 1): ReturnType<typeof readRecording> {
  const path = join(folder, 'clip.wav');
  writeFileSync(path, floatWav(samples, channels));
  return readRecording(path);
}
/** Two channels, interleaved. */
const stereo = (left: ArrayLike<number>, right: ArrayLike<number>) =>
  Float32Array.from({ length: 2 * left.length }, (_, i) => (i % 2 === 0 ? left : right)[i >> 1]);

test('speech of any usual level has nothing wrong: -40 dB, full scale, stereo alike, apart, and on one side', async () => {
  for (const factor of [0.01, 0.1, 1 / peak])
    assert.deepEqual((await record(speech.map((sample) => sample * factor))).notes, []);
  assert.deepEqual((await record(stereo(speech, speech), 2)).notes, []);
  assert.deepEqual((await record(stereo(speech, new Float32Array(speech.length)), 2)).notes, []);
  assert.deepEqual(
    (
      await record(
        stereo(
          speech,
          noise.map((value) => value / 10),
        ),
        2,
      )
    ).notes,
    [],
  );
});

const hopeless: [what: string, make: () => ReturnType<typeof record>, pattern: RegExp][] = [
  [
    'floats at the scale of 16 bits',
    () => record(speech.map((x) => x * 30000)),
    /integers of 16 bits\); .*volume=1\/32768/,
  ],
  ['floats at the scale of 24 bits', () => record(speech.map((x) => x * 2 ** 22)), /integers of 24 bits/],
  [
    'peaks of 4',
    () => record(speech.map((x) => (4 * x) / peak)),
    /samples up to 4\.00, expected floats in \[-1, 1\]; .*volume=0\.225/,
  ],
  ['digital silence', () => record(new Float32Array(5000)), /clip\.wav is silent: no sample is larger than 0\.0 steps/],
  ['a step of noise', () => record(noise.map((x) => x / 32768)), /is silent: no sample is larger than 1\.0 steps/],
  ['a constant', () => record(new Float32Array(5000).fill(0.5)), /is a constant, 0\.500/],
  [
    'antiphase stereo',
    () =>
      record(
        stereo(
          speech,
          speech.map((x) => -x),
        ),
        2,
      ),
    /2 channels that cancel each other: .* 0\.0%.*pan=mono/,
  ],
  [
    'antiphase stereo with some noise',
    () =>
      record(
        stereo(
          speech,
          speech.map((x, i) => noise[i] / 100 - x),
        ),
        2,
      ),
    /cancel/,
  ],
];
for (const [what, make, pattern] of hopeless)
  test(`${what} is refused with the number`, async () => {
    await assert.rejects(make, refused('ERR_AUDIO_LEVEL', pattern, /clip\.wav /));
  });

test('what is usable all the same is told: beyond full scale, an offset, channels that nearly cancel', async () => {
  const loud = speech.map((sample) => (1.25 * sample) / peak);
  const clipped = loud.reduce((count, sample) => count + (Math.abs(sample) > 1 ? 1 : 0), 0);
  assert.ok(clipped > 10);
  const { notes, samples } = await record(loud);
  assert.match(
    notes.join(),
    new RegExp(`clip\\.wav goes beyond full scale: ${clipped} samples are clipped, .* 1\\.25`),
  );
  assert.deepEqual(samples, loud);
  assert.match((await record(speech.map((sample) => sample + 0.1))).notes.join(), /offset of 0\.\d{3}: .*highPass/);
  const nearly = await record(
    stereo(
      speech,
      speech.map((sample) => -0.6 * sample),
    ),
    2,
  );
  assert.match(nearly.notes.join(), /cancel each other: their mean has 5\.9% of their power/);
});

test('NaN and infinity in either channel are refused by file and sample', async () => {
  for (const value of [NaN, Infinity, -Infinity]) {
    const bad = stereo(speech, speech);
    bad[2 * 77 + 1] = value;
    await assert.rejects(record(bad, 2), refused('ERR_AUDIO_FORMAT', /clip\.wav: sample 77 is/));
  }
});
