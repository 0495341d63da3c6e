import { type CitationVerdict, createVerdict, type Verdict } from '../model/verdict.js';
import type { FetchedPage } from '../pages/page-cache.js';

/** The verdict on everything that cites a page which cannot be read. Null if it can. */
export function judgeFetch(page: FetchedPage): CitationVerdict | null {
  const { failure, reason, status, isSkipped, contentType, body } = page;
  switch (failure) {
    case 'robots':
      return createVerdict('blocked', reason);
    case 'no_host':
      return createVerdict('gone', reason);
    case 'refused':
    case 'network':
    case 'redirects':
    case 'given_up':
      return createVerdict('unreachable', reason);
    case null:
      break;
  }
  if (status >= 500) return byStatus(status);
  // The text of an error page tells more than its status.
  if (!isSkipped && body.length > 0) return null;
  if (status >= 400) return byStatus(status);
  const type = contentType?.split(';', 1)[0]?.trim() ?? '';
  return createVerdict(
    'unreadable',
    isSkipped ? `${type || 'its content'} has no text` : 'the page is empty',
  );
}

function byStatus(status: number): CitationVerdict {
  return createVerdict(STATUS_VERDICTS[status] ?? 'unreachable', `the server answered ${status}`);
}

const STATUS_VERDICTS: Readonly<Record<number, Verdict>> = {
  401: 'blocked',
  402: 'paywalled',
  403: 'blocked',
  404: 'gone',
  407: 'blocked',
  410: 'gone',
  429: 'blocked',
  451: 'blocked',
};
