import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { TtsError } from '../base/errors.js';
import { isStandardOutput } from '../base/standard_streams.js';
import { explainSystemError, readerHasGone } from '../base/system_error.js';
import { stopBars } from './progress.js';

/** Of the toolkit, from package.json. */
export const { version } = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

/**
 * A command of the toolkit: `--help`, `--version` from package.json, and `--debug`. Add arguments and an action, then
 * pass it to `runCommand`.
 */
export function createCommand(name: string, description: string): Command {
  return new Command(name)
    .description(description)
    .version(version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .option('--debug', 'print the stack of an error');
}

/** The end of a `--help`: two command lines that can be typed as they stand. For `addHelpText('after', …)`. */
export function examples(first: string, second: string): string {
  return `\nExamples:\n  ${first}\n  ${second}`;
}

/**
 * Parses the command line and runs the action. What the user can mend (a TtsError, a wrong option) is one line `error
 * CODE: message` on stderr and exit status 2; anything else is our own fault and exit status 1. The stack comes only
 * with `--debug`.
 */
export async function runCommand(command: Command, argv: readonly string[] = process.argv): Promise<void> {
  quieten(command);
  watchStandardStreams();
  try {
    await command.parseAsync(argv);
  } catch (error) {
    stopBars();
    if (error instanceof CommanderError && error.exitCode === 0) return;
    // Who stops reading has had enough.
    if (outputHasGone && readerHasGone(error)) return;
    fail(error);
    if (argv.includes('--debug') && error instanceof Error) process.stderr.write(`${error.stack ?? ''}\n`);
  }
}

let outputHasGone = false;

/**
 * A reader of our output that goes away, as `head` does, ends nothing: a training goes on, a file is still written.
 * What else goes wrong with standard output, a full disk say, is an error as any other.
 */
function watchStandardStreams(): void {
  let failure: unknown;
  process.stdout.on('error', (error) => {
    if (readerHasGone(error)) outputHasGone = true;
    else failure ??= explainSystemError('standard output', error, 'written');
  });
  // Unless the command has met it too, and said so.
  process.once('exit', () => {
    if (failure !== undefined && !process.exitCode) fail(failure);
  });
  process.stderr.on('error', () => undefined);
}

function fail(error: unknown): void {
  const { code, message } = explain(error);
  process.stderr.write(`error ${code}: ${message}\n`);
  process.exitCode = code === 'ERR_INTERNAL' ? 1 : 2;
}

/** Prints what people want to know: on stdout, or on stderr where an output of the command goes to stdout. */
export function printer(...outputs: readonly (string | undefined)[]): (text: string) => void {
  return outputs.some((path) => path !== undefined && isStandardOutput(path)) ? console.error : console.log;
}

/**
 * Makes commander throw instead of exiting and leave error messages to `runCommand`; help and version it prints itself.
 */
function quieten(command: Command): void {
  command.exitOverride().configureOutput({ outputError: () => undefined });
  command.commands.forEach(quieten);
}

function explain(thrown: unknown): { code: string; message: string } {
  // What the system refused somewhere deep down: a full disk, too few file handles.
  const error = explainSystemError(undefined, thrown);
  if (error instanceof TtsError) return { code: error.code, message: oneLine(error.message) };
  if (error instanceof CommanderError) {
    // A command that only has subcommands prints its help when it gets none.
    const message =
      error.code === 'commander.help' ? 'expected a subcommand, see above' : error.message.replace(/^error: /, '');
    return { code: 'ERR_ARGUMENT', message: oneLine(message) };
  }
  return {
    code: 'ERR_INTERNAL',
    message:
      `${oneLine(error instanceof Error ? error.message : String(error))} (a ` +
      'fault of the toolkit; --debug shows where)',
  };
}

function oneLine(text: string): string {
  return text.trim().replace(/\s*\n\s*/g, ' ');
}
