import {
  type Document,
  isAlias,
  isCollection,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
  visit,
  type YAMLError,
} from 'yaml';
import { describeError, RowfillError } from '../errors.js';
import { type JsonValue, unescapeToken } from '../model/json.js';

interface Position {
  readonly line: number;
  readonly column: number;
}

/** A parsed recipe, with the position of each part in its text. */
export interface ParsedRecipe {
  readonly value: JsonValue;
  /**
   * Position of the value at a JSON pointer, or of its key. If it does not exist, the position of the nearest
   * part around it.
   */
  locate(pointer: string, part: 'key' | 'value'): Position;
  /** Keys of the map at a JSON pointer in the order of the text: JavaScript puts keys that are numbers first. */
  listKeys(pointer: string): readonly string[];
  /** Position of a character. */
  locateOffset(offset: number): Position;
}

/** Parses YAML, which includes JSON. Throws a RecipeError with the line and column of a syntax error. */
export function parseRecipe(text: string, name: string): ParsedRecipe {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const locateOffset = (offset: number): Position => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(1, line), column: Math.max(1, col) };
  };
  const faults = [
    ...[...document.errors, ...document.warnings].map((error) => createSyntaxFault(error, locateOffset)),
    ...findOddities(document, locateOffset),
  ];
  if (faults.length > 0) throw new RecipeError(name, faults);
  return {
    value: convertDocument(document, name),
    locate: (pointer, part) => {
      const { key, node } = findPart(document, pointer);
      return locateOffset(findStart(part === 'key' && key !== null ? key : node));
    },
    listKeys: (pointer) => {
      const node = resolveAlias(findPart(document, pointer).node, document);
      return isMap(node) ? node.items.map(parseKey) : [];
    },
    locateOffset,
  };
}

function createSyntaxFault(error: YAMLError, locate: (offset: number) => Position): RecipeFault {
  const remedy = REMEDIES[error.code];
  return {
    code: 'RECIPE_NOT_YAML',
    ...locate(error.pos[0]),
    message: remedy?.[0] ?? `this is not valid YAML: ${error.message}`,
    hint: remedy?.[1] ?? 'Correct the YAML here. Put text with special characters in double quotes.',
  };
}

/** Plain messages and hints for common YAML mistakes. */
const REMEDIES: Partial<Record<YAMLError['code'], readonly [string, string]>> = {
  BLOCK_AS_IMPLICIT_KEY: [
    'a text contains a colon and a space, which makes it look like a key',
    'Put the text in double quotes.',
  ],
  TAB_AS_INDENT: ['the line starts with a tab', 'Indent with spaces.'],
  DUPLICATE_KEY: ['this key is used twice', 'Keep one of the two.'],
  BAD_SCALAR_START: ['a text starts with a character that YAML reserves', 'Put the text in double quotes.'],
  MULTIPLE_DOCS: ['a second document starts here', 'A recipe is one document: delete the line ---.'],
  TAG_RESOLVE_FAILED: ['a tag (!) is unknown', 'Delete it, or put the text in double quotes.'],
  BAD_DQ_ESCAPE: [
    'an escape sequence in double quotes is not valid',
    'Double the backslash, or use single quotes.',
  ],
};

/** Finds what is valid in YAML but not in JSON. */
function findOddities(document: Document, locate: (offset: number) => Position): RecipeFault[] {
  const faults: RecipeFault[] = [];
  const add = (node: unknown, message: string, hint: string): void => {
    faults.push({ code: 'BAD_RECIPE', ...locate(findStart(node)), message, hint });
  };
  visit(document, {
    Alias(_key, alias, path) {
      const anchored = alias.resolve(document);
      if (anchored === undefined) {
        add(
          alias,
          `*${alias.source} refers to an anchor that does not exist`,
          `Put text that begins with * in double quotes.`,
        );
      } else if (path.includes(anchored)) {
        add(alias, `*${alias.source} refers to a part that contains it`, 'Write it out without the alias.');
      }
    },
    Pair(_key, pair) {
      if (!isScalar(pair.key)) add(pair.key, 'a key is not a plain word', 'Write key: value.');
    },
    Scalar(_key, scalar) {
      const isNumber = typeof scalar.value === 'number';
      if (isNumber && !Number.isFinite(scalar.value)) {
        add(scalar, `${scalar.source} is not a supported number`, 'Write digits, such as 5.00.');
      } else if (isNumber && /^[+-]?0[xob]/i.test(scalar.source ?? '')) {
        add(scalar, `${scalar.source} is not a decimal number`, `If it means ${scalar.value}, write that.`);
      }
    },
  });
  return faults;
}

function convertDocument(document: Document, name: string): JsonValue {
  try {
    // Only JSON values are left: tags and odd keys were rejected above.
    return document.toJS() as JsonValue;
  } catch (error) {
    const hint = 'Replace the anchors with what they refer to.';
    throw new RecipeError(name, [
      { code: 'RECIPE_NOT_YAML', line: 1, column: 1, message: describeError(error), hint },
    ]);
  }
}

