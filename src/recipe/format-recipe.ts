import { basename, dirname, isAbsolute, relative, sep } from 'node:path';

/** What a first recipe says; what is left out stands in it as a comment, to be taken up. */
export interface RecipeDraft {
  /** Path of the file that it is for. */
  readonly input: string;
  readonly query: string;
  /** Columns to fill, each as `name[:type][=description]`. */
  readonly fields: readonly string[];
  /** Path of a schema, instead of fields. */
  readonly schema?: string | undefined;
  readonly send: readonly string[];
  /** The columns of the file that are not sent. */
  readonly kept: readonly string[];
  readonly effort?: readonly string[] | undefined;
  /** US dollars. */
  readonly budget?: number | undefined;
  readonly reference?: string | undefined;
  readonly apiUrl?: string | undefined;
}

/** Writes a recipe out, with a comment for each of its parts; `path` is where it will be. */
export function formatRecipe(draft: RecipeDraft, path: string): string {
  const { input, query, send, effort, budget } = draft;
  const command = `${quoteWord(input)} --recipe ${quoteWord(path)}`;
  const parts = [
    [
      `What to find out about the rows of ${basename(input)}, and how. Options on the command line win over what stands here.`,
      `  rowfill plan ${command}   what that would send and cost; spends nothing`,
      `  rowfill run ${command}    fills the file; the same command again carries on`,
    ].map(comment),
    [
      comment(
        'What to find out about every row, in words. Its cells are sent beside it: call a column by its name.',
      ),
      `query: ${formatText(query)}`,
    ],
    [
      comment('Rules for the agent, such as which sources to prefer.'),
      "# system: Prefer the company's own site and filings.",
    ],
    formatFields(draft, path),
    [comment(`The columns that are sent.${describeKept(draft.kept)}`), `send: ${formatList(send)}`],
    [comment('Rows on this list are not asked about.'), '# exclude: {file: customers.csv, on: [domain]}'],
    [
      comment('How hard the agent tries: a level, or a ladder. The next level is for what is still missing.'),
      effort === undefined ? '# effort: [low, high]' : `effort: ${formatList(effort)}`,
    ],
    [
      comment(
        'Rows in one run. A run has one price, so more rows are cheaper, and each gets less attention.',
      ),
      '# batch: 8',
    ],
    [
      comment('The most that a job may cost, in US dollars, over every time it is run. It is never passed.'),
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
      'The columns to fill, each with its type: string, number, integer, boolean, date, datetime, url, email, phone,',
    ),
    comment(
      'enum(a|b) or list(string). What is meant can follow after =; a JSON Schema can stand in place of a type.',
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
  const [who, agent] =
    reference !== undefined
      ? [
          'Tables of your own answer, for free; they do not search the web.',
          `{reference: ${formatText(seeFrom(path, reference), true)}}`,
        ]
      : ['The agent at this address answers.', `{url: ${formatText(apiUrl ?? '', true)}}`];
  const key = 'with the key in EXA_API_KEY. A key never belongs in this file.';
  if (reference === undefined && apiUrl === undefined) {
    return [
      comment(
        'Who answers: tables of your own, an agent at another address, or, as it is now, the hosted service,',
      ),
      comment(key),
      '# agent: {reference: ./tables}',
    ];
  }
  return [comment(who), comment(`Without this line the hosted service answers, ${key}`), `agent: ${agent}`];
}

function describeKept(kept: readonly string[]): string {
  return kept.length === 0 ? '' : ` These never leave this machine: ${kept.join(', ')}.`;
}

/** One line of a comment: what came out of a file must not end it. */
function comment(text: string): string {
  return `# ${text.replace(/[\p{Cc}\u2028\u2029]+/gu, ' ')}`;
}

/** A path as it is seen from the folder of the recipe, with slashes that every system takes. */
function seeFrom(recipe: string, path: string): string {
  if (isAbsolute(path)) return path;
  const seen = relative(dirname(recipe), path).split(sep).join('/');
  return seen.startsWith('..') ? seen : `./${seen}`;
}

function formatList(texts: readonly string[]): string {
  return `[${texts.map((text) => formatText(text, true)).join(', ')}]`;
}

/** A text as YAML takes it: plain where nobody could read it otherwise, else in double quotes as JSON has them. */
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
