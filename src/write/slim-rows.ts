import type { FileShape } from '../model/file-format.js';
import { parseMembers } from '../model/json.js';
import type { CellRow, ObjectRow, Row } from '../model/row.js';

/** A table without some of its columns. */
export interface SlimTable {
  readonly columns: readonly string[];
  readonly shape: FileShape;
  slim(row: Row): Row;
}

/** Leaves out columns of a table, or keys of its objects. Cells beyond the header stay at the end of a row. */
export function createSlimTable(
  columns: readonly string[],
  shape: FileShape,
  dropped: ReadonlySet<string>,
): SlimTable {
  const places = columns.flatMap((column, index) => (dropped.has(column) ? [] : [index]));
  const pick = <Cell>(cells: readonly Cell[]): Cell[] => [
    ...places.filter((index) => index < cells.length).map((index) => cells[index] as Cell),
    ...cells.slice(columns.length),
  ];
  const kept = places.map((index) => columns[index] ?? '');
  const indexes = new Map(kept.map((column, index) => [column, index]));
  const move = (indexes: readonly number[]) =>
    indexes.map((index) => places.indexOf(index)).filter((at) => at >= 0);
  const slimCells = ({ stored, source, formulas, uncomputed, arrays: _, ...row }: CellRow): CellRow => ({
    ...row,
    columns: indexes,
    cells: pick(row.cells),
    ...(stored === undefined ? {} : { stored: pick(stored) }),
    ...(source === undefined ? {} : { source: pick(source) }),
    ...(formulas === undefined ? {} : { formulas: move(formulas) }),
    ...(uncomputed === undefined ? {} : { uncomputed: move(uncomputed) }),
  });
  const slimObject = (row: ObjectRow): ObjectRow => {
    const members = parseMembers(row.text).filter(({ key }) => !dropped.has(key));
    const parts = members.map(
      ({ key, start, end }) => `${JSON.stringify(key)}:${row.text.slice(start, end)}`,
    );
    const object = Object.fromEntries(Object.entries(row.object).filter(([key]) => !dropped.has(key)));
    return { ...row, object, text: `{${parts.join(',')}}` };
  };
  return {
    columns: kept,
    shape: shape.titles.length === 0 ? shape : { ...shape, titles: pick(shape.titles) },
    slim(row) {
      if (row.kind === 'cells') return slimCells(row);
      return row.kind === 'object' ? slimObject(row) : row;
    },
  };
}
