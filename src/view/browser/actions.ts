import type { ActionKey } from './keys.js';
import type { Session } from './session.js';
import * as state from './state.js';

/** Does what a key does together with Alt. */
export function act(session: Session, key: ActionKey): void {
  switch (key) {
    case 'N':
      void session.review.next(1);
      return;
    case 'P':
      void session.review.next(-1);
      return;
    case 'A':
      void session.review.acceptActive();
      return;
    case 'R':
      void session.asking.open();
      return;
    case 'L':
      session.filterByCell();
      return;
    case 'O':
      void session.review.openSource();
      return;
    case 'J':
      state.dialog.value = 'row';
      return;
    case 'S':
      state.isRailShown.value = true;
      // The rail is drawn first, and the next key comes after both.
      queueMicrotask(() => document.querySelector<HTMLInputElement>('#search')?.focus());
      return;
    case '.':
      session.step(1);
      return;
    case ',':
      session.step(-1);
      return;
    case 'K':
      state.dialog.value = 'keys';
  }
}
