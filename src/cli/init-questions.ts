import { createUsageError } from '../errors.js';
import { type FileLook, suggest, suggestQuery } from '../init.js';
import { readDollars } from '../model/money.js';
import { formatList, splitList } from '../model/text-list.js';
import { formatNumber } from '../model/words.js';
import type { Host } from './host.js';
import { type Draft, readFields, readSend } from './init-draft.js';
import { openQuestions, type Question } from './questions.js';

/** Asks a person for what the options left open; null where the person left. */
export async function askDraft(given: Draft, look: FileLook, host: Host): Promise<Draft | null> {
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

function describeFile(look: FileLook): string[] {
  const columns = look.columns.map(({ name, blanks }) => {
    if (blanks === look.rows) return `${name} (blank)`;
    return blanks >= look.rows / 2 ? `${name} (mostly blank)` : name;
  });
  return [`${look.name}: ${formatNumber(look.columns.length, 'column')}: ${columns.join(', ')}.`];
}

type Resolve = (draft: Draft, look: FileLook) => Question<Draft> | null;

/** In the order in which they are asked; null for what is known already. */
const QUESTIONS: readonly Resolve[] = [
  ({ fields, schema }, look) => {
    if (fields !== undefined || schema !== undefined) return null;
    const suggested = formatList(suggest(look).fields);
    return {
      text: 'Which columns are to be filled? With commas between, such as: headcount:integer, ceo=Who leads it today',
      ...(suggested === '' ? {} : { fallback: suggested }),
      read: (text) => ({ fields: readFields(readList(text, 'a column to fill')) }),
    };
  },
  ({ send }, look) =>
    send !== undefined
      ? null
      : {
          text: 'Which columns may leave this machine? The others never do.',
          fallback: formatList(suggest(look).send),
          words: look.columns.map(({ name }) => name),
          read: (text) => ({ send: readSend(readList(text, 'a column to send'), look) }),
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
            text === '' ? {} : { budget: readDollars(text.replace(/^\$\s*/, ''), 'the limit') },
        },
];

function readList(text: string, what: string): string[] {
  const parts = splitList(text);
  if (parts.length > 0) return parts;
  throw createUsageError('MISSING_VALUE', `At least ${what} is needed.`, 'Name it.');
}
