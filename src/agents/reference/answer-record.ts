import { splitColumnName } from '../../model/column-kind.js';
import { getOwn, isJsonObject, type JsonObject, type JsonValue } from '../../model/json.js';
import { isEmpty } from '../../model/row.js';
import type { Grounding } from '../../model/run.js';
import { coerceValue, createObject } from './coerce-value.js';
import { createNothing, type FoundValue, lookUpProperty, type MatchedRecord } from './look-up-property.js';
import type { SchemaNode, SchemaReader } from './schema-reader.js';

/** Where records go in the answer: the list at `path`, or the root if the schema describes one record. */
export interface AnswerPlan {
  readonly path: readonly string[];
  readonly isList: boolean;
  /** Schema of one record of the answer. */
  readonly item: SchemaNode;
  readonly maxItems: number;
  /** Last words of property paths that occur only once in the schema. */
  readonly uniqueLeaves: ReadonlySet<string>;
}

const MAX_DEPTH = 5;

/**
 * Needed because definitions that refer to each other make an endless tree. No table has this many columns.
 */
const MAX_NODES = 5_000;

/** Limits the number of nodes that a walk through a schema visits. */
interface NodeBudget {
  left: number;
}

function createNodeBudget(): NodeBudget {
  return { left: MAX_NODES };
}

/**
 * Finds the first list of objects in a schema. Without one, an object schema is used as the schema of one
 * record.
 */
export function createAnswerPlan(reader: SchemaReader): AnswerPlan {
  const list = findList(reader, reader.root, [], [], createNodeBudget());
  const item = list?.item ?? reader.root;
  const leaves = listLeaves(reader, item, [], createNodeBudget());
  const counts = new Map<string, number>();
  for (const leaf of leaves) counts.set(leaf, (counts.get(leaf) ?? 0) + 1);
  const uniqueLeaves = new Set(leaves.filter((leaf) => counts.get(leaf) === 1));
  return {
    path: list?.path ?? [],
    isList: list !== null,
    item,
    maxItems: list?.maxItems ?? 1,
    uniqueLeaves,
  };
}

/** Wraps the records into the whole answer. Other properties of the schema's objects are null. */
export function wrapItems(reader: SchemaReader, plan: AnswerPlan, items: readonly JsonObject[]): JsonValue {
  if (!plan.isList) return items[0] ?? null;
  const wrap = (node: SchemaNode, path: readonly string[]): JsonValue => {
    const [name, ...rest] = path;
    if (name === undefined) return items;
    const entries = [...reader.listProperties(node)].map(([key, property]) => [
      key,
      key === name ? wrap(property, rest) : null,
    ]);
    return Object.fromEntries(entries);
  };
  return wrap(reader.root, plan.path);
}

function findList(
  reader: SchemaReader,
  node: SchemaNode,
  path: readonly string[],
  trail: readonly string[],
  budget: NodeBudget,
): { path: readonly string[]; item: SchemaNode; maxItems: number } | null {
  budget.left -= 1;
  const item = reader.readItems(node);
  if (item !== null && reader.listProperties(item).size > 0) {
    return { path, item, maxItems: findMaxItems(reader, node) };
  }
  if (budget.left <= 0 || trail.length >= MAX_DEPTH || trail.includes(node.pointer)) return null;
  for (const [name, property] of reader.listProperties(node)) {
    const found = findList(reader, property, [...path, name], [...trail, node.pointer], budget);
    if (found !== null) return found;
  }
  return null;
}

function findMaxItems(reader: SchemaReader, node: SchemaNode): number {
  const limits = reader
    .listVariants(node)
    .flat()
    .map((part) => part.schema.maxItems)
    .filter((limit) => typeof limit === 'number');
  return Math.min(Number.POSITIVE_INFINITY, ...limits);
}

function listLeaves(
  reader: SchemaReader,
  node: SchemaNode,
  trail: readonly string[],
  budget: NodeBudget,
): string[] {
  budget.left -= 1;
  if (budget.left <= 0 || trail.length >= MAX_DEPTH || trail.includes(node.pointer)) return [];
  return [...reader.listProperties(node)].flatMap(([name, property]) => {
    const inner = listLeaves(reader, property, [...trail, node.pointer], budget);
    return inner.length > 0 ? inner : [name];
  });
}

/** True for the row form of a run: a `row_id` to copy, and `fields` next to it. */
function isRowForm(reader: SchemaReader, item: SchemaNode): boolean {
  const properties = reader.listProperties(item);
  const fields = properties.get('fields');
  return properties.has('row_id') && fields !== undefined && isJsonObject(fields.schema);
}

