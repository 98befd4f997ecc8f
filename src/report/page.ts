import { createHash } from 'node:crypto';
import type { FileKind } from '../base/output.js';
import { type Content, Markup, markup } from './markup.js';
import { style } from './style.js';

/** A part of a report, under a heading of its own. */
export interface Section {
  /** Its address in the page. */
  readonly id: string;
  readonly title: string;
  readonly content: Content;
}

export interface Report {
  readonly title: string;
  /** What follows the title. */
  readonly lead: Content;
  readonly sections: readonly Section[];
  readonly footer: Content;
}

/**
 * The content security policy of every report: nothing is fetched, run or sent. Pictures and sound are in the page, and
 * the one style sheet is known by its hash.
 */
export const reportPolicy =
  `default-src 'none'; img-src data:; media-src data:; style-src ` +
  `'sha256-${createHash('sha256').update(style).digest('base64')}'; base-uri 'none'; form-action 'none'`;

/** What may be replaced by a report without asking: the beginning of one, also of version 0.1. */
export const reportKind: FileKind = {
  name: 'a report of this toolkit',
  is: (head) =>
    /^<!doctype html>\s[^]{0,300}Content-Security-Policy" content="default-src [^]{0,8}none[^]{0,8}; img-src data:; media-src data:/.test(
      head.toString('latin1'),
    ),
};

/** A report as one HTML page that needs nothing else. */
export function reportPage({ title, lead, sections, footer }: Report): string {
  return markup`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${reportPolicy}">
<title>${title}</title>
<style>${new Markup(style)}</style>
</head>
<body>
<header>
<h1>${title}</h1>
${lead}
<nav aria-label="Sections">
<ul>${sections.map((section) => markup`<li><a href="#${section.id}">${section.title}</a></li>`)}</ul>
</nav>
</header>
<main>
${sections.map(
  (section) => markup`<section id="${section.id}">
<h2>${section.title}</h2>
${section.content}
</section>
`,
)}</main>
<footer class="soft">
${footer}
</footer>
</body>
</html>
`.text;
}

/**
 * A table with a head; the first cell of each row heads the row. It scrolls by itself where it is too wide.
 * @param rows the head first
 * @param texts numbers of the columns with sentences: those are set to the left, and wrap
 */
export function table(
  caption: string,
  [head, ...rows]: readonly (readonly Content[])[],
  texts: readonly number[] = [],
): Markup {
  const kind = (column: number) => (texts.includes(column) ? markup` class="text"` : '');
  return markup`<div class="scroll" role="region" aria-label="${caption}" tabindex="0"><table>
<caption>${caption}</caption>
<thead><tr>${head.map((cell, column) => markup`<th scope="col"${kind(column)}>${cell}</th>`)}</tr></thead>
<tbody>${rows.map(
    ([first, ...cells]) =>
      markup`<tr><th scope="row">${first}</th>${cells.map((cell, i) => markup`<td${kind(i + 1)}>${cell}</td>`)}</tr>\n`,
  )}</tbody>
</table></div>`;
}
