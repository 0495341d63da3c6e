import { createInterface } from 'node:readline';
import { createUsageError, RowfillError } from '../errors.js';
import { type FileProfile, type RecipeDraft, suggest, suggestQuery } from '../init.js';
import { checkFieldNames, parseField } from '../model/field.js';
import {
  formatList,
  formatNumber,
  parseDollarOption,
  showName,
  splitList,
  suggestSimilar,
} from '../model/format.js';
import { cleanText, type Host } from './host.js';

export interface PromptQuestion<Answer> {
  readonly text: string;
  /** What a bare return means; none if left out. */
  readonly fallback?: string;
  /** Words that the tab key completes. */
  readonly words?: readonly string[];
  /** Makes an answer of the text, or throws a usage error: then the question is asked again. */
  read(text: string): Answer | Promise<Answer>;
}

/** A talk with the person at the terminal. */
export interface Questions {
  /** Asks until there is an answer; null where the person left, by Ctrl-C or the end of input, or was made to. */
  ask<Answer>(question: PromptQuestion<Answer>): Promise<Answer | null>;
  close(): void;
}

/** Opens a talk: questions to standard error, answers from standard input, also those typed ahead. */
export function openQuestions(host: Host): Questions {
  let words: readonly string[] = [];
  const talk = createInterface({
    input: host.stdin,
    output: host.stderr,
    terminal: true,
    completer: (line: string) => complete(line, words),
  });
  const typed: string[] = [];
  let isOpen = true;
  let wake = (): void => {};
  talk.on('line', (line) => {
    typed.push(line);
    wake();
  });
  talk.on('SIGINT', () => talk.close());
  // A terminal that is gone: to close the talk fails once more.
  talk.once('error', () => talk.close());
  talk.on('error', () => {});
  const close = host.onInterrupt(() => talk.close());
  talk.on('close', () => {
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
        talk.setPrompt(fallback === '' ? '> ' : `[${cleanText(fallback)}] > `);
        talk.prompt();
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

  return { ask, close: () => talk.close() };
}

/** Completes the last word of a list with commas. */
function complete(line: string, words: readonly string[]): [string[], string] {
  const last = /[^,\s]*$/.exec(line)?.[0] ?? '';
  return [words.filter((word) => word.startsWith(last)), last];
}

/** Asks a person for what the options left open; null where the person left. */
export async function askDraft(given: Draft, look: FileProfile, host: Host): Promise<Draft | null> {
  const questions = openQuestions(host);
  try {
    for (const line of describeFile(look)) host.say(line);
    let draft = given;
    for (const resolve of QUESTIONS) {
      const question = resolve(draft, look);
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

function describeFile(look: FileProfile): string[] {
  const columns = look.columns.map(({ name, blanks }) => {
    if (blanks === look.rows) return `${name} (blank)`;
    return blanks >= look.rows / 2 ? `${name} (mostly blank)` : name;
  });
  return [`${look.name}: ${formatNumber(look.columns.length, 'column')}: ${columns.join(', ')}.`];
}

type Resolve = (draft: Draft, look: FileProfile) => PromptQuestion<Draft> | null;

/** In the order in which they are asked; null for what is known already. */
const QUESTIONS: readonly Resolve[] = [
  ({ fields, schema }, look) => {
    if (fields !== undefined || schema !== undefined) return null;
    const suggested = formatList(suggest(look).fields);
    return {
      text: 'Which columns are to be filled? With commas between, such as: headcount:integer, ceo=Who leads it today',
      ...(suggested === '' ? {} : { fallback: suggested }),
      read: (text) => ({ fields: parseFields(parseList(text, 'a column to fill')) }),
    };
  },
  ({ send }, look) =>
    send !== undefined
      ? null
      : {
          text: 'Which columns may leave this machine? The others never do.',
          fallback: formatList(suggest(look).send),
          words: look.columns.map(({ name }) => name),
          read: (text) => ({ send: checkSend(parseList(text, 'a column to send'), look) }),
        },
  ({ query, send, fields }, look) =>
    query !== undefined
      ? null
      : {
          text: 'What is to be found out about each row, in words?',
          fallback: suggestQuery(send ?? suggest(look).send, fields ?? []),
          read: (text) => ({ query: text }),
        },
  ({ reference, apiUrl }) =>
    reference !== undefined || apiUrl !== undefined
      ? null
      : {
          text: 'Who answers? A folder of tables of your own, or nothing for the hosted service, which searches the web.',
          fallback: '',
          read: (text) => (text === '' ? {} : { reference: text }),
        },
  ({ budget, reference, apiUrl }) =>
    budget !== undefined || reference !== undefined || apiUrl !== undefined
      ? null
      : {
          text: 'What may a job cost at most, in US dollars? Nothing for no limit: each run of it then asks.',
          fallback: '',
          read: (text) =>
            text === '' ? {} : { budget: parseDollarOption(text.replace(/^\$\s*/, ''), 'the limit') },
        },
];

function parseList(text: string, what: string): string[] {
  const parts = splitList(text);
  if (parts.length > 0) return parts;
  throw createUsageError('MISSING_VALUE', `At least ${what} is needed.`, 'Name it.');
}

/** What is known of a recipe so far: from options, then from answers. */
export type Draft = {
  readonly [Name in keyof Omit<RecipeDraft, 'input' | 'kept'>]?: RecipeDraft[Name] | undefined;
};

/** Fills what is still open with what the file suggests. */
export function finishDraft(draft: Draft, look: FileProfile, input: string): RecipeDraft {
  const suggestion = suggest(look);
  const fields = draft.schema === undefined ? (draft.fields ?? suggestion.fields) : [];
  const send = draft.send ?? suggestion.send;
  if (draft.schema === undefined && fields.length === 0) {
    throw createUsageError(
      'NOTHING_TO_FILL',
      `no column to fill was named, and none of ${look.name} is mostly blank`,
      "Name columns with --field, such as --field 'ceo=Who leads it today'.",
    );
  }
  return {
    ...draft,
    input,
    query: draft.query ?? suggestQuery(send, fields),
    fields,
    send,
    kept: look.columns.map(({ name }) => name).filter((name) => !send.includes(name)),
  };
}

/** Checks columns to fill as --field takes them. */
export function parseFields(texts: readonly string[]): readonly string[] {
  checkFieldNames(texts.map((text) => parseField(text).name));
  return texts;
}

/** Checks columns to send against those of the file. */
export function checkSend(names: readonly string[], look: FileProfile): readonly string[] {
  const columns = look.columns.map(({ name }) => name);
  for (const name of names) {
    if (columns.includes(name)) continue;
    const nearest = suggestSimilar(name, columns);
    const hint =
      nearest.length > 0
        ? `Did you mean ${nearest.map(showName).join(' or ')}?`
        : `The columns are ${columns.map(showName).join(', ')}.`;
    throw createUsageError('UNKNOWN_COLUMN', `${look.name} has no column ${showName(name)}`, hint);
  }
  return [...new Set(names)];
}
