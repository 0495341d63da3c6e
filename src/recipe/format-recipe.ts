import { basename, dirname, isAbsolute, relative, sep } from 'node:path';

/** Content of a new recipe. Missing parts are written as comments. */
export interface RecipeDraft {
  /** Path of the input file. */
  readonly input: string;
  readonly query: string;
  /** Columns to fill, each as `name[:type][=description]`. */
  readonly fields: readonly string[];
  /** Path of a schema; replaces `fields`. */
  readonly schema?: string | undefined;
  readonly send: readonly string[];
  /** Columns that are not sent. */
  readonly kept: readonly string[];
  readonly effort?: readonly string[] | undefined;
  /** US dollars. */
  readonly budget?: number | undefined;
  readonly reference?: string | undefined;
  readonly apiUrl?: string | undefined;
}

/** Formats a recipe with a comment for each part. `path` is where it will be saved. */
export function formatRecipe(draft: RecipeDraft, path: string): string {
  const { input, query, send, effort, budget } = draft;
  const command = `${quoteWord(input)} --recipe ${quoteWord(path)}`;
  const parts = [
    [
      `What to find out about the rows of ${basename(input)}, and how. Command-line options override this file.`,
      `  rowfill plan ${command}   shows what would be sent and what it costs; spends nothing`,
      `  rowfill run ${command}    fills the file; run it again to continue`,
    ].map(comment),
    [
      comment(
        'What to find out about every row, in words. Its cells are sent too: refer to a column by its name.',
      ),
      `query: ${formatText(query)}`,
    ],
    [
      comment('Rules for the agent, such as which sources to prefer.'),
      "# system: Prefer the company's own site and filings.",
    ],
    formatFields(draft, path),
    [comment(`The columns that are sent.${describeKept(draft.kept)}`), `send: ${formatList(send)}`],
    [comment('Rows on this list are skipped.'), '# exclude: {file: customers.csv, on: [domain]}'],
    [
      comment('Effort level, or several: each next level retries what is still missing.'),
      effort === undefined ? '# effort: [low, high]' : `effort: ${formatList(effort)}`,
    ],
    [
      comment(
        'Rows per run. A run has a fixed price, so more rows per run are cheaper, but each gets less attention.',
      ),
      '# batch: 8',
    ],
    [
      comment('Maximum cost of a job in US dollars, over all its runs. rowfill never exceeds it.'),
      budget === undefined ? '# budget: 5' : `budget: ${budget}`,
    ],
    formatAgent(draft, path),
    [comment('How the result is written.'), '# output: {format: csv, citations_file: citations.jsonl}'],
  ];
  return `${parts.map((lines) => lines.join('\n')).join('\n\n')}\n`;
}

function formatFields({ fields, schema }: RecipeDraft, path: string): string[] {
  if (schema !== undefined) {
    return [
      comment('The columns to fill are the properties of this JSON Schema.'),
      `schema: ${formatText(seeFrom(path, schema))}`,
    ];
  }
  return [
    comment(
      'The columns to fill and their types: string, number, integer, boolean, date, datetime, url, email, phone,',
    ),
    comment(
      'enum(a|b) or list(string). Add a description after =, or write a JSON Schema instead of a type.',
    ),
    'fields:',
    ...fields.map((field) => {
      const mark = field.search(/[:=]/);
      const name = mark < 0 ? field : field.slice(0, mark);
      const about =
        mark < 0
          ? 'string'
          : field[mark] === ':'
            ? field.slice(mark + 1)
            : `string = ${field.slice(mark + 1).trim()}`;
      return `  ${formatText(name.trim())}: ${formatText(about.trim())}`;
    }),
  ];
}

function formatAgent({ reference, apiUrl }: RecipeDraft, path: string): string[] {
  const [description, agent] =
    reference !== undefined
      ? [
          'Answers come from your own tables, for free; the web is not searched.',
          `{reference: ${formatText(seeFrom(path, reference), true)}}`,
        ]
      : ['Answers come from the agent at this URL.', `{url: ${formatText(apiUrl ?? '', true)}}`];
  const key = 'with the key in EXA_API_KEY. Never put a key in this file.';
  if (reference === undefined && apiUrl === undefined) {
    return [
      comment('The agent: your own tables, an agent at another URL, or, by default, the hosted service,'),
      comment(key),
      '# agent: {reference: ./tables}',
    ];
  }
  return [
    comment(description),
    comment(`Without this line, answers come from the hosted service, ${key}`),
    `agent: ${agent}`,
  ];
}

function describeKept(kept: readonly string[]): string {
  return kept.length === 0 ? '' : ` These never leave this machine: ${kept.join(', ')}.`;
}

/** A one-line comment. Text from a file must not end it early. */
function comment(text: string): string {
  return `# ${text.replace(/[\p{Cc}\u2028\u2029]+/gu, ' ')}`;
}

/** Makes a path relative to the recipe's folder, with forward slashes, which every system accepts. */
function seeFrom(recipe: string, path: string): string {
  if (isAbsolute(path)) return path;
  const seen = relative(dirname(recipe), path).split(sep).join('/');
  return seen.startsWith('..') ? seen : `./${seen}`;
}

function formatList(texts: readonly string[]): string {
  return `[${texts.map((text) => formatText(text, true)).join(', ')}]`;
}

/** Formats text for YAML: plain if unambiguous, else in double quotes as in JSON. */
function formatText(text: string, isInList = false): string {
  const isPlain =
    /^[\p{L}_.][\p{L}\p{N} _.,;()='’/+%€$?!-]*$/u.test(text) &&
    !/ $|^\.\d|^(true|false|null|yes|no|on|off|y|n|\.inf|\.nan)$/i.test(text) &&
    !(isInList && text.includes(','));
  return isPlain ? text : JSON.stringify(text).replace(/[\u007f-\u009f\u2028\u2029\ufeff]/g, toEscape);
}

function toEscape(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

function quoteWord(word: string): string {
  return /^[\w./~+@%-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
