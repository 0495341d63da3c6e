import { useRef } from 'preact/hooks';
import type { CellDetail, CellSource, EarlierValue } from '../api.js';
import { nameKey } from './keys.js';
import { Bars } from './rail.js';
import type { Session } from './session.js';
import { detail } from './state.js';
import {
  describeLevel,
  formatCount,
  formatMicros,
  formatTime,
  STATUS_WORDS,
  VERDICT_WORDS,
} from './words.js';

/** Everything about one cell: its value and how sure it is, its sources, how it came, and its row. */
export function Panel({ session }: { readonly session: Session }) {
  const cell = detail.value;
  if (cell === null) return null;
  return (
    <aside class="panel" aria-label={`Details of ${cell.field}`}>
      <div class="panel-head">
        <div>
          <div class="quiet crumb">
            row {formatCount(cell.ordinal + 1)} · {cell.row[0]?.[1] ?? ''}
          </div>
          <h2>{cell.field}</h2>
        </div>
        <span class="grow" />
        <IconButton label="Previous field" sign="‹" onClick={() => session.step(-1)} />
        <IconButton label="Next field" sign="›" onClick={() => session.step(1)} />
        <IconButton label="Close" sign="×" onClick={() => session.close()} />
      </div>
      <section class="panel-body" aria-label={cell.field}>
        <div class={`value-big${cell.text === null ? ' is-none' : ''}`} dir="auto">
          {cell.text ?? describeHole(cell)}
        </div>
        <div class="badges">
          {cell.text !== null && (
            <span class={`badge l-${cell.level}`}>
              {cell.level === 'human' ? <span aria-hidden="true">✎</span> : <Bars level={cell.level} />}
              {describeLevel(cell.level)}
            </span>
          )}
          <span class="badge">
            <span class={`dot s-${cell.status}`} aria-hidden="true" />
            {STATUS_WORDS[cell.status].toLowerCase()}
          </span>
        </div>
        {(cell.issue ?? cell.error) !== null && <p class="issue">{cell.issue ?? cell.error}</p>}
        <Change session={session} cell={cell} />
        {cell.verdict !== null && <Verdict verdict={cell.verdict} />}
        <Sources sources={cell.sources} />
        <Origin cell={cell} />
        {cell.earlier.length > 0 && <Earlier session={session} cell={cell} />}
        <h3>The row</h3>
        <dl class="facts">
          {cell.row.map(([name, text]) =>
            text === '' ? null : (
              <div key={name}>
                <dt>{name}</dt>
                <dd dir="auto">{text}</dd>
              </div>
            ),
          )}
        </dl>
      </section>
    </aside>
  );
}

function describeHole({ status, level }: CellDetail): string {
  if (level === 'human') return 'left blank by hand';
  if (status === 'pending' || status === 'over_budget') return 'not asked yet';
  if (status === 'failed') return 'failed';
  return status === 'excluded' || status === 'skipped' ? 'nothing asked' : 'not found';
}

function IconButton(props: { readonly label: string; readonly sign: string; onClick(): void }) {
  return (
    <button
      type="button"
      class="button is-icon"
      aria-label={props.label}
      title={props.label}
      onClick={props.onClick}
    >
      {props.sign}
    </button>
  );
}

function Change({ session, cell }: { readonly session: Session; readonly cell: CellDetail }) {
  const { readOnly, cannotAsk } = session.meta;
  /** The cell as it was when the person began to type. */
  const before = useRef<CellDetail | null>(null);
  if (before.current?.ordinal !== cell.ordinal || before.current.field !== cell.field) before.current = null;
  const why = readOnly ?? cell.fixed;
  if (why !== null) return <p class="quiet">{why}</p>;
  return (
    <>
      <form
        class="change"
        onSubmit={(event) => {
          event.preventDefault();
          const form = event.currentTarget;
          const text = String(new FormData(form).get('value') ?? '');
          void session.editing
            .save(before.current ?? cell, text.trim() === '' ? null : text)
            .then((result) => {
              // What was typed stays until it is kept. Then the field shows what the cell has.
              if (result === 'kept') form.reset();
            });
          before.current = null;
          session.focusGrid();
        }}
      >
        <label for="edit" class="unseen">
          Value of {cell.field}
        </label>
        <textarea
          id="edit"
          name="value"
          dir="auto"
          rows={Math.min(6, (cell.text ?? '').split('\n').length)}
          // Kept when a run changes the value, so that typed letters are not lost.
          key={`${cell.ordinal} ${cell.field}`}
          onInput={() => {
            before.current ??= cell;
          }}
          onKeyDown={(event) => {
            if (event.key !== 'Enter' || event.shiftKey || event.isComposing || event.keyCode === 229) return;
            event.preventDefault();
            if (!event.repeat) event.currentTarget.form?.requestSubmit();
          }}
          defaultValue={cell.text ?? ''}
          placeholder="type a value"
          autoComplete="off"
        />
        <button class="button" type="submit">
          Save
        </button>
        {cell.text !== null && cell.level !== 'human' && (
          <button
            type="button"
            class="button is-primary"
            title={`Keep it as it is (${nameKey('A')})`}
            onClick={() => void session.review.accept(cell)}
          >
            Accept
          </button>
        )}
      </form>
      {cell.twins > 0 && (
        <p class="quiet note">
          {formatCount(cell.twins)} other {cell.twins === 1 ? 'row sends' : 'rows send'} the same cells and
          {cell.twins === 1 ? ' shares' : ' share'} this value.
        </p>
      )}
      {cannotAsk === null && (
        <button
          type="button"
          class="button is-wide"
          onClick={() =>
            void session.asking.set({ rows: [cell.ordinal], fields: [cell.field], effort: null })
          }
        >
          Ask this cell again<span class="quiet">price first</span>
        </button>
      )}
    </>
  );
}

