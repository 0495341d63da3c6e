import { splitColumnName } from '../model/column-kind.js';
import { type JsonObject, type JsonValue, readOwn } from '../model/json.js';
import { isEmpty } from '../model/row.js';
import type { Grounding } from '../model/run.js';
import { type AnswerPlan, createNodeBudget, isRowForm, type NodeBudget } from './answer-plan.js';
import { coerceValue, createObject } from './coerce-value.js';
import { createNothing, type Finding, lookUpProperty, type MatchedRecord } from './look-up-property.js';
import type { SchemaNode, SchemaReader } from './schema-reader.js';

/** One value of an answer: a property of the item, or of the item's `fields`. */
export interface Cell {
  /** Copied from the input record, or looked up in the tables. */
  readonly origin: 'input' | 'tables';
  /** Keys from the item down to the value. */
  readonly path: readonly string[];
  readonly value: JsonValue;
  /** What the value rests on; paths start at the cell, so that a nested value can have its own. */
  readonly grounding: readonly (Omit<Grounding, 'field'> & { readonly path: readonly string[] })[];
  readonly issue: string | null;
}

const MAX_DEPTH = 5;

/** Fills one item of the answer: properties that the input record has are copied, the others are looked up. */
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
    const own = coerceValue(reader, node, readInput(record, name), 'point');
    if (own === null && name !== 'row_id')
      return [lookUp(reader, plan, node, [name], matches, createNodeBudget())];
    return [{ origin: 'input' as const, path: [name], value: own, grounding: [], issue: null }];
  });
}

/** The item as it is sent, its keys in the schema's order. */
export function createItem(cells: readonly Cell[]): JsonObject {
  const entries = cells.map(({ path: [name = ''], path, value }): [string, JsonValue] => {
    if (path.length === 1) return [name, value];
    const inner = cells.filter((cell) => cell.path.length === 2 && cell.path[0] === name);
    return [name, Object.fromEntries(inner.map((cell) => [cell.path[1], cell.value]))];
  });
  return Object.fromEntries(entries);
}

function readInput(record: JsonObject, name: string): JsonValue {
  const key = splitColumnName(name).join('_');
  const own = readOwn(record, name);
  const other = Object.keys(record).find((column) => key !== '' && splitColumnName(column).join('_') === key);
  const value = own ?? (other === undefined ? undefined : record[other]);
  return value === undefined || isEmpty(value) ? null : value;
}

/** A property with properties of its own is put together from what each of them finds; any other is one look-up. */
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
  // A schema may hold itself; a table does not go on for ever.
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
    return createCell(path, createNothing('a part that must be there was not found'));
  }
  const isLeafUnique = plan.uniqueLeaves.has(path.at(-1) ?? '');
  return createCell(path, lookUpProperty(reader, node, path, isLeafUnique, matches));
}

function createCell(path: readonly string[], found: Finding): Cell {
  const { citations, confidence } = found;
  return {
    origin: 'tables',
    path,
    value: found.value,
    grounding: found.value === null ? [] : [{ path, citations, confidence }],
    issue: found.issue,
  };
}
