import type { Host } from './host.js';

/** The kind of an option's value. Determines its type in `CommandArgs` and how its text is parsed. */
type OptionKind = 'switch' | 'text' | 'texts' | 'list' | 'number' | 'integer' | 'dollars';

export interface OptionSpec {
  readonly kind: OptionKind;
  /** Help text, usually one sentence. */
  readonly about: string;
  /** Short form, one letter. */
  readonly alias?: string;
  /** Placeholder for the value in the help, such as FILE. Set for every kind but `switch`. */
  readonly value?: string;
  /** The default, in words. */
  readonly fallback?: string;
  /** Help heading to list it under. */
  readonly group?: string;
}

/** The options of a command by their camelCase name: `batchSize` is `--batch-size`. */
export type OptionTable = Readonly<Record<string, OptionSpec>>;

interface KindValues {
  readonly switch: boolean;
  readonly text: string;
  /** The option is repeated for each value. */
  readonly texts: readonly string[];
  /** Values separated by commas; the option can be repeated. */
  readonly list: readonly string[];
  readonly number: number;
  readonly integer: number;
  /** US dollars. */
  readonly dollars: number;
}

/** Checked and typed options; absent if not given. */
export type OptionValues<O extends OptionTable> = {
  readonly [Name in keyof O]?: KindValues[O[Name]['kind']];
};

export interface CommandArgs<O extends OptionTable> {
  readonly operands: readonly string[];
  readonly options: OptionValues<O>;
}

/** An example command line with a short explanation. */
export interface Example {
  readonly line: string;
  readonly about: string;
}

/** One command of the program: its help, its options, and what it does. */
export interface Command<O extends OptionTable = OptionTable> {
  /** Introduction of the command's help. */
  readonly about: string;
  readonly options: O;
  readonly examples: readonly Example[];
  /** Runs the command and returns the exit code. Throws a RowfillError if it cannot. */
  run(args: CommandArgs<O>, host: Host): Promise<number>;
}

/** Infers the type of a command's arguments from its options. */
export function createCommand<const O extends OptionTable>(command: Command<O>): Command<O> {
  return command;
}
