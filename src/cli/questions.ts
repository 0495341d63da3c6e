import { createInterface } from 'node:readline';
import { createUsageError, RowfillError } from '../errors.js';
import { type FileProfile, type RecipeDraft, suggest, suggestQuery } from '../init.js';
import { findColumn, suggestColumns } from '../model/column-name.js';
import { checkFieldNames, parseField } from '../model/field.js';
import { formatList, formatNumber, parseDollarOption, showName, splitList } from '../model/format.js';
import { cleanText, type Host } from './host.js';

interface PromptQuestion<Answer> {
  readonly text: string;
  /** Default answer for an empty line. */
  readonly fallback?: string;
  /** Words to complete with the Tab key. */
  readonly words?: readonly string[];
  /** Parses the answer. If it throws a usage error, the question is repeated. */
  read(text: string): Answer | Promise<Answer>;
}

/** A series of questions on the terminal. */
interface Questions {
  /** Repeats the question until the answer is valid. Returns null on Ctrl-C, end of input or an interrupt. */
  ask<Answer>(question: PromptQuestion<Answer>): Promise<Answer | null>;
  close(): void;
}

/** Opens a prompt: questions go to standard error; answers, including those typed ahead, come from standard input. */
function openQuestions(host: Host): Questions {
  let words: readonly string[] = [];
  const readline = createInterface({
    input: host.stdin,
    output: host.stderr,
    terminal: true,
    completer: (line: string) => complete(line, words),
  });
  const typed: string[] = [];
  let isOpen = true;
  let wake = (): void => {};
  readline.on('line', (line) => {
    typed.push(line);
    wake();
  });
  readline.on('SIGINT', () => readline.close());
  // If the terminal is gone, closing fails with another error.
  readline.once('error', () => readline.close());
  readline.on('error', () => {});
  const close = host.onInterrupt(() => readline.close());
  readline.on('close', () => {
    isOpen = false;
    close();
    wake();
  });

  async function readLine(): Promise<string | null> {
    while (typed.length === 0 && isOpen) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
    return typed.shift() ?? null;
  }

  async function ask<Answer>(question: PromptQuestion<Answer>): Promise<Answer | null> {
    words = question.words ?? [];
    for (;;) {
      host.say({ text: question.text, style: 'bold' });
      if (isOpen) {
        const { fallback = '' } = question;
        readline.setPrompt(fallback === '' ? '> ' : `[${cleanText(fallback)}] > `);
        readline.prompt();
      }
      const line = await readLine();
      if (line === null) return null;
      try {
        return await question.read(line.trim() === '' ? (question.fallback ?? '') : line.trim());
      } catch (error) {
        if (!(error instanceof RowfillError) || error.kind !== 'usage') throw error;
        host.say({ text: error.message, style: 'yellow' });
        if (error.hint !== undefined) host.say(error.hint);
      }
    }
  }

  return { ask, close: () => readline.close() };
}

/** Completes the last word of a comma-separated list. */
function complete(line: string, words: readonly string[]): [string[], string] {
  const last = /[^,\s]*$/.exec(line)?.[0] ?? '';
  return [words.filter((word) => word.startsWith(last)), last];
}

/** Asks for the settings not given as options. Returns null if the user quits. */
export async function askDraft(given: Draft, profile: FileProfile, host: Host): Promise<Draft | null> {
  const questions = openQuestions(host);
  try {
    for (const line of describeFile(profile)) host.say(line);
    let draft = given;
    for (const resolve of QUESTIONS) {
      const question = resolve(draft, profile);
      if (question === null) continue;
      const answer = await questions.ask(question);
      if (answer === null) return null;
      draft = { ...draft, ...answer };
    }
    return draft;
  } finally {
    questions.close();
  }
}

function describeFile(profile: FileProfile): string[] {
  const columns = profile.columns.map(({ name, blanks }) => {
    if (blanks === profile.rows) return `${name} (blank)`;
    return blanks >= profile.rows / 2 ? `${name} (mostly blank)` : name;
  });
  return [`${profile.name}: ${formatNumber(profile.columns.length, 'column')}: ${columns.join(', ')}.`];
}

