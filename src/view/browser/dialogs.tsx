import { useLayoutEffect, useRef } from 'preact/hooks';
import type { AgainQuote } from '../api.js';
import { ACTIONS, type ActionKey, nameKey } from './keys.js';
import type { Session } from './session.js';
import { asked, dialog, quote, view } from './state.js';
import { formatCount, formatMicros, formatRows } from './words.js';

const TITLES = { again: 'Ask again', keys: 'Keyboard', export: 'Export', row: 'Go to a row' } as const;

/** The one dialog that is open, if any. */
export function Dialogs({ session }: { readonly session: Session }) {
  const box = useRef<HTMLDialogElement>(null);
  const isOwnClose = useRef(false);
  const isUsed = useRef(false);
  const name = dialog.value;
  // Before the next key: it belongs to the grid.
  useLayoutEffect(() => {
    if (name !== null && box.current?.open === false) box.current.showModal();
    if (name === null && box.current?.open === true) {
      isOwnClose.current = true;
      box.current.close();
    }
    if (name === null && isUsed.current) session.focusGrid();
    isUsed.current = name !== null;
  }, [name]);
  const close = (): void => {
    dialog.value = null;
  };
  return (
    <dialog
      ref={box}
      aria-label={name === null ? 'Dialog' : TITLES[name]}
      onCancel={(event) => {
        // Closed by the effect above, because the browser tells of its own closing only later.
        event.preventDefault();
        close();
      }}
      onClose={() => {
        // The event comes late: by then the next dialog may have been asked for.
        if (isOwnClose.current) isOwnClose.current = false;
        else close();
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
  const { rows, fields, effort } = asked.value;
  const { meta } = session;
  const offer = quote.value;
  return (
    <>
      <h2 class="dialog-title">Ask {describeAsked(rows.length, fields, meta.fields.length)} again</h2>
      <Price offer={offer} />
      {meta.fields.length > 1 && <Fields session={session} />}
      {meta.effortChoices.length > 0 && (
        <label class="effort">
          Effort{' '}
          <select
            value={effort ?? (meta.efforts.length === 1 ? meta.efforts[0] : '')}
            onChange={({ currentTarget: { value } }) =>
              void session.asking.set({ rows, fields, effort: value === '' ? null : value })
            }
          >
            {meta.efforts.length > 1 && <option value="">{meta.efforts.join(', then ')}</option>}
            {meta.effortChoices.map((each) => (
              <option key={each} value={each}>
                {each}
              </option>
            ))}
          </select>
        </label>
      )}
      <p class="quiet">{describeOffer(offer, rows.length)}</p>
      <div class="dialog-actions">
        <button type="button" class="button" onClick={close}>
          Not now
        </button>
        <button
          type="button"
          class="button is-primary"
          disabled={offer === null || offer.rows === 0}
          onClick={() => offer !== null && void session.asking.confirm(offer)}
        >
          {offer === null || offer.isFree || offer.rows === 0
            ? 'Ask again'
            : `Ask for at most ${formatMicros(offer.worstMicros)}`}
        </button>
      </div>
    </>
  );
}

function describeAsked(rows: number, fields: readonly string[] | null, all: number): string {
  const what = formatRows(rows);
  if (fields === null || all === 1) return what;
  const [first = ''] = fields;
  return `${fields.length === 1 ? first : `${fields.length} fields`} of ${what}`;
}

function Price({ offer }: { readonly offer: AgainQuote | null }) {
  if (offer === null) {
    return (
      <p class="price is-waiting" role="status">
        <b>…</b> working out the price
      </p>
    );
  }
  if (offer.rows === 0) return <p class="price">Nothing here can be asked.</p>;
  if (offer.isFree) return <p class="price">It costs nothing: your own tables answer.</p>;
  return (
    <p class="price">
      <b>{formatMicros(offer.worstMicros)}</b> at the very most
    </p>
  );
}

/** Which fields are asked. The others stay as they are. */
function Fields({ session }: { readonly session: Session }) {
  const { rows, fields, effort } = asked.value;
  const names = session.meta.fields.map(({ name }) => name);
  const chosen = fields ?? names;
  const toggle = (name: string): void => {
    const next = names.filter((each) => (each === name) !== chosen.includes(each));
    if (next.length > 0)
      void session.asking.set({ rows, fields: next.length === names.length ? null : next, effort });
  };
  return (
    <fieldset class="ask-fields">
      <legend class="unseen">Fields to ask</legend>
      {names.map((name) => (
        <button
          key={name}
          type="button"
          class="toggle"
          aria-pressed={chosen.includes(name)}
          onClick={() => toggle(name)}
        >
          {name}
        </button>
      ))}
    </fieldset>
  );
}

function describeOffer(offer: AgainQuote | null, wanted: number): string {
  if (offer === null) return 'Nothing is sent before you confirm.';
  const { rows, runs, efforts, isFree, likelyMicros } = offer;
  const skipped = wanted - rows;
  const left =
    skipped === 0 ? '' : ` ${formatRows(skipped)} of the selected ones cannot be asked, or share an answer.`;
  if (rows === 0)
    return 'Values given by hand, values in your file, and rows that are not sent are never asked.';
  return (
    `${formatCount(runs)} ${runs === 1 ? 'run' : 'runs'} at effort ${efforts.join(', then ')}` +
    `${isFree ? '' : `, likely ${formatMicros(likelyMicros)}`}. ` +
    `What is there now stays as an earlier value; values given by hand stay as they are.${left}`
  );
}

const KEYS: readonly (readonly [keys: string, what: string])[] = [
  ['letters, digits, signs', 'type a value into the cell'],
  ['F2', 'edit the value'],
  ['Delete', 'edit, from empty'],
  ['Enter, Tab, Esc', 'in a value: keep, keep and go on, cancel'],
  ['↑ ↓ ← →', 'move'],
  ['Ctrl + arrow', 'to the first or last row or column'],
  ['Page ↑ ↓, Home, End', 'by a page, to the ends'],
  ['Shift + arrow', 'select cells'],
  ['Ctrl + Space', 'select the whole column'],
  ['Space', 'select the row; with Shift, all up to it'],
  ['Enter', 'details and sources'],
  ...Object.entries(ACTIONS).map(([key, what]) => [nameKey(key as ActionKey), what] as const),
  ['Ctrl + C', 'copy as a table; with Shift, with sources'],
  ['Ctrl + V', 'edit, with the pasted value'],
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
