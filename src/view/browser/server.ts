import type { ViewEvent } from '../api.js';

const TOKEN_KEY = 'rowfill-token';
const AGAIN_MS = 2_000;

/** The server refused a request, and says why. */
export class ServerError extends Error {
  readonly status: number;
  /** `KEY_NEEDED` if the page has to ask for the key. */
  readonly code: string;

  constructor(status: number, message: string, code = '') {
    super(message);
    this.status = status;
    this.code = code;
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

/** Asks the server, and returns its answer. */
export async function call<Result>(
  method: 'GET' | 'POST' | 'PUT',
  path: string,
  body?: unknown,
): Promise<Result> {
  const response = await request(path, {
    method,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  // Only our own server answers, in these shapes.
  const content = (await response.json()) as Result & {
    message?: string;
    code?: string;
    error?: { message?: string };
  };
  if (response.ok) return content;
  throw new ServerError(
    response.status,
    content.message ?? content.error?.message ?? 'The server cannot answer this.',
    content.code,
  );
}

async function request(path: string, init: RequestInit = {}): Promise<Response> {
  const type = init.body === undefined ? {} : { 'content-type': 'application/json' };
  const headers = { authorization: `Bearer ${token}`, ...type };
  try {
    return await fetch(path, { ...init, headers });
  } catch {
    throw new ServerError(0, 'rowfill does not answer. Is it still running?');
  }
}

/**
 * Calls `onEvent` with each change that the server tells, and connects again when it breaks. Not connected while the tab
 * is hidden: a browser allows few connections to one server.
 */
export async function listen(
  onEvent: (event: ViewEvent) => void,
  onConnected: (isConnected: boolean) => void,
): Promise<void> {
  for (;;) {
    await whenVisible();
    const stop = new AbortController();
    const hide = (): void => {
      if (document.hidden) stop.abort();
    };
    document.addEventListener('visibilitychange', hide);
    try {
      const response = await request('/api/events', { signal: stop.signal });
      if (!response.ok || response.body === null) throw new Error(String(response.status));
      onConnected(true);
      await readEvents(response.body, onEvent);
    } catch {
      // Connected again below.
    }
    document.removeEventListener('visibilitychange', hide);
    if (!document.hidden) onConnected(false);
    await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
  }
}

async function readEvents(
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
  onEvent: (event: ViewEvent) => void,
): Promise<void> {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const parts = (rest + value).split('\n\n');
    rest = parts.pop() ?? '';
    for (const part of parts) if (part.startsWith('data: ')) onEvent(JSON.parse(part.slice(6)) as ViewEvent);
  }
}

function whenVisible(): Promise<void> {
  if (!document.hidden) return Promise.resolve();
  return new Promise((resolve) => {
    document.addEventListener('visibilitychange', () => resolve(), { once: true });
  });
}
