import { isJsonObject, type JsonObject, type JsonValue } from '../model/json.js';
import type { SchemaNode, SchemaReader } from './schema-reader.js';

/** Where in the answer the records go: the list at `path`, or the root itself where the schema describes one record. */
export interface AnswerPlan {
  readonly path: readonly string[];
  readonly isList: boolean;
  /** The schema of one record of the answer. */
  readonly item: SchemaNode;
  readonly maxItems: number;
  /** Last words of property paths that stand in the schema once only. */
  readonly uniqueLeaves: ReadonlySet<string>;
}

const MAX_DEPTH = 5;

/** Definitions that refer to one another make a tree without bounds; no table has as many columns. */
const MAX_NODES = 5_000;

/** Counts the nodes that a walk through a schema visits, so that it ends. */
export interface NodeBudget {
  left: number;
}

export function createNodeBudget(): NodeBudget {
  return { left: MAX_NODES };
}

/** Finds the first list of objects in a schema; without one, a schema of an object is taken as the schema of one record. */
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

/** The whole answer around its records: what else the schema's objects have is null. */
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
    return { path, item, maxItems: readMaxItems(reader, node) };
  }
  if (budget.left <= 0 || trail.length >= MAX_DEPTH || trail.includes(node.pointer)) return null;
  for (const [name, property] of reader.listProperties(node)) {
    const found = findList(reader, property, [...path, name], [...trail, node.pointer], budget);
    if (found !== null) return found;
  }
  return null;
}

function readMaxItems(reader: SchemaReader, node: SchemaNode): number {
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

/** True for the form in which a run asks for rows: an id to copy, and the fields beside it. */
export function isRowForm(reader: SchemaReader, item: SchemaNode): boolean {
  const properties = reader.listProperties(item);
  const fields = properties.get('fields');
  return properties.has('row_id') && fields !== undefined && isJsonObject(fields.schema);
}
