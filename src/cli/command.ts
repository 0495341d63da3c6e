import type { Host } from './host.js';

/** What an option's value is; decides its type in `CommandArgs` and how its text is checked. */
export type OptionKind = 'switch' | 'text' | 'texts' | 'list' | 'number' | 'integer' | 'dollars';

export interface OptionSpec {
  readonly kind: OptionKind;
  /** One sentence for the help. */
  readonly about: string;
  /** One letter. */
  readonly alias?: string;
  /** The word for the value in the help, such as FILE. Every kind but `switch` has one. */
  readonly value?: string;
  /** What holds when the option is left out, in words. */
  readonly fallback?: string;
  /** The heading under which the help lists it. */
  readonly group?: string;
}

/** The options of a command by their camelCase name: `batchSize` is `--batch-size`. */
export type OptionTable = Readonly<Record<string, OptionSpec>>;

interface KindValues {
  readonly switch: boolean;
  readonly text: string;
  /** Given once for each value. */
  readonly texts: readonly string[];
  /** Values with commas between, or given several times. */
  readonly list: readonly string[];
  readonly number: number;
  readonly integer: number;
  /** An amount of money. */
  readonly dollars: number;
}

/** The options as a command sees them: checked, typed, and missing where they were not given. */
export type OptionValues<O extends OptionTable> = {
  readonly [Name in keyof O]?: KindValues[O[Name]['kind']];
};

export interface CommandArgs<O extends OptionTable> {
  readonly operands: readonly string[];
  readonly options: OptionValues<O>;
}

/** A command line that shows a use of the command, and what it does. */
export interface Example {
  readonly line: string;
  readonly about: string;
}

/** One command of the program: its help, its options, and what it does. */
export interface Command<O extends OptionTable = OptionTable> {
  /** A few lines for the top of the command's help. */
  readonly about: string;
  readonly options: O;
  readonly examples: readonly Example[];
  /** Does the work and tells the exit code; throws RowfillError for what stops it. */
  run(args: CommandArgs<O>, host: Host): Promise<number>;
}

/** Ties a command's options to the type of its arguments. */
export function createCommand<const O extends OptionTable>(command: Command<O>): Command<O> {
  return command;
}
