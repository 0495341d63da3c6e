import { nameKey } from './keys.js';
import type { Session } from './session.js';
import {
  changedRows,
  clearFilters,
  filter,
  follows,
  isDense,
  isFiltered,
  isRailShown,
  picked,
  progress,
  type SelectedCells,
  selectedCells,
  sort,
  toggleDense,
  view,
} from './state.js';
import { formatCount, formatRows, LEVEL_WORDS, STATUS_WORDS, VERDICT_WORDS } from './words.js';

interface Chip {
  readonly text: string;
  remove(): void;
}

/** How many rows are shown and why, what is selected, and what can be done with it. */
export function RowBar({ session }: { readonly session: Session }) {
  const chips = listChips();
  const count = view.value?.count ?? 0;
  const { rows } = progress.value;
  return (
    <div class="bar">
      <button
        type="button"
        class="button is-icon"
        aria-label={isRailShown.value ? 'Hide filters' : 'Show filters'}
        aria-expanded={isRailShown.value}
        onClick={() => {
          isRailShown.value = !isRailShown.value;
        }}
      >
        ☰
      </button>
      <span class="count" role="status">
        <b>{formatCount(count)}</b>{' '}
        {count === rows ? (rows === 1 ? 'row' : 'rows') : `of ${formatRows(rows)}`}
      </span>
      {chips.map(({ text, remove }) => (
        <span class="chip" key={text}>
          {text}
          <button type="button" aria-label={`Remove: ${text}`} onClick={remove}>
            ×
          </button>
        </span>
      ))}
      {chips.length > 1 && (
        <button type="button" class="link" onClick={clearFilters}>
          Clear
        </button>
      )}
      {changedRows.value.size > 0 && (
        <button type="button" class="link" onClick={() => void session.showView(true)}>
          {formatCount(changedRows.value.size)} changed · update
        </button>
      )}
      <span class="grow" />
      {picked.value.size > 0 ? (
        <Picked session={session} />
      ) : selectedCells.value !== null ? (
        <CellsBar session={session} cells={selectedCells.value} />
      ) : (
        <>
          {isFiltered.value && count > 0 && (
            <button type="button" class="button" onClick={() => void session.pickAll()}>
              Select all
            </button>
          )}
          <button
            type="button"
            class={`button${follows.value ? ' is-on' : ''}`}
            aria-pressed={follows.value}
            title="Keep the visible rows that are being filled"
            onClick={() => {
              follows.value = !follows.value;
            }}
          >
            Follow
          </button>
          <button type="button" class="button" aria-pressed={isDense.value} onClick={toggleDense}>
            {isDense.value ? 'Roomy' : 'Dense'}
          </button>
        </>
      )}
    </div>
  );
}

function Picked({ session }: { readonly session: Session }) {
  const { cannotAsk } = session.meta;
  return (
    <span class="picked">
      <span>
        <b>{formatCount(picked.value.size)}</b> {picked.value.size === 1 ? 'row' : 'rows'} selected
      </span>
      <button
        type="button"
        class="button is-primary"
        disabled={cannotAsk !== null}
        title={cannotAsk ?? `Shows the price first (${nameKey('R')})`}
        onClick={() => void session.asking.open()}
      >
        Ask again…
      </button>
      <button
        type="button"
        class="link"
        onClick={() => {
          picked.value = new Set();
        }}
      >
        Clear
      </button>
    </span>
  );
}

function CellsBar(props: { readonly session: Session; readonly cells: SelectedCells }) {
  const { session, cells } = props;
  const { cannotAsk } = session.meta;
  return (
    <span class="picked">
      <span>
        <b>{formatCount(cells.cells)}</b> cells of{' '}
        {cells.fields.length === 1 ? cells.fields[0] : `${cells.fields.length} fields`}
      </span>
      <button
        type="button"
        class="button is-primary"
        disabled={cannotAsk !== null}
        title={cannotAsk ?? `Shows the price first (${nameKey('R')})`}
        onClick={() => void session.asking.open()}
      >
        Ask again…
      </button>
    </span>
  );
}

function listChips(): Chip[] {
  const now = filter.value;
  const without = <Word extends string>(words: readonly Word[], word: Word): readonly Word[] =>
    words.filter((each) => each !== word);
  const chips: Chip[] = [];
  for (const status of now.status) {
    chips.push({
      text: STATUS_WORDS[status].toLowerCase(),
      remove: () => {
        filter.value = { ...now, status: without(now.status, status) };
      },
    });
  }
  for (const level of now.levels) {
    chips.push({
      text: `${now.field ?? 'any field'}: ${LEVEL_WORDS[level].toLowerCase()}`,
      remove: () => {
        filter.value = { ...now, levels: without(now.levels, level) };
      },
    });
  }
  for (const verdict of now.verdicts) {
    chips.push({
      text: `${now.field ?? 'any field'}: ${VERDICT_WORDS[verdict].toLowerCase()}`,
      remove: () => {
        filter.value = { ...now, verdicts: without(now.verdicts, verdict) };
      },
    });
  }
  for (const host of now.hosts) {
    chips.push({
      text: `from ${host}`,
      remove: () => {
        filter.value = { ...now, hosts: without(now.hosts, host) };
      },
    });
  }
  for (const reason of now.reasons) {
    chips.push({
      text: reason,
      remove: () => {
        filter.value = { ...now, reasons: without(now.reasons, reason) };
      },
    });
  }
  if (now.search.trim() !== '') {
    chips.push({
      text: `contains “${now.search.trim()}”`,
      remove: () => {
        filter.value = { ...now, search: '' };
      },
    });
  }
  if (sort.value !== null) {
    const { column, descending } = sort.value;
    chips.push({
      text: `by ${column.replace('#', '')} ${descending ? '↓' : '↑'}`,
      remove: () => {
        sort.value = null;
      },
    });
  }
  return chips;
}
