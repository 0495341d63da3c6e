import { effect } from '@preact/signals';
import { render } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import type { ViewMeta } from '../api.js';
import { act } from './actions.js';
import { followAddress } from './address.js';
import { Dialogs } from './dialogs.js';
import { nameKey, readAction } from './keys.js';
import { Panel } from './panel.js';
import { Rail } from './rail.js';
import { RowBar } from './row-bar.js';
import { call, enterKey, ServerError } from './server.js';
import { Session } from './session.js';
import {
  clearFilters,
  detail,
  dialog,
  facets,
  failure,
  isFiltered,
  isRailShown,
  keyForm,
  meta,
  openCell,
  progress,
  selectionText,
  theme,
  toast,
  view,
  visible,
} from './state.js';
import './page.css';
import { TopBar } from './top-bar.js';
import { UnsavedBar } from './unsaved.js';
import { formatCount, formatRows } from './words.js';

function App({ session }: { readonly session: Session }) {
  const isOpen = openCell.value !== null && detail.value !== null;
  useEffect(() => session.layout(), [isRailShown.value, isOpen]);
  return (
    <div class={`app${isRailShown.value ? '' : ' has-no-rail'}${isOpen ? ' has-panel' : ''}`}>
      <TopBar session={session} />
      <main class="middle">
        {isRailShown.value && <Rail session={session} />}
        <div class="center">
          <RowBar session={session} />
          <GridBox session={session} />
        </div>
        {isOpen && <Panel session={session} />}
      </main>
      <div>
        <UnsavedBar session={session} />
        <Foot session={session} />
      </div>
      <Dialogs session={session} />
    </div>
  );
}

function GridBox({ session }: { readonly session: Session }) {
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (box.current !== null) session.start(box.current);
  }, []);
  return (
    <div class="grid-box" id="rows">
      <div ref={box} />
      {view.value?.count === 0 && isFiltered.value && (
        <p class="no-rows">
          No row passes these filters.{' '}
          <button type="button" class="link" onClick={clearFilters}>
            Clear them
          </button>
        </p>
      )}
    </div>
  );
}

function Foot({ session }: { readonly session: Session }) {
  const { from, to } = visible.value;
  const count = view.value?.count ?? 0;
  const place =
    count === 0
      ? 'No rows'
      : to - from < 2
        ? `row ${formatCount(from + 1)} of ${formatCount(count)}`
        : `rows ${formatCount(from + 1)}–${formatCount(to)} of ${formatRows(count)}`;
  const message = toast.value;
  const left = facets.value?.review ?? 0;
  return (
    <footer class="foot">
      <span>{selectionText.value || place}</span>
      <span class="toast" role="status">
        {message?.text}
        {message?.undo !== undefined && (
          <button
            type="button"
            class="link"
            onClick={() => {
              message.undo?.();
              // The button goes away, and the focus must not go with it.
              session.focusGrid();
            }}
          >
            Undo
          </button>
        )}
      </span>
      <span class="foot-keys" aria-hidden="true">
        <kbd>↵</kbd> details <kbd>F2</kbd> edit <kbd>Space</kbd> select <kbd>{nameKey('N')}</kbd>{' '}
        {left === 0 ? 'next to review' : `review, ${formatCount(left)} left`} <kbd>{nameKey('S')}</kbd> search{' '}
        <kbd>{nameKey('K')}</kbd> all keys
      </span>
    </footer>
  );
}

/** Keys of the whole page, wherever the focus is but in a text field. */
function addPageKeys(session: Session): void {
  addEventListener(
    'keydown',
    (event) => {
      const { target } = event;
      const isIn = (selector: string): boolean =>
        target instanceof Element && target.closest(selector) !== null;
      // An editor has an Escape of its own.
      if (isIn('dialog, .cell-editor')) return;
      const isField = isIn('input, textarea, select');
      if (event.key === 'Escape') {
        if (!isField && openCell.value !== null) openCell.value = null;
        session.focusGrid();
        return;
      }
      const action = isField || dialog.value !== null ? null : readAction(event);
      if (action === null) return;
      event.preventDefault();
      event.stopPropagation();
      if (!event.repeat) act(session, action);
    },
    { capture: true },
  );
}

function Start() {
  return (
    <main class="start" aria-busy={failure.value === null && !keyForm.value.isShown}>
      <h1>rowfill</h1>
      {keyForm.value.isShown ? <KeyForm /> : <p>{failure.value ?? 'Opening…'}</p>}
    </main>
  );
}

/** Other machines have no address with a token in it, so a person enters the key. */
function KeyForm() {
  const { message } = keyForm.value;
  return (
    <form
      class="key-form"
      onSubmit={(event) => {
        event.preventDefault();
        enterKey(String(new FormData(event.currentTarget).get('key')));
        void load();
      }}
    >
      <label for="key">The key of this view, from ROWFILL_VIEW_KEY where it was started</label>
      <div>
        <input id="key" name="key" type="password" required autoComplete="off" />
        <button type="submit" class="button is-primary">
          Open
        </button>
      </div>
      <p role="status">{message}</p>
    </form>
  );
}

async function start(): Promise<void> {
  const root = document.querySelector('#app');
  if (root === null) return;
  render(<Start />, root);
  effect(() => {
    document.documentElement.dataset.theme = theme.value;
  });
  await load();
}

/** Opens the page, or says why it cannot be opened. */
async function load(): Promise<void> {
  const root = document.querySelector('#app');
  if (root === null) return;
  try {
    const found = await call<ViewMeta>('GET', '/api/meta');
    meta.value = found;
    progress.value = found.progress;
    const session = new Session(found);
    followAddress(
      found.fields.map(({ name }) => name),
      found.columns,
    );
    addPageKeys(session);
    addEventListener('beforeunload', (event) => {
      if (session.hasUnsaved) event.preventDefault();
    });
    effect(() => {
      const { isFilling, rows, counts } = progress.value;
      const pending = counts[found.statuses.indexOf('pending')] ?? 0;
      const share = rows === 0 ? 0 : Math.floor(((rows - pending) / rows) * 100);
      document.title = `${isFilling ? `${share} % ` : ''}${found.file} · rowfill`;
    });
    render(<App session={session} />, root);
  } catch (error) {
    if (error instanceof ServerError && error.code === 'KEY_NEEDED') {
      // The first time nobody has entered one.
      keyForm.value = { isShown: true, message: keyForm.value.isShown ? error.message : '' };
    } else failure.value = error instanceof Error ? error.message : String(error);
  }
}

void start();
