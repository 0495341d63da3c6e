import { nameCell, nameValue } from './editing.js';
import type { Session } from './session.js';
import { unsaved } from './state.js';
import { formatCount } from './words.js';

/** Says which value could not be stored, for as long as it is not: it is nowhere but in this page. */
export function UnsavedBar({ session }: { readonly session: Session }) {
  const failed = unsaved.value.filter(({ phase, why }) => why !== '' && phase !== 'stored');
  const [first] = failed;
  const more = failed.length - 1;
  return (
    <div class="unsaved" role="alert">
      {first !== undefined && (
        <>
          <span class="unsaved-text">
            <b>Not saved:</b> {nameCell(first)}, {nameValue(first.text)}. {first.why}
            {first.phase !== 'refused' && ' It is sent again until it is saved.'}
            {more > 0 && ` ${formatCount(more)} more.`}
          </span>
          <button type="button" class="button" onClick={() => session.show(first.ordinal, first.field)}>
            Show
          </button>
          <button type="button" class="button" onClick={() => session.editing.retry(first.id)}>
            {first.phase === 'refused' ? 'Save anyway' : 'Try now'}
          </button>
          <button
            type="button"
            class="button"
            onClick={() => {
              session.editing.drop(first.id);
              session.focusGrid();
            }}
          >
            Drop it
          </button>
        </>
      )}
    </div>
  );
}