/** What was seen of the value on the pages that it cites. */
function Verdict({ verdict }: { readonly verdict: NonNullable<CellDetail['verdict']> }) {
  const { mark, reason, passage, link } = verdict;
  const url = link === null ? null : parseWeb(link);
  return (
    <>
      <h3>{VERDICT_WORDS[mark]}</h3>
      {passage !== null && <blockquote class="passage">{passage}</blockquote>}
      {reason !== null && <p class="quiet">{reason}</p>}
      {url !== null && (
        <a
          class="passage-link"
          href={url.href}
          target="_blank"
          rel="noopener noreferrer nofollow"
          referrerpolicy="no-referrer"
        >
          Open the passage on {url.hostname.replace(/^www\./, '')}
        </a>
      )}
    </>
  );
}

function Sources({ sources }: { readonly sources: readonly CellSource[] }) {
  return (
    <>
      <h3>
        Sources <span class="quiet">{sources.length === 0 ? 'none' : sources.length}</span>
      </h3>
      <ol class="source-list">
        {sources.map((source, index) => (
          <li key={index}>
            <Source source={source} />
          </li>
        ))}
      </ol>
    </>
  );
}

/** Only a web address is a link, and its host is always shown: a title can say anything. */
function Source({ source: { link, title, text } }: { readonly source: CellSource }) {
  const url = link === null ? null : parseWeb(link);
  if (url !== null) {
    return (
      <>
        <a href={url.href} target="_blank" rel="noopener noreferrer nofollow" referrerpolicy="no-referrer">
          {title === null || title === '' ? url.hostname : title}
        </a>
        <div class="source-place">
          <b>{url.hostname.replace(/^www\./, '')}</b>
          {readPath(url)}
        </div>
      </>
    );
  }
  const address = text ?? link ?? '';
  const table = /^file:/i.test(address) ? parseFile(address) : null;
  return (
    <>
      <span class="source-title">{title ?? table?.name ?? 'Source'}</span>
      <div class="source-place">
        {table === null ? (
          <span class="is-bad">not a web address: {address.slice(0, 120)}</span>
        ) : (
          <>
            <b>{table.name}</b> {table.place}
          </>
        )}
      </div>
    </>
  );
}

function parseWeb(text: string): URL | null {
  if (!URL.canParse(text)) return null;
  const url = new URL(text);
  return url.protocol === 'https:' || url.protocol === 'http:' ? url : null;
}

function readPath({ pathname, search }: URL): string {
  const path = pathname === '/' ? '' : pathname + search;
  try {
    return decodeURI(path);
  } catch {
    return path;
  }
}

/** A row of one of the user's own tables: shown, never opened. */
function parseFile(address: string): { readonly name: string; readonly place: string } | null {
  if (!URL.canParse(address)) return null;
  const { pathname, hash } = new URL(address);
  const name = pathname.slice(pathname.lastIndexOf('/') + 1);
  const row = /row=(\d+)/.exec(hash)?.[1];
  try {
    return { name: decodeURIComponent(name), place: row === undefined ? '' : `row ${row}` };
  } catch {
    return { name, place: '' };
  }
}

function Origin({ cell }: { readonly cell: CellDetail }) {
  const facts: [string, string | null][] = [
    ['Cost of the row', cell.rowMicros === 0 ? null : formatMicros(cell.rowMicros)],
    ['Effort', cell.effort],
    ['Run', cell.runId],
    ['Answered', cell.answeredAtMs === null ? null : formatTime(cell.answeredAtMs)],
  ];
  const known = facts.filter(([, text]) => text !== null);
  if (known.length === 0) return null;
  return (
    <>
      <h3>How it came</h3>
      <dl class="facts">
        {known.map(([name, text]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{name === 'Run' ? <code>{text}</code> : text}</dd>
          </div>
        ))}
      </dl>
    </>
  );
}

function Earlier({ session, cell }: { readonly session: Session; readonly cell: CellDetail }) {
  const canChange = session.meta.readOnly === null && cell.fixed === null;
  return (
    <>
      <h3>
        Earlier values <span class="quiet">{cell.earlier.length}</span>
      </h3>
      <ol class="earlier">
        {cell.earlier.map((each: EarlierValue) => (
          <li key={`${each.replacedAtMs} ${each.text}`}>
            <span class="earlier-value">{each.text}</span>
            <span class="quiet">
              until {formatTime(each.replacedAtMs).slice(0, 10)} · {describeLevel(each.level)}
            </span>
            {canChange && (
              <button type="button" class="link" onClick={() => void session.editing.save(cell, each.text)}>
                put back
              </button>
            )}
          </li>
        ))}
      </ol>
    </>
  );
}
