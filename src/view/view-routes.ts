import { RowfillError } from '../errors.js';
import { ROW_STATUSES } from '../model/answer.js';
import type { FileFormat } from '../model/file-format.js';
import type { createHttpApp } from '../server/http-app.js';
import type { AgainRequest, EditRequest, PageRow, ViewMeta, ViewQuery } from './api.js';
import type { AskAgain } from './ask-again.js';
import { readCell } from './cell-detail.js';
import { cutText, LEVELS, showCell, showInput, VERDICT_MARKS } from './cell-text.js';
import type { Edits } from './edits.js';
import { exportView } from './export-view.js';
import type { Follower } from './follower.js';
import type { Survey } from './survey.js';
import type { JoinedRow, ViewJob } from './view-job.js';
import type { Views } from './views.js';

/** Everything that the routes serve. */
export interface Served {
  readonly view: ViewJob;
  readonly survey: Survey;
  readonly views: Views;
  readonly follower: Follower;
  /** Null if values may not be changed. */
  readonly edits: Edits | null;
  /** Null if nothing may be asked. */
  readonly again: AskAgain | null;
  readonly meta: Omit<ViewMeta, 'progress' | 'seen' | 'columns'>;
  readonly columns: () => readonly string[];
}

const MAX_ROWS = 500;
/** Input columns of a page. The page of the browser shows as many. */
const MAX_INPUT_COLUMNS = 500;
/** Rows that can be selected and asked again at once. The page has the same number. */
const MAX_SELECTED = 100_000;
/** The longest text that a person may type into a cell. */
const MAX_TEXT = 100_000;
/** How long a filter waits for rows that are not surveyed yet. */
const PATIENCE_MS = 3_000;

const TEXT = { type: 'string', maxLength: MAX_TEXT } as const;
const ORDINAL = { type: 'integer', minimum: 0 } as const;
const WORDS = { type: 'array', items: { type: 'string', maxLength: 500 }, maxItems: 200 } as const;

/** Fastify's schemas. What they do not name is dropped, and a wrong type is refused. */
function takes<Name extends string>(properties: Readonly<Record<Name, object>>, optional = {}) {
  return {
    type: 'object',
    required: Object.keys(properties),
    properties: { ...properties, ...optional },
  } as const;
}

const FILTER = takes({
  status: { type: 'array', items: { enum: [...ROW_STATUSES] } },
  levels: { type: 'array', items: { enum: [...LEVELS] } },
  verdicts: { type: 'array', items: { enum: [...VERDICT_MARKS] } },
  field: { type: ['string', 'null'] },
  hosts: WORDS,
  reasons: WORDS,
  search: { type: 'string', maxLength: 1_000 },
});
const QUERY = takes({
  filter: FILTER,
  sort: {
    anyOf: [{ type: 'null' }, takes({ column: { type: 'string' }, descending: { type: 'boolean' } })],
  },
});
const ROWS = { type: 'array', items: ORDINAL, minItems: 1, maxItems: MAX_SELECTED } as const;

