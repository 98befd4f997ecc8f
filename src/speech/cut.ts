import type { PhoneSentence, SpokenPause, SpokenWord } from '../text/phones_of.js';

/**
 * Tokens of a piece, about: some twenty seconds. An acoustic model has seen sentences, and all of a piece is made before
 * its first sound.
 */
const most = 300;

type Element = SpokenWord | SpokenPause;

/** Tokens of an element: a pause is the boundary that stands before the word after it. */
const tokens = (element: Element): number => (element.kind === 'word' ? element.phones.length + 1 : 0);

/**
 * Parts a sentence that is too long for an acoustic model, at the pauses nearest to the middle, or else between words,
 * or else, as in a row of a thousand consonants, in a word. The pieces follow each other after short pauses.
 */
export function cutSentence(sentence: PhoneSentence): PhoneSentence[] {
  const elements = sentence.elements.flatMap(cutWord);
  if (elements.length < 2 || elements.reduce((sum, element) => sum + tokens(element), 0) <= most) return [sentence];
  const cut = bestCut(elements);
  const pause = elements[cut];
  const head = elements.slice(0, cut);
  const tail = elements.slice(pause.kind === 'pause' ? cut + 1 : cut);
  const { text, start, end, notes, ending, paragraph } = sentence;
  const middle = Math.max(head[head.length - 1].end, Math.min(tail[0].start, end));
  const first: PhoneSentence = {
    text: text.slice(0, middle - start),
    start,
    end: middle,
    elements: head,
    ending: pause.kind === 'pause' ? pause.pause : 'comma',
    notes: notes.filter((note) => note.start < middle),
    ...(paragraph && { paragraph }),
  };
  const second: PhoneSentence = {
    text: text.slice(middle - start),
    start: middle,
    end,
    elements: tail,
    ending,
    notes: notes.filter((note) => note.start >= middle),
  };
  return [first, second].flatMap(cutSentence);
}

function cutWord(element: Element): Element[] {
  if (tokens(element) <= most || element.kind === 'pause') return [element];
  const parts: Element[] = [];
  for (let at = 0; at < element.phones.length; at += most / 2) {
    const phones = element.phones.slice(at, at + most / 2);
    parts.push({ ...element, phones, variants: [phones] });
  }
  return parts;
}

/** The element before which the sentence is cut, or the pause in whose place: never the first one, nor the last pause. */
function bestCut(elements: readonly Element[]): number {
  const total = elements.reduce((sum, element) => sum + tokens(element), 0);
  let best = 1;
  let least = Infinity;
  for (let i = 0, before = 0; i < elements.length; before += tokens(elements[i]), i++) {
    if (i === 0) continue;
    const isPause = elements[i].kind === 'pause';
    // A pause counts for much, and between two words of one number is no good place.
    const distance =
      Math.abs(before / total - 0.5) + (isPause ? 0 : elements[i].start === elements[i - 1].start ? 1 : 0.4);
    if (distance < least) [best, least] = [i, distance];
  }
  return best;
}
