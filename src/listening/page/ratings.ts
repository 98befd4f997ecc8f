import type { PublicStudy } from '../protocol.js';
import { element } from './dom.js';

/** The part of a trial in which a listener answers. */
export interface RatingControl {
  readonly node: HTMLElement;
  /** As in an answer: null where there is none yet. */
  values(): (number | null)[];
  restore(ratings: readonly (number | null)[]): void;
  /** Which clips may be rated: those that were heard. */
  enable(heard: readonly boolean[]): void;
  /** Handles a key; true if it was an answer. */
  key(key: string): boolean;
}

const labels = {
  mos: [
    [1, 'Bad'],
    [2, 'Poor'],
    [3, 'Fair'],
    [4, 'Good'],
    [5, 'Excellent'],
  ],
  cmos: [
    [-3, 'A is much better'],
    [-2, 'A is better'],
    [-1, 'A is slightly better'],
    [0, 'About the same'],
    [1, 'B is slightly better'],
    [2, 'B is better'],
    [3, 'B is much better'],
  ],
  ab: [
    [-1, 'A'],
    [0, 'No preference'],
    [1, 'B'],
  ],
  abx: [
    [-1, 'X is A'],
    [1, 'X is B'],
  ],
} as const;

/** One choice for the whole trial: radio buttons. */
export function choice(study: PublicStudy, onchange: () => void): RatingControl {
  const kind = study.kind as keyof typeof labels;
  const options = (labels[kind] as readonly (readonly [number, string])[]).filter(
    ([value]) => value !== 0 || kind === 'cmos' || study.noPreference,
  );
  const inputs = options.map(([value]) => element('input', { type: 'radio', name: 'rating', value, onchange }));
  const node = element(
    'fieldset',
    { class: `choice ${kind}` },
    element('legend', {}, study.question),
    ...options.map(([value, label], i) =>
      element('label', {}, inputs[i], kind === 'mos' && element('b', {}, String(value)), element('span', {}, label)),
    ),
  );
  const choose = (value: number) => {
    const input = inputs.find((one) => Number(one.value) === value);
    if (input && !input.disabled) {
      input.checked = true;
      onchange();
    }
    return input !== undefined;
  };
  return {
    node,
    values: () =>
      [inputs.find(({ checked }) => checked)?.value ?? null].map((value) => (value === null ? null : Number(value))),
    restore: ([rating]) =>
      inputs.forEach((input) => (input.checked = rating !== null && Number(input.value) === rating)),
    enable: (heard) => inputs.forEach((input) => (input.disabled = !heard.some(Boolean))),
    key: (key) => kind === 'mos' && /^[1-5]$/.test(key) && choose(Number(key)),
  };
}

const qualities = ['Excellent', 'Good', 'Fair', 'Poor', 'Bad'];
const qualityOf = (value: number) => qualities[Math.min(4, Math.floor((100 - value) / 20))];

/** A slider of 0 to 100 for each clip (BS.1534-3, figures 1 and 2). Moving it selects its clip. */
export function sliders(
  buttons: readonly HTMLElement[],
  select: (clip: number) => void,
  onchange: () => void,
): RatingControl {
  const rated = buttons.map(() => false);
  const outputs = buttons.map(() => element('output', {}, '–'));
  const refresh = (clip: number) => {
    const input = inputs[clip];
    input.classList.toggle('unrated', !rated[clip]);
    input.setAttribute(
      'aria-valuetext',
      rated[clip] ? `${input.value}, ${qualityOf(Number(input.value))}` : 'not rated',
    );
    outputs[clip].textContent = rated[clip] ? input.value : '–';
  };
  const rate = (clip: number) => {
    if (inputs[clip].disabled) return;
    select(clip);
    rated[clip] = true;
    refresh(clip);
    onchange();
  };
  const inputs = buttons.map((_, clip) =>
    element('input', {
      type: 'range',
      min: 0,
      max: 100,
      step: 1,
      value: 50,
      'aria-label': `Quality of clip ${clip + 1}`,
      oninput: () => rate(clip),
      onpointerup: () => rate(clip),
    }),
  );
  inputs.forEach((_, clip) => refresh(clip));
  const node = element(
    'div',
    { class: 'sliders' },
    element(
      'div',
      { class: 'scale', 'aria-hidden': 'true' },
      ...qualities.map((quality) => element('span', {}, quality)),
    ),
    ...buttons.map((button, clip) =>
      element('div', { class: 'slider' }, button, element('div', { class: 'track' }, inputs[clip]), outputs[clip]),
    ),
  );
  return {
    node,
    values: () => inputs.map(({ value }, clip) => (rated[clip] ? Number(value) : null)),
    restore: (ratings) =>
      ratings.forEach((rating, clip) => {
        rated[clip] = rating !== null;
        if (rating !== null) inputs[clip].value = String(rating);
        refresh(clip);
      }),
    enable: (heard) => inputs.forEach((input, clip) => (input.disabled = !heard[clip])),
    key: () => false,
  };
}
