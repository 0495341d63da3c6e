import { batch, effect } from '@preact/signals';
import type { Level, RowStatus, VerdictMark, ViewFilter } from '../api.js';
import { filter, NO_FILTER, openCell, sort } from './state.js';
import { LEVEL_ORDER, STATUS_ORDER, VERDICT_ORDER } from './words.js';

/** Filter, sort and open row as the query of the address, so that reload, Back and a bookmark find them again. */
export function formatAddress(): string {
  const { status, levels, verdicts, field, hosts, reasons, search } = filter.value;
  const words = new URLSearchParams();
  for (const each of status) words.append('status', each);
  for (const each of levels) words.append('confidence', each);
  for (const each of verdicts) words.append('verdict', each);
  if (field !== null) words.set('field', field);
  for (const each of hosts) words.append('source', each);
  for (const each of reasons) words.append('reason', each);
  if (search !== '') words.set('search', search);
  if (sort.value !== null) words.set(sort.value.descending ? 'down' : 'up', sort.value.column);
  if (openCell.value !== null) {
    words.set('row', String(openCell.value.ordinal + 1));
    words.set('cell', openCell.value.field);
  }
  const text = words.toString();
  return location.pathname + (text === '' ? '' : `?${text}`);
}

function readAddress(fields: readonly string[], columns: readonly string[]): void {
  const words = new URLSearchParams(location.search);
  const takeKnown = <Word extends string>(name: string, known: readonly Word[]): Word[] =>
    words.getAll(name).flatMap((word) => known.find((each) => each === word) ?? []);
  const found: ViewFilter = {
    ...NO_FILTER,
    status: takeKnown<RowStatus>('status', STATUS_ORDER),
    levels: takeKnown<Level>('confidence', LEVEL_ORDER),
    verdicts: takeKnown<VerdictMark>('verdict', VERDICT_ORDER),
    field: takeKnown('field', fields)[0] ?? null,
    hosts: words.getAll('source'),
    reasons: words.getAll('reason'),
    search: words.get('search') ?? '',
  };
  const sortable = [...columns, ...fields, '#status', '#cost'];
  const [up] = takeKnown('up', sortable);
  const [down] = takeKnown('down', sortable);
  const row = Number(words.get('row') ?? 0);
  const [field] = takeKnown('cell', fields);
  batch(() => {
    if (JSON.stringify(found) !== JSON.stringify(filter.value)) filter.value = found;
    const column = up ?? down;
    sort.value = column === undefined ? null : { column, descending: up === undefined };
    openCell.value =
      field !== undefined && Number.isInteger(row) && row > 0
        ? { place: row - 1, ordinal: row - 1, field }
        : null;
  });
}

/** Keeps state and address the same from here on. A new filter or sort is a step that Back undoes. */
export function followAddress(fields: readonly string[], columns: readonly string[]): void {
  readAddress(fields, columns);
  let steps = JSON.stringify([filter.value, sort.value]);
  addEventListener('popstate', () => {
    readAddress(fields, columns);
    steps = JSON.stringify([filter.value, sort.value]);
  });
  effect(() => {
    const address = formatAddress();
    const now = JSON.stringify([{ ...filter.value, search: '' }, sort.value]);
    const before = JSON.parse(steps) as [ViewFilter, unknown];
    const isStep = now !== JSON.stringify([{ ...before[0], search: '' }, before[1]]);
    steps = JSON.stringify([filter.value, sort.value]);
    if (address === location.pathname + location.search) return;
    if (isStep) history.pushState(null, '', address);
    else history.replaceState(null, '', address);
  });
}
