import { spawn } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';

/**
 * Opens a page in the user's browser. The address has a secret, and other users can see command lines: so the browser
 * is given a file that only this user can read, and that leads to the address. Returns a function that removes it.
 */
export function openBrowser(url: string, folder: string, onFailure: () => void): () => void {
  const path = join(folder, `view-${process.pid}.html`);
  mkdirSync(dirname(path), { recursive: true });
  rmSync(path, { force: true });
  const page = `<!doctype html><meta charset="utf-8"><meta name="referrer" content="no-referrer"><meta http-equiv="refresh" content="0; url=${url}"><title>rowfill</title><a href="${url}">Open the view</a>\n`;
  writeFileSync(path, page, { mode: 0o600, flag: 'wx' });
  const [file, args] = chooseOpener(pathToFileURL(path).href);
  try {
    const child = spawn(file, args, { stdio: 'ignore', detached: true });
    child.once('error', onFailure);
    child.once('exit', (code) => {
      if (code !== 0 && code !== null) onFailure();
    });
    child.unref();
  } catch {
    onFailure();
  }
  return () => rmSync(path, { force: true });
}

function chooseOpener(address: string): readonly [file: string, args: readonly string[]] {
  switch (process.platform) {
    case 'darwin':
      return ['open', [address]];
    case 'win32':
      return ['rundll32', ['url.dll,FileProtocolHandler', address]];
    default:
      return ['xdg-open', [address]];
  }
}
