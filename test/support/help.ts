import { runWarm } from './command_line.js';

/** What the `--help` of a command says. */
export interface Help {
  /** `tts-bench sample`. */
  readonly name: string;
  readonly text: string;
  /** Name → the values it takes: none, one, or one that may be left out; and which, where there is a list. */
  readonly options: ReadonlyMap<string, { readonly value: 'none' | 'one' | 'optional'; readonly choices?: string[] }>;
  /** Least and largest number of arguments. */
  readonly arguments: readonly [number, number];
  readonly subcommands: readonly string[];
}

function helpOf(...[command, ...rest]: string[]): Help {
  const { stdout: text } = runWarm(command.replace('tts-', ''), ...rest, '--help');
  const [, usage] = /^Usage: (.*)$/m.exec(text) ?? [];
  const places = usage.split(' ').filter((word) => /^[<[]/.test(word) && word !== '[options]' && word !== '[command]');
  const options = [
    ...section(text, 'Options').matchAll(/^ {2}(?:-\w, )?(--[\w-]+)(?: ([<[])\S*)? +(.*(?:\n {3,}.*)*)/gm),
  ];
  return {
    name: [command, ...rest].join(' '),
    text,
    options: new Map(
      options.map(([, option, bracket, description]) => {
        const [, list] = /choices: ([^)]*?)(?:, default|\))/.exec(description.replaceAll(/\n\s*/g, ' ')) ?? [];
        return [
          option,
          {
            value: bracket === '<' ? 'one' : bracket === '[' ? 'optional' : 'none',
            ...(list !== undefined && { choices: list.split(', ').map((choice) => JSON.parse(choice) as string) }),
          },
        ];
      }),
    ),
    arguments: [
      places.filter((place) => place.startsWith('<')).length,
      places.some((place) => place.includes('...')) ? Infinity : places.length,
    ],
    subcommands: [...section(text, 'Commands').matchAll(/^ {2}(\w+)/gm)]
      .map(([, name]) => name)
      .filter((name) => name !== 'help'),
  };
}

/** The lines below a heading. */
function section(text: string, heading: string): string {
  return new RegExp(`^${heading}:\\n((?: {2}.*\\n)*)`, 'm').exec(text)?.[1] ?? '';
}

/** The help of every command and subcommand, by name. */
export function allHelp(commands: readonly string[]): Map<string, Help> {
  const found = commands.map((command) => helpOf(command));
  const below = found.flatMap(({ name, subcommands }) => subcommands.map((subcommand) => helpOf(name, subcommand)));
  return new Map([...found, ...below].map((help) => [help.name, help]));
}

/** A command line, taken apart. */
export interface Parsed {
  readonly name: string;
  readonly values: readonly (readonly [option: string, value: string])[];
  readonly operands: readonly string[];
}

/** Takes a command line apart as its help allows; throws an error that says what the help does not know. */
export function parse([command, ...words]: readonly string[], known: ReadonlyMap<string, Help>): Parsed {
  const parent = known.get(command);
  if (!parent) throw new Error(`there is no command ${command}`);
  const isSub = parent.subcommands.includes(words[0]);
  const help = isSub ? (known.get(`${command} ${words[0]}`) as Help) : parent;
  const rest = isSub ? words.slice(1) : words;
  const values: [string, string][] = [];
  const operands: string[] = [];
  for (let i = 0; i < rest.length; i++) {
    if (!rest[i].startsWith('-') || rest[i] === '-') {
      operands.push(rest[i]);
      continue;
    }
    const option = help.options.get(rest[i]);
    if (!option) throw new Error(`${help.name} has no option ${rest[i]}`);
    const next = rest[i + 1];
    const taken =
      option.value === 'one' || (option.value === 'optional' && next !== undefined && !next.startsWith('-'));
    if (!taken) {
      values.push([rest[i], '']);
      continue;
    }
    if (next === undefined) throw new Error(`${help.name}: ${rest[i]} has no value`);
    if (option.choices && !option.choices.includes(next))
      throw new Error(`${help.name}: ${rest[i]} is ${next}, expected one of ${option.choices.join(', ')}`);
    values.push([rest[i], next]);
    i++;
  }
  const [least, most] = help.arguments;
  // These print and end.
  const prints = values.some(([option, value]) => option === '--help' || (option === '--voice' && value === 'list'));
  const complete = prints || operands.length >= least;
  if (
    !complete ||
    operands.length > most ||
    (most === 0 && parent.subcommands.length > 0 && !isSub && values.length === 0)
  )
    throw new Error(`${help.name} takes ${least} to ${most} arguments, not ${operands.join(' ')}`);
  return { name: help.name, values, operands };
}
