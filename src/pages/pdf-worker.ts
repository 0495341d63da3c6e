import { parentPort } from 'node:worker_threads';
import { getDocumentProxy } from 'unpdf';

/** The text of a PDF, page by page. */
export interface PdfText {
  readonly title: string | null;
  readonly pages: readonly string[];
  /** True if it has more text than was read. */
  readonly isCut: boolean;
}

/** The answer of the worker: the text, or why there is none. */
export type PdfReply = PdfText | { readonly error: string };

const MAX_PAGES = 1_000;
const MAX_CHARACTERS = 5_000_000;

parentPort?.on('message', (bytes: Uint8Array) => {
  readPdf(bytes).then(reply, (error: unknown) => {
    reply({ error: error instanceof Error ? error.message : String(error) });
  });
});

function reply(message: PdfReply): void {
  parentPort?.postMessage(message);
}

/** Reads the text only: no images, fonts or scripts of the document are used. */
async function readPdf(bytes: Uint8Array): Promise<PdfText> {
  const document = await getDocumentProxy(bytes, { isEvalSupported: false, maxImageSize: 0 });
  try {
    const { info } = await document.getMetadata();
    const title: unknown = Reflect.get(info, 'Title');
    const pages: string[] = [];
    let length = 0;
    while (pages.length < Math.min(document.numPages, MAX_PAGES) && length <= MAX_CHARACTERS) {
      const page = await document.getPage(pages.length + 1);
      const { items } = await page.getTextContent();
      let text = '';
      for (const item of items) {
        if (!('str' in item)) continue;
        text += item.hasEOL ? `${item.str}\n` : item.str;
        if (text.length > MAX_CHARACTERS) break;
      }
      page.cleanup();
      pages.push(text);
      length += text.length;
    }
    return {
      title: typeof title === 'string' && title.trim() !== '' ? title : null,
      pages,
      isCut: pages.length < document.numPages,
    };
  } finally {
    await document.destroy();
  }
}
