import { useEffect, useRef } from 'preact/hooks';
import type { ViewMeta } from '../api.js';
import { nameKey } from './keys.js';
import type { Session } from './session.js';
import { dialog, filter, isConnected, nextTheme, progress, theme } from './state.js';
import { formatCount, formatMicros, formatSpan, STATUS_ORDER, STATUS_WORDS } from './words.js';

/** The file, what is going on, what it cost, and the rows by status. */
export function TopBar({ session }: { readonly session: Session }) {
  const { meta } = session;
  return (
    <header class="top">
      <button type="button" class="skip" onClick={() => session.focusGrid()}>
        Skip to the rows
      </button>
      <div class="brand">
        <svg viewBox="0 0 32 32" width="22" height="22" aria-hidden="true">
          <rect x="2" y="5" width="28" height="6" rx="2" />
          <rect x="2" y="13" width="28" height="6" rx="2" opacity=".55" />
          <rect x="2" y="21" width="16" height="6" rx="2" opacity=".3" />
        </svg>
        <h1>
          <b>{meta.file}</b>
          <span class="quiet brand-output"> → {meta.output}</span>
        </h1>
      </div>
      <Pulse meta={meta} />
      <Money />
      <div class="actions">
        <button
          type="button"
          class="button"
          onClick={() => {
            dialog.value = 'export';
          }}
        >
          Export
        </button>
        <button
          type="button"
          class="button is-icon"
          aria-label="Keyboard"
          title={`Keyboard (${nameKey('K')})`}
          onClick={() => {
            dialog.value = 'keys';
          }}
        >
          ?
        </button>
        <button
          type="button"
          class="button is-icon"
          aria-label={`Colors: ${theme.value}`}
          title={`Colors: ${theme.value}`}
          onClick={nextTheme}
        >
          ◐
        </button>
      </div>
      <Strip meta={meta} />
    </header>
  );
}

function Pulse({ meta }: { readonly meta: ViewMeta }) {
  const { isFilling, rowsAMinute, secondsLeft, again, isRead, fault, rows, surveyed, counts } =
    progress.value;
  const pending = counts[meta.statuses.indexOf('pending')] ?? 0;
  const describeWork = (): string | null => {
    // Runs of a process that was killed stay open until the job goes on.
    if (isFilling) return rowsAMinute > 0 ? 'Filling' : 'Waiting for answers';
    if (!isRead) return 'Reading';
    return surveyed < rows ? 'Counting' : null;
  };
  const isLive = isConnected.value && (isFilling || again !== null);
  const word = !isConnected.value ? 'Not connected' : (fault ?? again ?? describeWork());
  return (
    <div class={`pulse${isLive ? ' is-live' : ''}`} role="status">
      <i />
      <b>{word ?? (pending === 0 ? 'Done' : 'Idle')}</b>
      {isLive && rowsAMinute > 0 && <span>{formatCount(rowsAMinute)} rows a minute</span>}
      {isLive && secondsLeft !== null && pending > 0 && <span>{formatSpan(secondsLeft)} left</span>}
      {!isLive && pending > 0 && word === null && <span>{formatCount(pending)} rows not asked yet</span>}
    </div>
  );
}

function Money() {
  const { spentMicros, reservedMicros } = progress.value;
  return (
    <div class="money">
      <b>{formatMicros(spentMicros)}</b> spent
      {reservedMicros > 0 && <span class="quiet"> · {formatMicros(reservedMicros)} reserved</span>}
    </div>
  );
}

/** All rows by status as one line. */
function Strip({ meta }: { readonly meta: ViewMeta }) {
  const { counts } = progress.value;
  const count = (status: (typeof STATUS_ORDER)[number]): number => counts[meta.statuses.indexOf(status)] ?? 0;
  const shown = STATUS_ORDER.filter((status) => count(status) > 0);
  const label = shown.map((status) => `${STATUS_WORDS[status]} ${formatCount(count(status))}`).join(', ');
  return (
    <div class="strip" role="img" aria-label={`Rows by status: ${label}`}>
      {shown.map((status) => (
        // biome-ignore lint/a11y/noStaticElementInteractions: the same filter is a button of the rail
        // biome-ignore lint/a11y/useKeyWithClickEvents: the same filter is a button of the rail
        <div
          key={status}
          class={`segment s-${status}`}
          title={`${STATUS_WORDS[status]} ${formatCount(count(status))}`}
          style={{ flexGrow: count(status) }}
          onClick={() => {
            filter.value = { ...filter.value, status: [status] };
          }}
        />
      ))}
    </div>
  );
}

/** A bar of some percent. Its width is set by script, because the page allows no styles in its markup. */
export function Share({ percent, kind }: { readonly percent: number; readonly kind: string }) {
  const bar = useRef<HTMLElement>(null);
  useEffect(() => {
    if (bar.current !== null) bar.current.style.width = `${Math.max(0, Math.min(100, percent))}%`;
  });
  return <i ref={bar} class={`share ${kind}`} />;
}