type Resolve = (draft: Draft, profile: FileProfile) => PromptQuestion<Draft> | null;

/** The questions in order; null for a setting that is already known. */
const QUESTIONS: readonly Resolve[] = [
  ({ fields, schema }, profile) => {
    if (fields !== undefined || schema !== undefined) return null;
    const suggested = formatList(suggest(profile).fields);
    return {
      text: 'Which columns should be filled? Separate them with commas, for example: headcount:integer, ceo=Who leads it today',
      ...(suggested === '' ? {} : { fallback: suggested }),
      read: (text) => ({ fields: parseFields(parseList(text, 'column to fill')) }),
    };
  },
  ({ send }, profile) =>
    send !== undefined
      ? null
      : {
          text: 'Which columns may be sent to the agent? The others never leave this machine.',
          fallback: formatList(suggest(profile).send),
          words: profile.columns.map(({ name }) => name),
          read: (text) => ({ send: checkSend(parseList(text, 'column to send'), profile) }),
        },
  ({ query, send, fields }, profile) =>
    query !== undefined
      ? null
      : {
          text: 'What should the agent find out about each row?',
          fallback: suggestQuery(send ?? suggest(profile).send, fields ?? []),
          read: (text) => ({ query: text }),
        },
  ({ reference, apiUrl }) =>
    reference !== undefined || apiUrl !== undefined
      ? null
      : {
          text: 'Which agent? Enter a folder of your own tables, or leave empty for the hosted service, which searches the web.',
          fallback: '',
          read: (text) => (text === '' ? {} : { reference: text }),
        },
  ({ budget, reference, apiUrl }) =>
    budget !== undefined || reference !== undefined || apiUrl !== undefined
      ? null
      : {
          text: 'Maximum cost of a job in US dollars? Leave empty for no limit; rowfill then asks before each start.',
          fallback: '',
          read: (text) =>
            text === '' ? {} : { budget: parseDollarOption(text.replace(/^\$\s*/, ''), 'the limit') },
        },
];

function parseList(text: string, what: string): string[] {
  const parts = splitList(text);
  if (parts.length > 0) return parts;
  throw createUsageError('MISSING_VALUE', `At least one ${what} is needed.`, 'Enter its name.');
}

/** The settings of a recipe known so far, from options and answers. */
export type Draft = {
  readonly [Name in keyof Omit<RecipeDraft, 'input' | 'kept'>]?: RecipeDraft[Name] | undefined;
};

/** Fills in the missing settings with suggestions from the file. */
export function finishDraft(draft: Draft, profile: FileProfile, input: string): RecipeDraft {
  const suggestion = suggest(profile);
  const fields = draft.schema === undefined ? (draft.fields ?? suggestion.fields) : [];
  const send = draft.send ?? suggestion.send;
  if (draft.schema === undefined && fields.length === 0) {
    throw createUsageError(
      'NOTHING_TO_FILL',
      `no column to fill was given, and no column of ${profile.name} is mostly blank`,
      "Name columns with --field, such as --field 'ceo=Who leads it today'.",
    );
  }
  return {
    ...draft,
    input,
    query: draft.query ?? suggestQuery(send, fields),
    fields,
    send,
    kept: profile.columns.map(({ name }) => name).filter((name) => !send.includes(name)),
  };
}

/** Checks columns to fill in the syntax of --field. */
export function parseFields(texts: readonly string[]): readonly string[] {
  checkFieldNames(texts.map((text) => parseField(text).name));
  return texts;
}

/** Checks that the file has the columns to send, and removes duplicates. */
export function checkSend(names: readonly string[], profile: FileProfile): readonly string[] {
  const columns = profile.columns.map(({ name }) => name);
  const found = names.map((name) => {
    const known = findColumn(name, columns);
    if (known !== null) return known;
    const hint = suggestColumns(name, columns) ?? `The columns are ${columns.map(showName).join(', ')}.`;
    throw createUsageError('UNKNOWN_COLUMN', `${profile.name} has no column ${showName(name)}`, hint);
  });
  return [...new Set(found)];
}
