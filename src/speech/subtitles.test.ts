import assert from 'node:assert/strict';
import test from 'node:test';
import { srtEntry, type Subtitle, subtitlesOf, vttEntry } from './subtitles.js';
import type { TimedWord } from './timing.js';

/** Every word of a text lasts for `seconds`. */
function subtitles(text: string, seconds = 0.25, start = 10): Subtitle[] {
  const words: TimedWord[] = [...text.matchAll(/[\w£']+/g)].map(({ 0: word, index }, i) => ({
    written: word,
    spoken: word,
    start: i * seconds,
    end: (i + 1) * seconds,
    phones: [],
    place: [start + index, start + index + word.length] as const,
  }));
  const said = { text, start, end: start + text.length, elements: [], ending: 'open', notes: [] } as const;
  return subtitlesOf({ said }, words);
}

test('a short sentence is one subtitle, with all its signs', () => {
  assert.deepEqual(subtitles('"Well,"  he said\n(to her) - "go!"'), [
    { start: 0, end: 1.5, text: '"Well," he said (to her) - "go!"' },
  ]);
});

test('a long sentence becomes phrases that end at pauses, none too long, and no sign is lost', () => {
  const text =
    'When the long winter was over, the people of the valley came out of their houses (it had been cold), and they ' +
    'went down to the river to see whether the "old bridge" still stood; it did not.';
  const all = subtitles(text);
  assert.ok(all.length >= 3);
  assert.equal(all.map((subtitle) => subtitle.text).join(' '), text);
  assert.equal(all[0].text, 'When the long winter was over, the people of the valley came out of their houses');
  for (const [i, { text: shown, start, end }] of all.entries()) {
    assert.ok(shown.length <= 84);
    assert.ok(end > start && start === (all[i - 1]?.end ?? 0));
    const [first, second = '', ...rest] = srtEntry(all[i], 1).trim().split('\n').slice(2);
    assert.deepEqual([first.length <= 50, second.length <= 50, rest.length], [true, true, 0]);
  }
});

test('slow speech is shown for six seconds at most, and a word without spaces stays whole', () => {
  for (const { start, end } of subtitles('one two three four five six seven eight nine ten', 1))
    assert.ok(end - start <= 6);
  assert.deepEqual(
    subtitles('a'.repeat(200)).map(({ text }) => text),
    ['a'.repeat(200)],
  );
  assert.deepEqual(subtitles('well-known'), [{ start: 0, end: 0.5, text: 'well-known' }]);
});

test('clocks and signs of both formats', () => {
  const subtitle = { start: 3723.0456, end: 3724.9999, text: 'a --> <b> & c' };
  assert.equal(srtEntry(subtitle, 7), '7\n01:02:03,046 --> 01:02:05,000\na → <b> & c\n\n');
  assert.equal(vttEntry(subtitle), '01:02:03.046 --> 01:02:05.000\na --&gt; &lt;b&gt; &amp; c\n\n');
});
