import { readdirSync, readFileSync } from 'node:fs';
import { join, posix, relative, sep } from 'node:path';

/** Source files by their path below `src/`, with forward slashes. */
export type Sources = ReadonlyMap<string, string>;

interface Import {
  readonly from: string;
  /** A path below `src/`, or a package's name. */
  readonly target: string;
  readonly isPackage: boolean;
  readonly isType: boolean;
}

const STAGES = ['select', 'run', 'answer', 'write', 'verify'];
const SUPPORTS = ['read', 'api', 'ledger', 'server', 'agents', 'pages', 'recipe', 'options.ts'];
/** What users import, by name: they only re-export. */
const EXPORTS = ['index.ts', 'client.ts', 'server.ts'];
const MAX_LINES = 500;
const NAMELESS = /^(utils?|helpers?|common|misc)$/;

/**
 * Which files may use which part of `process`: the entry point; the client, for the default proxies of the environment;
 * and the files that read or write `-`, for the default streams. Only the entry point prints.
 */
const EDGE: Readonly<Record<string, readonly string[]>> = {
  'cli/main.ts': ['exitCode', 'exit', 'argv', 'env', 'stdin', 'stdout', 'stderr', 'on', 'off'].map(
    (name) => `process.${name}`,
  ),
  'cli/program.ts': ['process.once'],
  'read/bytes.ts': ['process.stdin'],
  'write/open-output.ts': ['process.stdout'],
  'api/client-options.ts': ['process.env'],
  'ledger/postgres/connection.ts': ['process.env'],
  'pages/open-pages.ts': ['process.env'],
};

/** Side effects that a library must not have. */
const EDGE_WORDS =
  /\bconsole\.\w+|\bglobalThis\b|\bprocess\.(?:exitCode|exit|abort|argv|env|stdin|stdout|stderr|on|off|once|addListener|chdir|umask|emitWarning)\b/g;

/** Where each package may be imported: files, or folders ending in a slash. */
export const PLACES: Readonly<Record<string, readonly string[]>> = {
  '@zip.js/zip.js': ['read/zip-archive.ts', 'write/zip-sink.ts'],
  ajv: ['model/schema.ts'],
  'ajv-formats': ['model/schema.ts'],
  chardet: ['read/guess-encoding.ts', 'pages/decode-page.ts'],
  'cli-progress': ['cli/progress-bar.ts'],
  croner: ['watch/watch-options.ts'],
  'eventsource-parser': ['api/'],
  fastify: ['server/'],
  'fuse.js': ['agents/'],
  // Only fastify imports it. Pinned in package.json because later versions need a newer Node than we promise.
  'light-my-request': [],
  htmlparser2: ['pages/'],
  'ipaddr.js': ['pages/address.ts'],
  libsql: ['model/sqlite-driver.ts', 'ledger/', 'server/run-store.ts'],
  numfmt: ['read/number-format.ts'],
  'p-limit': ['job/dispatch.ts'],
  // Optional, and loaded by one file; the others import types.
  pg: ['ledger/postgres/'],
  'pg-boss': ['queue/open-queue.ts'],
  'robots-parser': ['pages/robots.ts'],
  saxes: ['read/zip-archive.ts'],
  papaparse: ['read/csv-reader.ts'],
  re2js: ['model/pattern.ts'],
  'string-width': ['cli/text-width.ts'],
  tldts: ['model/entity-key.ts'],
  undici: ['api/', 'model/undici-parts.ts', 'pages/fetch-page.ts'],
  unpdf: ['pages/pdf-worker.ts'],
  yaml: ['recipe/parse-recipe.ts'],
  yargs: ['cli/completions.ts', 'cli/commands/completion.ts'],
};

/** Packages that are bundled into the page of the view, and so are no dependencies of the program. */
const BUNDLED: typeof PLACES = {
  preact: ['view/browser/'],
  '@preact/signals': ['view/browser/'],
};

/** Reads every TypeScript file below a folder. */
export function readSources(folder: string): Sources {
  const paths = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.tsx?$/.test(entry.name))
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).split(sep).join('/'));
  return new Map(paths.sort().map((path) => [path, readFileSync(join(folder, path), 'utf8')]));
}

/** Lists every violation of the layers, the allowed places and the house rules, one sentence each. */
export function checkArchitecture(sources: Sources): string[] {
  const imports = [...sources].flatMap(([path, text]) => readImports(path, text, sources));
  return [
    ...[...sources].flatMap(([path, text]) => checkFile(path, text)),
    ...imports.flatMap((each) => (each.isPackage ? checkPackage(each) : checkLayers(each))),
    ...checkCycles(imports),
  ];
}

/** The packages that the sources import. */
export function readPackages(sources: Sources): Set<string> {
  const imports = [...sources].flatMap(([path, text]) => readImports(path, text));
  return new Set(imports.filter((each) => each.isPackage).map((each) => each.target));
}

/** Removes comments, so that examples in docstrings are not checked as code. */
function dropComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '');
}

