import { parseField } from '../../../src/model/field.js';
import type { CitationVerdict } from '../../../src/model/verdict.js';
import type { PageText } from '../../../src/pages/page-text.js';
import { createPdfText, readPage } from '../../../src/pages/read-page.js';
import { checkCitation } from '../../../src/verify/check-citation.js';
import type { CorpusPage, Label } from './case.js';
import { encodeText } from './encode-text.js';

/** A judged pair. */
export interface Result {
  readonly page: CorpusPage;
  readonly kind: string;
  readonly field: string;
  readonly value: unknown;
  readonly label: Label;
  readonly verdict: CitationVerdict;
}

/** Reads a page of the corpus from its bytes. */
export function readCorpusPage({
  url,
  html,
  encoding = 'utf-8',
  contentType = 'text/html',
  pdf,
}: CorpusPage): PageText {
  if (pdf !== undefined) return createPdfText(url, pdf);
  return readPage({ url, status: 200, contentType, body: encodeText(html, encoding) });
}

/** Judges all pairs of some pages. */
export function judgeCorpus(pages: readonly CorpusPage[]): Result[] {
  return pages.flatMap((page) => {
    const text = readCorpusPage(page);
    return page.pairs.map(([field, value, label, row = page.row]) => {
      const claim = {
        field: parseField(field),
        value,
        row: Object.entries(row).map(([name, each]) => ({ name, value: each })),
      };
      return { page, kind: text.kind, field, value, label, verdict: checkCitation(text, claim) };
    });
  });
}

/** Shares in percent that tell how good the verdicts are. */
export function measure(results: readonly Result[]) {
  const share = (part: readonly Result[], whole: readonly Result[]): number =>
    whole.length === 0 ? 0 : Math.round((part.length / whole.length) * 1_000) / 10;
  const supported = results.filter(
    ({ label, kind }) => label === 'yes' && (kind === 'readable' || kind === 'paywalled'),
  );
  const traps = results.filter(({ label }) => label === 'trap');
  const missing = results.filter(({ verdict }) => verdict.verdict === 'not_on_page');
  const absent = results.filter(({ label }) => label === 'no');
  const isStrong = ({ verdict }: Result): boolean => verdict.evidence === 'strong';
  return {
    pairs: results.length,
    supported: supported.length,
    traps: traps.length,
    onPage: share(
      supported.filter(({ verdict }) => verdict.verdict === 'on_page'),
      supported,
    ),
    strong: share(supported.filter(isStrong), supported),
    strongTraps: share(traps.filter(isStrong), traps),
    wronglyMissing: share(
      missing.filter(({ label }) => label === 'yes'),
      missing,
    ),
    foundAbsent: share(
      absent.filter(({ verdict }) => verdict.verdict === 'on_page'),
      absent,
    ),
  };
}

/** One line for each pair that is judged otherwise than a person would. */
export function listFaults(results: readonly Result[]): string[] {
  return results.flatMap(({ page, kind, field, value, label, verdict }) => {
    const isOn = verdict.verdict === 'on_page';
    const isStrong = verdict.evidence === 'strong';
    const fault =
      label === 'yes' && !isOn
        ? 'MISSED'
        : label === 'yes' && !isStrong
          ? 'weak'
          : label === 'trap' && isStrong
            ? 'TRAPPED'
            : label === 'no' && isOn
              ? 'FALSE'
              : null;
    const odd = (page.kind ?? 'readable') === kind ? '' : ` [${kind}]`;
    return fault === null && odd === ''
      ? []
      : [
          `${fault}${odd} ${page.url} ${field} ${JSON.stringify(value)}: ${verdict.verdict} ${verdict.where} ${verdict.how} (${verdict.reason}) ${verdict.passage?.slice(0, 90) ?? ''}`,
        ];
  });
}
