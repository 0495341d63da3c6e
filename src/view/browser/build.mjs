// Bundles the page of `rowfill view`, and the script and style of `rowfill report`, into dist/view/. Run by `npm run build`.
import { cpSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';

const HERE = dirname(fileURLToPath(import.meta.url));
const OUT = join(HERE, '../../../dist/view/page');

/** Each is one script and one style, so that a page loads two files and a report holds two texts. */
async function bundle(name, format) {
  await build({
    configFile: false,
    root: HERE,
    logLevel: 'warn',
    publicDir: false,
    oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
    build: {
      outDir: OUT,
      emptyOutDir: false,
      target: 'es2022',
      cssCodeSplit: false,
      modulePreload: false,
      license: name === 'page' ? { fileName: 'licenses.md' } : false,
      rolldownOptions: {
        input: join(HERE, name === 'page' ? 'main.tsx' : `${name}.ts`),
        output: {
          format,
          entryFileNames: `${name}.js`,
          assetFileNames: `${name}.[ext]`,
          codeSplitting: false,
        },
      },
    },
  });
}

await bundle('page', 'es');
await bundle('report', 'iife');
for (const file of ['index.html', 'icon.svg']) cpSync(join(HERE, file), join(OUT, file));
