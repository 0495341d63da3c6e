import { createInterface } from 'node:readline';
import { RowfillError } from '../errors.js';
import { cleanText } from './clean-text.js';
import type { Host } from './host.js';

export interface Question<Answer> {
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
  ask<Answer>(question: Question<Answer>): Promise<Answer | null>;
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

  async function ask<Answer>(question: Question<Answer>): Promise<Answer | null> {
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
