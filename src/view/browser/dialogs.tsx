import { useEffect, useRef } from 'preact/hooks';
import type { Session } from './session.js';
import { dialog, picked, quote, view } from './state.js';
import { formatMicros, formatRows } from './words.js';

const TITLES = { again: 'Ask again', keys: 'Keyboard', export: 'Export', row: 'Go to a row' } as const;

/** The one dialog that is open, if any. */
export function Dialogs({ session }: { readonly session: Session }) {
  const box = useRef<HTMLDialogElement>(null);
  const name = dialog.value;
  useEffect(() => {
    if (name !== null && box.current?.open === false) box.current.showModal();
    if (name === null && box.current?.open === true) box.current.close();
  }, [name]);
  const close = (): void => {
    dialog.value = null;
  };
  return (
    <dialog
      ref={box}
      aria-label={name === null ? 'Dialog' : TITLES[name]}
      onClose={() => {
        close();
        session.focusGrid();
      }}
    >
      {name === 'again' && <Again session={session} close={close} />}
      {name === 'keys' && <Keys />}
      {name === 'export' && <Export session={session} />}
      {name === 'row' && <GoTo session={session} />}
      <button type="button" class="button is-icon dialog-close" aria-label="Close" onClick={close}>
        ×
      </button>
    </dialog>
  );
}

function Again({ session, close }: { readonly session: Session; close(): void }) {
  const offer = quote.value;
  if (offer === null) {
    return (
      <>
        <h2 class="dialog-title">Ask {formatRows(picked.value.size)} again</h2>
        <p class="quiet">Working out the price…</p>
      </>
    );
  }
  const { rows, runs, worstMicros, likelyMicros, efforts, isFree } = offer;
  const skipped = picked.value.size - rows;
  return (
    <>
      <h2 class="dialog-title">Ask {formatRows(rows)} again</h2>
      {isFree ? (
        <p class="price">It costs nothing: your own tables answer.</p>
      ) : (
        <p class="price">
          <b>{formatMicros(worstMicros)}</b> at the very most
        </p>
      )}
      {session.meta.effortChoices.length > 0 && (
        <label class="effort">
          Effort{' '}
          <select
            value={efforts.length === 1 ? efforts[0] : ''}
            onChange={(event) => {
              const { value } = event.currentTarget;
              void session.askAgain(value === '' ? null : value);
            }}
          >
            {session.meta.efforts.length > 1 && (
              <option value="">{session.meta.efforts.join(', then ')}</option>
            )}
            {session.meta.effortChoices.map((each) => (
              <option key={each} value={each}>
                {each}
              </option>
            ))}
          </select>
        </label>
      )}
      <p>
        {runs} {runs === 1 ? 'run' : 'runs'} at effort <b>{efforts.join(', then ')}</b>
        {isFree ? '' : `, likely ${formatMicros(likelyMicros)}`}. The values there are now stay as earlier
        values; those given by hand stay as they are.
        {skipped > 0 && ` ${formatRows(skipped)} of the selected ones cannot be asked, or share an answer.`}
      </p>
      <div class="dialog-actions">
        <button type="button" class="button" onClick={close}>
          Not now
        </button>
        <button
          type="button"
          class="button is-primary"
          disabled={rows === 0}
          onClick={() => void session.confirmAgain(offer)}
        >
          {isFree ? 'Ask again' : `Ask for at most ${formatMicros(worstMicros)}`}
        </button>
      </div>
    </>
  );
}

const KEYS: readonly (readonly [keys: string, what: string])[] = [
  ['↑ ↓ ← →', 'move'],
  ['Ctrl + arrow', 'to the first or last row or column'],
  ['Page ↑ ↓, Home, End', 'by a page, to the ends'],
  ['Shift + arrow', 'select cells'],
  ['Space', 'select the row; with Shift, all up to it'],
  ['Enter', 'details and sources'],
  ['F2, or type', 'edit the value'],
  ['N, Shift + N', 'next and previous cell to review'],
  ['A', 'accept, and on to the next'],
  ['R', 'ask again; shows the price first'],
  ['[ and ]', 'previous and next field in the panel'],
  ['O', 'open the first source'],
  ['F', 'show rows like this cell'],
  ['G', 'go to a row'],
  ['/', 'search'],
  ['Ctrl + C', 'copy as a table; with Shift, with sources'],
  ['Ctrl + Z', 'undo an edit'],
  ['Esc', 'back to the rows'],
];

function Keys() {
  return (
    <>
      <h2 class="dialog-title">Keyboard</h2>
      <dl class="facts keys">
        {KEYS.map(([keys, what]) => (
          <div key={keys}>
            <dt>
              <kbd>{keys}</kbd>
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
    </>
  );
}

function Export({ session }: { readonly session: Session }) {
  const formats = [
    ['csv', 'CSV'],
    ['xlsx', 'Excel'],
    ['jsonl', 'JSON Lines'],
  ] as const;
  return (
    <>
      <h2 class="dialog-title">Export</h2>
      <p>
        {formatRows(view.value?.count ?? 0)}, filtered and sorted as they are shown, are written beside the
        input. No file is replaced.
      </p>
      <div class="dialog-actions">
        {formats.map(([format, name]) => (
          <button key={format} type="button" class="button" onClick={() => void session.exportView(format)}>
            {name}
          </button>
        ))}
      </div>
    </>
  );
}

function GoTo({ session }: { readonly session: Session }) {
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        session.goToRow(Number(new FormData(event.currentTarget).get('row')));
      }}
    >
      <h2 class="dialog-title">Go to a row</h2>
      <label class="quiet" for="go-to">
        Its place among the rows shown
      </label>
      <div class="dialog-actions">
        <input id="go-to" name="row" type="number" min="1" max={view.value?.count ?? 1} required />
        <button type="submit" class="button is-primary">
          Go
        </button>
      </div>
    </form>
  );
}