/** One value of an answer: a property of the item, or of the item's `fields`. */
export interface Cell {
  /** Whether the value is copied from the input record or looked up in the tables. */
  readonly origin: 'input' | 'tables';
  /** Keys from the item to the value. */
  readonly path: readonly string[];
  readonly value: JsonValue;
  /** Sources of the value. Paths start at the cell, so that nested values can have their own. */
  readonly grounding: readonly (Omit<Grounding, 'field'> & { readonly path: readonly string[] })[];
  readonly issue: string | null;
}

/**
 * Fills one item of the answer. Properties that the input record has are copied; the others are looked up.
 */
export function answerRecord(
  reader: SchemaReader,
  plan: AnswerPlan,
  record: JsonObject,
  matches: readonly MatchedRecord[],
): readonly Cell[] {
  const hasFields = isRowForm(reader, plan.item);
  return [...reader.listProperties(plan.item)].flatMap(([name, node]) => {
    if (hasFields && name === 'fields') {
      return [...reader.listProperties(node)].map(([field, inner]) => ({
        ...lookUp(reader, plan, inner, [field], matches, createNodeBudget()),
        path: [name, field],
      }));
    }
    const own = coerceValue(reader, node, getInput(record, name), 'point');
    if (own === null && name !== 'row_id')
      return [lookUp(reader, plan, node, [name], matches, createNodeBudget())];
    return [{ origin: 'input' as const, path: [name], value: own, grounding: [], issue: null }];
  });
}

/** The item to send, with its keys in the schema's order. */
export function createItem(cells: readonly Cell[]): JsonObject {
  const entries = cells.map(({ path: [name = ''], path, value }): [string, JsonValue] => {
    if (path.length === 1) return [name, value];
    const inner = cells.filter((cell) => cell.path.length === 2 && cell.path[0] === name);
    return [name, Object.fromEntries(inner.map((cell) => [cell.path[1], cell.value]))];
  });
  return Object.fromEntries(entries);
}

function getInput(record: JsonObject, name: string): JsonValue {
  const key = splitColumnName(name).join('_');
  const own = getOwn(record, name);
  const other = Object.keys(record).find((column) => key !== '' && splitColumnName(column).join('_') === key);
  const value = own ?? (other === undefined ? undefined : record[other]);
  return value === undefined || isEmpty(value) ? null : value;
}

/**
 * Looks up a property. One with nested properties is built from their results; any other is a single lookup.
 */
function lookUp(
  reader: SchemaReader,
  plan: AnswerPlan,
  node: SchemaNode,
  path: readonly string[],
  matches: readonly MatchedRecord[],
  budget: NodeBudget,
  trail: readonly string[] = [],
): Cell {
  budget.left -= 1;
  // Stop at recursive schemas: a table is not infinitely deep.
  const isOpen = budget.left > 0 && trail.length < MAX_DEPTH && !trail.includes(node.pointer);
  const properties = isOpen ? reader.listProperties(node) : new Map<string, SchemaNode>();
  if (properties.size > 0 && reader.readItems(node) === null) {
    const parts = [...properties].map(([name, inner]) =>
      lookUp(reader, plan, inner, [...path, name], matches, budget, [...trail, node.pointer]),
    );
    const value = createObject(
      reader,
      node,
      parts.map((part) => [part.path.at(-1) ?? '', part.value]),
    );
    if (value !== null)
      return {
        origin: 'tables',
        path,
        value,
        grounding: parts.flatMap((part) => part.grounding),
        issue: null,
      };
    const found = parts.some((part) => part.value !== null);
    const whole = createCell(path, lookUpProperty(reader, node, path, false, matches));
    if (whole.value !== null || !found) {
      return whole.issue === null
        ? { ...whole, issue: parts.find((part) => part.issue !== null)?.issue ?? null }
        : whole;
    }
    return createCell(path, createNothing('a required part was not found'));
  }
  const isLeafUnique = plan.uniqueLeaves.has(path.at(-1) ?? '');
  return createCell(path, lookUpProperty(reader, node, path, isLeafUnique, matches));
}

function createCell(path: readonly string[], found: FoundValue): Cell {
  const { citations, confidence } = found;
  return {
    origin: 'tables',
    path,
    value: found.value,
    grounding: found.value === null ? [] : [{ path, citations, confidence }],
    issue: found.issue,
  };
}
