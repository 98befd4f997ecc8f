import { limits } from './limits.js';

/**
 * `JSON.parse` for text from strangers. Refuses what it would take without a word: a key that an object has twice, of
 * which the last would count (RFC 8259, section 4, calls that unpredictable), and arrays and objects within each other
 * deeper than `limits.depth`, on which functions that call themselves run out of stack.
 * @throws {SyntaxError} with what is wrong
 */
export function parseBoundedJson(text: string): unknown {
  const value: unknown = JSON.parse(text);
  // From here on the text is known to be JSON.
  const keys: (Set<string> | undefined)[] = [];
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (character === '{' || character === '[') {
      keys.push(character === '{' ? new Set() : undefined);
      if (keys.length > limits.depth.most)
        throw new SyntaxError(`more than ${limits.depth.most} arrays and objects within each other`);
    } else if (character === '}' || character === ']') keys.pop();
    else if (character === '"') {
      const begin = at;
      for (at++; text[at] !== '"'; at++) if (text[at] === '\\') at++;
      const own = keys[keys.length - 1];
      if (!own || !colonFollows(text, at + 1)) continue;
      const key = JSON.parse(text.slice(begin, at + 1)) as string;
      if (own.has(key)) throw new SyntaxError(`the key ${quoted(key)} is there twice`);
      own.add(key);
    }
  }
  return value;
}

function colonFollows(text: string, at: number): boolean {
  while (text[at] === ' ' || text[at] === '\n' || text[at] === '\r' || text[at] === '\t') at++;
  return text[at] === ':';
}

/**
 * A text from a file for one line of a message: in quotes, at most 60 characters of it, nothing that moves the cursor.
 */
export function quoted(value: string): string {
  return shortened(JSON.stringify(value)).replaceAll(/[\u007f-\u009f\u2028\u2029\u202a-\u202e]/g, '�');
}

/** So many characters of a text, and no more. */
export const shortened = (text: string, most = 60): string => (text.length > most ? `${text.slice(0, most)}…` : text);
