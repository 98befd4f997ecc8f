import { type Content, type Markup, markup } from './markup.js';

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