function readImports(from: string, text: string, sources: Sources = new Map()): Import[] {
  const bare = dropComments(text);
  const statements = bare.matchAll(
    /^[ \t]*(?:import|export)\b[ \t]*(type\b(?!\s*(?:,|from\b)))?(?:[\w\s{},*$]*?\bfrom\b)?\s*['"]([^'"\n]+)['"]/gm,
  );
  const calls = bare.matchAll(/\bimport\(\s*['"]([^'"\n]+)['"]\s*\)/g);
  return [
    ...[...statements].map((match) => createImport(from, match[2] ?? '', match[1] !== undefined)),
    ...[...calls].map((match) => createImport(from, match[1] ?? '', false)),
  ]
    .filter((each) => !each.target.startsWith('node:'))
    .map((each) => (sources.has(`${each.target}x`) ? { ...each, target: `${each.target}x` } : each));
}

function createImport(from: string, specifier: string, isType: boolean): Import {
  const isPackage = !specifier.startsWith('.');
  const target = isPackage
    ? readPackageName(specifier)
    : posix.join(posix.dirname(from), specifier).replace(/\.js$/, '.ts');
  return { from, target, isPackage, isType };
}

function readPackageName(specifier: string): string {
  if (specifier.startsWith('node:')) return specifier;
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}

function checkFile(path: string, text: string): string[] {
  const issues: string[] = [];
  const lines = text.replace(/\n$/, '').split('\n').length;
  const names = path.replace(/\.tsx?$/, '').split('/');
  if (readLayer(path) === null) issues.push(`${path} belongs to no layer`);
  if (lines > MAX_LINES) issues.push(`${path} has ${lines} lines, more than ${MAX_LINES}`);
  if (names.some((name) => NAMELESS.test(name))) issues.push(`${path} is named after nothing`);
  if (names.some((name) => name !== name.toLowerCase() || name.includes('_'))) {
    issues.push(`${path} is not in kebab-case`);
  }
  if (/^\s*export\s+default\b|\bas\s+default\b/m.test(text)) issues.push(`${path} has a default export`);
  for (const [touched] of dropComments(text).matchAll(EDGE_WORDS)) {
    if (EDGE[path]?.includes(touched) !== true) {
      issues.push(`${path} touches ${touched}, which is for cli/main.ts alone`);
    }
  }
  return issues;
}

function checkPackage({ from, target }: Import): string[] {
  const places = PLACES[target] ?? BUNDLED[target];
  if (places === undefined) return [`${from} imports ${target}, which has no place`];
  const isInside = places.some((place) => (place.endsWith('/') ? from.startsWith(place) : from === place));
  return isInside ? [] : [`${from} imports ${target}, whose place is ${places.join(', ')}`];
}

function checkLayers({ from, target, isType }: Import): string[] {
  const isOfPage = [from, target].map((path) => path.startsWith(PAGE));
  if (isOfPage[0] !== isOfPage[1]) {
    const isOffered = isOfPage[0] === true && isType && target === 'view/api.ts';
    return isOffered ? [] : [`${from} imports ${target}, but the page shares only types of view/api.ts`];
  }
  const [above, below] = [readLayer(from), readLayer(target)];
  const [unit, other] = [readUnit(from), readUnit(target)];
  if (above === null || below === null || unit === other) return [];
  if (below > above) return [`${from} imports ${target}, which is above it`];
  if (above === 2 && below === 2) return [`${from} imports ${target}, another stage`];
  const isServed = unit === 'server' && other === 'agents';
  const isRead = from.startsWith('agents/reference/') && other === 'read';
  if (above === 1 && below === 1 && !isServed && !isRead) {
    return [`${from} imports ${target}, its neighbor`];
  }
  if (
    above === 2 &&
    below === 1 &&
    !(isType && (other === 'api' || other === 'ledger' || other === 'pages'))
  ) {
    return [`${from} imports ${target}, of which a stage may import types of api/, ledger/ and pages/ only`];
  }
  return [];
}

/** What runs in the browser. */
const PAGE = 'view/browser/';

/** The folder below `src/`, or the file itself at the top. */
function readUnit(path: string): string {
  return path.split('/')[0] ?? path;
}

function readLayer(path: string): number | null {
  const unit = readUnit(path);
  if (unit === 'model' || unit === 'errors.ts') return 0;
  if (SUPPORTS.includes(unit)) return 1;
  if (STAGES.includes(unit)) return 2;
  // Shared by the entry points.
  if (unit === 'job' || unit === 'watch' || unit === 'queue' || unit === 'doctor') return 2.5;
  if (EXPORTS.includes(unit)) return 4;
  if (unit === 'cli') return 5;
  if (unit === 'view') return 3;
  return path.includes('/') ? null : 3;
}

function checkCycles(imports: readonly Import[]): string[] {
  const edges = new Map<string, string[]>();
  for (const { from, target, isPackage } of imports) {
    if (!isPackage) edges.set(from, [...(edges.get(from) ?? []), target]);
  }
  const done = new Set<string>();
  const issues: string[] = [];
  const visit = (path: string, trail: readonly string[]): void => {
    if (trail.includes(path)) {
      issues.push(`a cycle: ${[...trail.slice(trail.indexOf(path)), path].join(' → ')}`);
    } else if (!done.has(path)) {
      for (const next of edges.get(path) ?? []) visit(next, [...trail, path]);
      done.add(path);
    }
  };
  for (const path of edges.keys()) visit(path, []);
  return issues;
}
