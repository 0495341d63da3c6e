import { parentPort } from 'node:worker_threads';
import { describeError } from '../errors.js';
import type { PageText } from '../pages/page-text.js';
import { createPdfText, readPage } from '../pages/read-page.js';
import { checkCitation } from '../verify/check-citation.js';
import type { JudgedPage, JudgeReply, JudgeRequest } from './page-judge.js';

parentPort?.on('message', (request: JudgeRequest) => {
  parentPort?.postMessage(judge(request));
});

function judge({ page, claims }: JudgeRequest): JudgeReply {
  try {
    const text = readText(page);
    return { kind: text.kind, verdicts: claims.map((claim) => checkCitation(text, claim)) };
  } catch (error) {
    // Such as too deep a recursion.
    return { error: describeError(error) };
  }
}

function readText(page: JudgedPage): PageText {
  const [text, isCut] =
    'pdf' in page
      ? [createPdfText(page.url, page.pdf.pages), page.pdf.isCut]
      : [readPage(page.bytes), page.isCut];
  return isCut ? { ...text, isCut: true } : text;
}
