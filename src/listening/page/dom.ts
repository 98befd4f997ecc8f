type Child = Node | string | null | undefined | false;
type Attributes = Readonly<Record<string, string | number | boolean | null | undefined | ((event: Event) => void)>>;

/**
 * Makes an element. A function is a listener (`onclick`), `true` an attribute without value; `false` and null are no
 * attribute at all.
 */
export function element<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  attributes: Attributes = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[Name] {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (typeof value === 'function') made.addEventListener(key.slice(2), value);
    else if (value === true) made.setAttribute(key, '');
    else if (value !== false && value != null) made.setAttribute(key, String(value));
  }
  made.append(
    ...children.filter((child): child is Node | string => child !== null && child !== undefined && child !== false),
  );
  return made;
}

export const byId = (id: string): HTMLElement => document.getElementById(id) as HTMLElement;

/** A text of several paragraphs, separated by empty lines. */
export const paragraphs = (text: string): HTMLElement[] =>
  text.split(/\n\s*\n/).map((paragraph) => element('p', {}, paragraph.trim()));

/** Shows a screen in place of the last one, from its top, with the focus on it for screen readers. */
export function show(...children: readonly Child[]): void {
  const screen = byId('screen');
  screen.replaceChildren(...children.filter((child): child is Node | string => Boolean(child)));
  window.scrollTo(0, 0);
  screen.focus({ preventScroll: true });
}

/** Lets screen readers say something. */
export function announce(text: string): void {
  byId('announcer').textContent = text;
}

/** Shows how far the listener is: `done` of `total` trials. */
export function showProgress(done: number, total: number): void {
  const bar = element('progress', { max: total, value: done, 'aria-label': `${done} of ${total} done` });
  byId('progress').hidden = false;
  byId('progress').replaceChildren(bar, element('span', {}, `${Math.min(done + 1, total)} of ${total}`));
}