/** Finds the part at a JSON pointer, or the nearest one around it. The key is null for the whole document. */
function findPart(document: Document, pointer: string): { readonly key: unknown; readonly node: unknown } {
  let node: unknown = document.contents;
  let key: unknown = null;
  for (const token of pointer.split('/').slice(1).map(unescapeToken)) {
    const inner = resolveAlias(node, document);
    if (isMap(inner)) {
      const pair: Pair | undefined = inner.items.find((item) => parseKey(item) === token);
      if (pair === undefined) break;
      [key, node] = [pair.key, pair.value ?? pair.key];
    } else if (isSeq(inner)) {
      const item: unknown = inner.items[Number(token)];
      if (item === undefined) break;
      [key, node] = [item, item];
    } else {
      break;
    }
  }
  return { key, node };
}

function parseKey(pair: Pair): string {
  return isScalar(pair.key) ? String(pair.key.value) : String(pair.key);
}

function resolveAlias(node: unknown, document: Document): unknown {
  return isAlias(node) ? node.resolve(document) : node;
}

function findStart(node: unknown): number {
  return isNode(node) ? (node.range?.[0] ?? 0) : 0;
}

function isNode(node: unknown): node is Node {
  return isScalar(node) || isCollection(node) || isAlias(node);
}

/** Hint for an API key in a file. */
export const NO_KEYS =
  'Delete it here: rowfill reads it from EXA_API_KEY in the environment. If others have seen the key, replace it.';

/** Collects the faults of a recipe, so that all are reported at once. */
export class FaultList {
  readonly #recipe: string;
  readonly #parsed: ParsedRecipe;
  readonly #faults: RecipeFault[] = [];

  /** `recipe` is the recipe's path. */
  constructor(recipe: string, parsed: ParsedRecipe) {
    this.#recipe = recipe;
    this.#parsed = parsed;
  }

  /** Adds a fault for the value at a JSON pointer, or for its key. */
  add(
    pointer: string,
    message: string,
    hint: string,
    code = 'BAD_RECIPE',
    part: 'key' | 'value' = 'value',
  ): void {
    this.#faults.push({ code, ...this.#parsed.locate(pointer, part), message, hint });
  }

  /** Adds a fault for an agent's key in the recipe, starting at `offset`. */
  addKey(offset: number): void {
    const message = "the agent's API key is here, which must not be in a file";
    this.#faults.push({
      code: 'KEY_IN_RECIPE',
      ...this.#parsed.locateOffset(offset),
      message,
      hint: NO_KEYS,
    });
  }

  /** Throws a RecipeError if there are faults. */
  check(): void {
    if (this.#faults.length > 0) throw new RecipeError(this.#recipe, this.#faults);
  }
}

/** A fault in a recipe, and how to fix it. */
export interface RecipeFault {
  readonly code: string;
  /** 1-based. */
  readonly line: number;
  /** 1-based, in characters. */
  readonly column: number;
  readonly message: string;
  readonly hint: string;
}

const MAX_LISTED = 10;

/** Thrown for an invalid recipe. Lists every fault with its line and column. */
export class RecipeError extends RowfillError {
  override readonly name: string = 'RecipeError';
  readonly faults: readonly RecipeFault[];

  /** `recipe` is the recipe's path. `found` has at least one fault. */
  constructor(recipe: string, found: readonly RecipeFault[]) {
    const faults = found
      .toSorted((a, b) => a.line - b.line || a.column - b.column)
      // Of two faults at the same place, the second usually follows from the first.
      .filter((fault, index, all) => index === 0 || !isSamePath(fault, all[index - 1]));
    super('usage', faults[0]?.code ?? 'BAD_RECIPE', describeFaults(recipe, faults), {
      hint: faults.length === 1 ? (faults[0]?.hint ?? '') : 'Fix these faults. Nothing was sent or spent.',
    });
    this.faults = faults;
  }
}

function isSamePath(a: RecipeFault, b: RecipeFault | undefined): boolean {
  return a.line === b?.line && a.column === b.column;
}

function describeFaults(recipe: string, faults: readonly RecipeFault[]): string {
  const [first] = faults;
  if (faults.length === 1 && first !== undefined) return `${formatPlace(recipe, first)}: ${first.message}`;
  const listed = faults
    .slice(0, MAX_LISTED)
    .map((fault) => `  ${formatPlace(recipe, fault)}: ${fault.message}. ${fault.hint}`);
  const rest = faults.length > MAX_LISTED ? [`  and ${faults.length - MAX_LISTED} more`] : [];
  return [`${recipe} has ${faults.length} faults:`, ...listed, ...rest].join('\n');
}

/** A position in the format of editors and terminals: `companies.recipe.yaml:7:12`. */
export function formatPlace(recipe: string, at: { readonly line: number; readonly column: number }): string {
  return `${recipe}:${at.line}:${at.column}`;
}
