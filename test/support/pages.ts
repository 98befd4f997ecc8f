import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './command_line.js';

/** One command of a page, as the words that a shell would make of it. */
export interface PageCommand {
  readonly page: string;
  readonly line: string;
  readonly words: readonly string[];
  /** Why the page says that tests do not run it; undefined where they do. */
  readonly notRun?: string;
}

const markdownIn = (folder: string): string[] =>
  existsSync(join(root, folder))
    ? readdirSync(join(root, folder))
        .filter((name) => name.endsWith('.md'))
        .sort()
        .map((name) => join(folder, name))
    : [];

/** Pages whose commands are checked and run, in this order. */
export const guides: readonly string[] = ['README.md', 'CONTRIBUTING.md', ...markdownIn('docs')];

/** All pages that people read, seen from the root. */
export const pages: readonly string[] = [
  ...guides,
  'examples/node/README.md',
  'SECURITY.md',
  'CHANGELOG.md',
  ...['recipes', 'data'].flatMap((room) =>
    readdirSync(join(root, room)).flatMap((folder) => markdownIn(join(room, folder))),
  ),
  ...['alignment', 'audio', 'measures', 'mel', 'stoi', 'voice'].map((name) => join('test/fixtures', name, 'README.md')),
];

export const read = (page: string): string => readFileSync(join(root, page), 'utf8');

/** The text outside of fenced blocks and code spans. */
export const prose = (text: string): string => text.replaceAll(/^```.*?^```/gms, '').replaceAll(/`[^`\n]*`/g, '');

/** The commands in the fenced `sh` blocks of a page. */
export function commandsOf(page: string): PageCommand[] {
  const blocks = read(page).matchAll(/(?:^<!-- not run: ([^>]*) -->\n\n)?^```sh\n(.*?)^```/gms);
  return [...blocks].flatMap(([, notRun, block]) => {
    const variables = new Map<string, string>();
    return block
      .replaceAll('\\\n', ' ')
      .split('\n')
      .flatMap((line) =>
        commandsIn(line, variables).map((words) => ({ page, line, words, ...(notRun !== undefined && { notRun }) })),
      );
  });
}

/** Code spans that are a command line of the toolkit, with nothing left out of it. */
export function inlineCommandsOf(page: string): PageCommand[] {
  const text = read(page).replaceAll(/^```.*?^```/gms, '');
  return [...text.matchAll(/`((?:npx )?tts-[a-z]+ [^`\n]*)`/g)]
    .map(([, line]) => ({ page, line, words: commandsIn(line, new Map())[0] ?? [] }))
    .filter(({ line }) => !line.includes('…'));
}

/** The shell's words that say how commands go on, not what runs. */
const control = new Set(['for', 'do', 'done']);

/**
 * The commands in a line: `&&`, `;` and `|` part them, comments go, quotes and variables are resolved, and of a loop
 * the body stays, with the first value of its variable.
 */
export function commandsIn(line: string, variables: Map<string, string>): string[][] {
  const [, loop, first] = /\bfor (\w+) in ('[^']*'|\S+)/.exec(line) ?? [];
  if (loop !== undefined) variables.set(loop, unquoted(first, variables));
  const commands: string[][] = [[]];
  for (const word of shellWords(line, variables)) {
    if (['&&', '||', ';', '|'].includes(word)) commands.push([]);
    else commands[commands.length - 1].push(word);
  }
  return commands
    .map((words) => {
      const [, name, value] = /^(\w+)=(.*)$/s.exec(words[0] ?? '') ?? [];
      if (name !== undefined) variables.set(name, value);
      return name !== undefined || words[0] === 'for' ? [] : words.filter((word, i) => i > 0 || !control.has(word));
    })
    .map(([first = '', ...rest]) => {
      // A whole command in a variable: $run --steps 3
      const [, name] = /^\$(\w+)$/.exec(first) ?? [];
      return name === undefined ? [first, ...rest] : [...(variables.get(name) ?? '').split(' '), ...rest];
    })
    .filter(([first]) => first !== '');
}

function shellWords(line: string, variables: ReadonlyMap<string, string>): string[] {
  const words: string[] = [];
  const pattern = /\s*(?:(#.*)|(&&|\|\||;|\|)|((?:\$\([^)]*\)|"[^"]*"|'[^']*'|[^\s"';|&])+))/gy;
  for (let match = pattern.exec(line); match; match = pattern.exec(line)) {
    const [, comment, operator, word] = match;
    if (comment !== undefined) break;
    words.push(operator ?? unquoted(word, words.length === 0 || operatorBefore(words) ? new Map() : variables));
  }
  return words;
}

const operatorBefore = (words: readonly string[]): boolean =>
  ['&&', '||', ';', '|', 'do'].includes(words[words.length - 1]);

/** What stands in quotes, with variables where the quotes let them in. */
function unquoted(word: string, variables: ReadonlyMap<string, string>): string {
  const resolve = (text: string) => text.replaceAll(/\$(\w+)/g, (whole, name: string) => variables.get(name) ?? whole);
  return word.replaceAll(/"([^"]*)"|'([^']*)'|[^"']+/g, (whole, double?: string, single?: string) =>
    single !== undefined ? single : resolve(double ?? whole),
  );
}
