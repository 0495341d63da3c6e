import type { ViewChanges } from '../api.js';

const TOKEN_KEY = 'rowfill-token';
/** How often the page looks for changes: while rows are filled, and else. */
const BUSY_MS = 500;
const IDLE_MS = 2_000;
/** A request without an answer has failed after this time. */
const LIMIT_MS = 60_000;

/** The server refused a request, and says why; or it did not answer. */
export class ServerError extends Error {
  /** 0 without an answer. */
  readonly status: number;
  /** `KEY_NEEDED` if the page has to ask for the key. */
  readonly code: string;

  constructor(status: number, message: string, code = '') {
    super(message);
    this.status = status;
    this.code = code;
  }

  /** True if the same request may succeed later: nobody has decided against it. */
  get isOutage(): boolean {
    return this.status === 0 || this.status >= 500;
  }
}

/**
 * The token comes in the fragment of the address, which is never sent to a server or kept in its log. It stays in this
 * tab, and leaves the address bar at once.
 */
function takeToken(): string {
  const token = /(?:^#|&)token=([\w-]+)/.exec(location.hash)?.[1];
  if (token !== undefined) {
    sessionStorage.setItem(TOKEN_KEY, token);
    history.replaceState(null, '', location.pathname + location.search);
  }
  return sessionStorage.getItem(TOKEN_KEY) ?? '';
}

let token = takeToken();

/** Keeps the key that a person has entered, for this tab. */
export function enterKey(key: string): void {
  // A header takes no other signs, and no key has them.
  token = key.replace(/[^\x21-\x7e]/g, '');
  sessionStorage.setItem(TOKEN_KEY, token);
}

/** Asks the server, and returns its answer. Without one in `limitMs`, it throws. */
export async function call<Result>(
  method: 'GET' | 'POST' | 'PUT',
  path: string,
  body?: unknown,
  limitMs = LIMIT_MS,
): Promise<Result> {
  const type = body === undefined ? {} : { 'content-type': 'application/json' };
  let response: Response;
  let text: string;
  try {
    response = await fetch(path, {
      method,
      headers: { authorization: `Bearer ${token}`, ...type },
      signal: AbortSignal.timeout(limitMs),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    text = await response.text();
  } catch {
    throw new ServerError(0, 'rowfill does not answer. Is it still running?');
  }
  if (response.ok) return JSON.parse(text) as Result;
  const { message, error, code } = parseRefusal(text);
  throw new ServerError(
    response.status,
    message ?? error?.message ?? `The server cannot answer this (status ${response.status}).`,
    code,
  );
}

interface RefusalContent {
  readonly message?: string;
  readonly code?: string;
  readonly error?: { readonly message?: string };
}

/** Our own server refuses in these shapes; a proxy before it in others. */
function parseRefusal(text: string): RefusalContent {
  try {
    return (JSON.parse(text) as RefusalContent | null) ?? {};
  } catch {
    return {};
  }
}

let endPause = (): void => undefined;

/** Looks for changes now: this page has made one. */
export function lookNow(): void {
  endPause();
}

/**
 * Calls `onChanges` with what has changed since change number `seen`, for as long as the page is open and visible.
 * Each request is short. An open stream would hold one of the six connections that a browser makes to a server, and
 * six windows with one each could not save anything.
 */
export async function follow(
  seen: number,
  onChanges: (changes: ViewChanges) => void,
  onConnected: (isConnected: boolean) => void,
): Promise<void> {
  for (let since = seen; ; ) {
    let isBusy = false;
    let isDue = false;
    endPause = () => {
      isDue = true;
    };
    try {
      const changes = await call<ViewChanges>('GET', `/api/changes?since=${since}`);
      since = changes.seen;
      const { isFilling, again, isRead, surveyed, rows } = changes.progress;
      isBusy = isFilling || again !== null || !isRead || surveyed < rows;
      onConnected(true);
      onChanges(changes);
    } catch {
      onConnected(false);
    }
    if (!isDue) {
      await new Promise<void>((resolve) => {
        endPause = resolve;
        setTimeout(resolve, isBusy ? BUSY_MS : IDLE_MS);
      });
    }
    await whenVisible();
  }
}

function whenVisible(): Promise<void> {
  if (!document.hidden) return Promise.resolve();
  return new Promise((resolve) => {
    document.addEventListener('visibilitychange', () => resolve(), { once: true });
  });
}