/** Adds the routes of the view, as docs/view.md describes them. */
export function addViewRoutes(app: ReturnType<typeof createHttpApp>, served: Served): void {
  const { view, survey, views, follower, meta, columns } = served;
  app.get('/api/meta', async () => ({
    ...meta,
    columns: columns(),
    // Before anything is shown, so that no change is missed.
    seen: follower.last,
    progress: await follower.readProgress(),
  }));

  app.post<{ Body: ViewQuery }>('/api/views', { schema: { body: QUERY } }, async ({ body }) => {
    await waitForSurvey(survey, body);
    return views.create(body);
  });

  app.post<{ Body: ViewQuery }>('/api/facets', { schema: { body: QUERY } }, async ({ body }) =>
    views.count(body.filter),
  );

  app.get<{ Querystring: { view: string; from: number; count: number } }>(
    '/api/rows',
    {
      schema: {
        querystring: takes({
          view: { type: 'string' },
          from: ORDINAL,
          count: { type: 'integer', minimum: 1, maximum: MAX_ROWS },
        }),
      },
    },
    async ({ query }) => {
      const ordinals = views.list(query.view, query.from, query.count);
      if (ordinals === null) throw new RowfillError('usage', 'VIEW_GONE', 'This view is not kept any more.');
      const joined = await view.read(ordinals);
      const names = columns().slice(0, MAX_INPUT_COLUMNS);
      return { rows: joined.map((row) => createPageRow(row, names, served)) };
    },
  );

  app.get<{ Querystring: { view: string; from: number; count: number } }>(
    '/api/ordinals',
    {
      schema: {
        querystring: takes({
          view: { type: 'string' },
          from: ORDINAL,
          count: { type: 'integer', minimum: 1, maximum: MAX_SELECTED },
        }),
      },
    },
    async ({ query }) => {
      const ordinals = views.list(query.view, query.from, query.count);
      if (ordinals === null) throw new RowfillError('usage', 'VIEW_GONE', 'This view is not kept any more.');
      return { ordinals };
    },
  );

  app.get<{ Querystring: { view: string; place: number; field: number; by: 1 | -1 } }>(
    '/api/review',
    {
      schema: {
        querystring: takes({
          view: { type: 'string' },
          place: ORDINAL,
          field: { type: 'integer', minimum: -1 },
          by: { type: 'integer', enum: [1, -1] },
        }),
      },
    },
    async ({ query }) => {
      const cell = await views.findReview(query.view, query.place, query.field, query.by);
      if (cell === undefined) throw new RowfillError('usage', 'VIEW_GONE', 'This view is not kept any more.');
      return { cell };
    },
  );

  app.get<{ Querystring: { row: number; field: string } }>(
    '/api/cell',
    { schema: { querystring: takes({ row: ORDINAL, field: { type: 'string' } }) } },
    async ({ query }) => {
      requireField(view, query.field);
      return readCell(view, survey, query.row, query.field);
    },
  );

  app.put<{ Body: EditRequest }>(
    '/api/cell',
    {
      schema: {
        body: takes(
          {
            ordinal: ORDINAL,
            field: { type: 'string' },
            text: { ...TEXT, type: ['string', 'null'] },
            was: { ...TEXT, type: ['string', 'null'], maxLength: 16_000_000 },
          },
          { edit: { type: 'string', minLength: 1, maxLength: 100 } },
        ),
      },
    },
    async ({ body }) => {
      const { edits } = served;
      if (edits === null) throw refuse(meta.readOnly);
      requireField(view, body.field);
      const edited = await edits.put(body);
      await follower.look();
      return edited;
    },
  );

  app.post<{ Body: { undo: string } }>(
    '/api/undo',
    { schema: { body: takes({ undo: TEXT }) } },
    async ({ body }) => {
      if (served.edits === null) throw refuse(meta.readOnly);
      await served.edits.undo(body.undo);
      await follower.look();
      return {};
    },
  );

  app.post<{ Body: AgainRequest }>(
    '/api/quote',
    {
      schema: {
        body: takes({
          rows: ROWS,
          fields: {
            anyOf: [{ type: 'null' }, { type: 'array', items: TEXT, minItems: 1, maxItems: 10_000 }],
          },
          effort: { type: ['string', 'null'], maxLength: 40 },
        }),
      },
    },
    async ({ body }) => {
      if (served.again === null) throw refuse(meta.cannotAsk);
      for (const field of body.fields ?? []) requireField(view, field);
      return served.again.quote(body);
    },
  );

  app.post<{ Body: { quote: string } }>(
    '/api/ask',
    { schema: { body: takes({ quote: TEXT }) } },
    async ({ body }) => {
      if (served.again === null) throw refuse(meta.cannotAsk);
      await served.again.start(body.quote);
      return {};
    },
  );

  app.post<{ Body: { view: string; format: FileFormat } }>(
    '/api/export',
    { schema: { body: takes({ view: TEXT, format: { enum: ['csv', 'xlsx', 'jsonl'] } }) } },
    async ({ body }) => {
      await view.rows.whenRead;
      const ordinals = views.list(body.view, 0, view.rows.count);
      if (ordinals === null) throw new RowfillError('usage', 'VIEW_GONE', 'This view is not kept any more.');
      return { path: await exportView(view, ordinals, body.format), rows: ordinals.length };
    },
  );

  app.get<{ Querystring: { since: number } }>(
    '/api/changes',
    { schema: { querystring: takes({ since: ORDINAL }) } },
    async ({ query }) => follower.readChanges(query.since),
  );
}

function createPageRow(joined: JoinedRow, names: readonly string[], served: Served): PageRow {
  const { row, outcome, key, verdicts } = joined;
  const { survey, follower, view } = served;
  const cells = view.job.ask.fields.map(({ name }) => {
    const cell = showCell(row, name, outcome.fields.get(name), view.blanks, verdicts.get(name));
    if (cell.text === null) return cell.level === 'human' ? (['', LEVELS.indexOf('human'), 0] as const) : 0;
    const shown = [cutText(cell.text), LEVELS.indexOf(cell.level), cell.citations.length] as const;
    return cell.mark === null ? shown : ([...shown, cell.mark] as const);
  });
  const asked = follower.listAsked(key);
  const page = [
    row.ordinal,
    showInput(row, names).map(cutText),
    cells,
    ROW_STATUSES.indexOf(outcome.status),
    row.ordinal < survey.done ? survey.costOf(row.ordinal) : 0,
    asked.size === 0
      ? []
      : view.job.ask.fields.flatMap(({ name }, index) => (asked.has(name) ? [index] : [])),
  ] as const;
  return outcome.error === null || outcome.error === '' ? page : [...page, cutText(outcome.error)];
}

function requireField({ job }: ViewJob, field: string): void {
  if (job.ask.fields.some(({ name }) => name === field)) return;
  throw new RowfillError('usage', 'NO_SUCH_FIELD', `there is no field ${JSON.stringify(field)}`);
}

function refuse(reason: string | null): RowfillError {
  return new RowfillError('refused', 'READ_ONLY', reason ?? 'Nothing can be changed here.');
}

/** A filter or sort is about all rows, so it waits a little until they are known. */
async function waitForSurvey(survey: Survey, { filter, sort }: ViewQuery): Promise<void> {
  const { status, levels, verdicts, hosts, reasons, search } = filter;
  const isOpen =
    [status, levels, verdicts, hosts, reasons].every(({ length }) => length === 0) && search.trim() === '';
  if (survey.isDone || (isOpen && sort === null)) return;
  let timer: NodeJS.Timeout | undefined;
  const patience = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, PATIENCE_MS);
  });
  await Promise.race([survey.whenDone, patience]);
  clearTimeout(timer);
}
