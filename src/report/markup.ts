/** Text that is HTML or SVG already. */
export class Markup {
  constructor(readonly text: string) {}
}

/** What can be put into a template; undefined, null and false are nothing. */
export type Content = Markup | string | number | undefined | null | false | readonly Content[];

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function textOf(content: Content): string {
  if (content === undefined || content === null || content === false) return '';
  if (content instanceof Markup) return content.text;
  if (typeof content === 'string') return content.replaceAll(/[&<>"']/g, (character) => entities[character]);
  return typeof content === 'number' ? String(content) : content.map(textOf).join('');
}

/**
 * A template of HTML or SVG: every value is escaped, unless it came from such a template itself. Values may stand in
 * text and in quoted attributes.
 *
 * The tag is not called `html`, because Prettier formats templates of that name: the white space that it adds inside
 * `<style>` would change the hash that the page's security policy allows.
 */
export function markup(parts: TemplateStringsArray, ...values: Content[]): Markup {
  return new Markup(parts.reduce((text, part, i) => text + textOf(values[i - 1]) + part));
}

/** Bytes as an address, so that pictures, sound and downloads are part of the page. */
export const dataUri = (type: string, bytes: Uint8Array): string =>
  `data:${type};base64,${Buffer.from(bytes).toString('base64')}`;
