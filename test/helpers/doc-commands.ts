import { cpSync, mkdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Background, ProgramResult, Workdir } from './workdir.js';

/** A fenced block of commands in a page, with its expected outcome. */
export interface CommandBlock {
  readonly line: number;
  readonly commands: readonly string[];
  /** From `<!-- exit N -->` above the block; 0 without it. */
  readonly exitCode: number;
  /** The lines of a `text` block right below, each of which must be printed. `…` matches anything. */
  readonly printed: readonly string[];
}

/** The commands and files of a docs page. */
export interface CommandPage {
  readonly blocks: readonly CommandBlock[];
  /** Files that the commands need, from `<!-- file PATH -->` above a block. */
  readonly files: ReadonlyMap<string, string>;
}

const SAMPLES = join(import.meta.dirname, '../../samples');
/** Lines that are for the reader's shell and are not run. */
const FOR_THE_SHELL = /^(?:npm (?:install|test|start|run|ci)\b|curl |node samples\/|#)/;
const JOB_WORD = /\bJOB\b/;

/** Reads the commands of a page and their expected outcomes. */
export function readCommandPage(text: string): CommandPage {
  const blocks: CommandBlock[] = [];
  const files = new Map<string, string>();
  const fences = /(?:<!-- (exit|file) (\S+) -->\n)?^```(\w+)\n([\s\S]*?)^```$/gm;
  let lastEnd = -1;
  for (const match of text.matchAll(fences)) {
    const [whole, mark, markValue = '', language, body = ''] = match;
    const last = blocks.at(-1);
    if (mark === 'file') {
      files.set(markValue, body);
    } else if (language === 'sh' || language === 'powershell') {
      const line = text.slice(0, match.index).split('\n').length;
      const exitCode = mark === 'exit' ? Number(markValue) : 0;
      blocks.push({
        line,
        commands: readCommands(language === 'sh' ? body : translate(body)),
        exitCode,
        printed: [],
      });
      lastEnd = match.index + whole.length;
    } else if (language === 'text' && last !== undefined && text.slice(lastEnd, match.index).trim() === '') {
      blocks[blocks.length - 1] = { ...last, printed: body.split('\n').filter((each) => each !== '') };
    }
  }
  return { blocks, files };
}

/** Runs a page's commands in order in a folder with the samples, against a simulated paid service. */
export async function runCommandPage(page: CommandPage, workdir: Workdir): Promise<BlockResult[]> {
  cpSync(SAMPLES, join(workdir.path, 'samples'), {
    recursive: true,
    filter: (path) => !path.includes('.filled.'),
  });
  for (const [path, content] of page.files) workdir.write(path, content);
  const session = new Session(workdir);
  const results: BlockResult[] = [];
  for (const block of page.blocks) {
    const ended: ProgramResult[] = [];
    for (const command of block.commands) {
      const result = await session.run(command);
      if (result !== null) ended.push(result);
    }
    const printed = ended.map(({ stdout, stderr }) => stdout + stderr).join('');
    results.push({ block, printed, exitCodes: ended.map(({ status }) => status) });
  }
  return results;
}

export interface BlockResult {
  readonly block: CommandBlock;
  readonly printed: string;
  readonly exitCodes: readonly (number | null)[];
}

/** True if the printed text contains the line, where `…` matches anything. */
export function isPrinted(line: string, printed: string): boolean {
  const pattern = line
    .split('…')
    .map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
    .join('.*');
  return new RegExp(pattern).test(printed);
}

/** Writes PowerShell as `sh`: line continuations, variables and the separators of paths. */
function translate(body: string): string {
  return body
    .replaceAll('`\n', '\\\n')
    .replace(/^\$env:(\w+) = '(.*)'$/gm, 'export $1=$2')
    .replace(/\\(?!\n)/g, '/');
}

function readCommands(body: string): string[] {
  return body
    .replace(/\\\n\s*/g, '')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
}

/** The reader's shell session: its variables and the servers started in it. */
class Session {
  readonly #workdir: Workdir;
  readonly #env: Record<string, string> = {};
  readonly #addresses = new Map<string, string>();
  #rehearsal: Background | null = null;

  constructor(workdir: Workdir) {
    this.#workdir = workdir;
  }

  /** Runs one line. Returns null if it does not run the program, or starts a server. */
  async run(line: string): Promise<ProgramResult | null> {
    const variable = /^export (\w+)=(\S+)$/.exec(line);
    if (variable?.[1] !== undefined) {
      this.#env[variable[1]] = (variable[2] ?? '').replace('…', 'key-of-a-test');
      return null;
    }
    if (FOR_THE_SHELL.test(line) || this.#movesFiles(line)) return null;
    const [, settings = '', command = ''] =
      /^((?:[A-Z_]+=\S+ )*)(.*)$/.exec(line.replace(/ <\s*\/dev\/null$/, '')) ?? [];
    const words = splitWords(command);
    const args = words.slice(words[0] === 'npx' ? 1 : 0);
    if (args.shift() !== 'rowfill') throw new Error(`no test knows how to run this line: ${line}`);
    if (args[0] === 'serve') return this.#serve(args);
    const own = settings.split(' ').filter((text) => text !== '');
    const env = { ...this.#env, ...Object.fromEntries(own.map((text) => text.split('=', 2))) };
    const full = await this.#complete(args);
    return this.#workdir.run(full, { env });
  }

  /** Emulates a line that only creates folders or copies files. */
  #movesFiles(line: string): boolean {
    const [, folder, from, to] = /^(?:mkdir -p (\S+)|cp (\S+) (\S+))$/.exec(line) ?? [];
    const place = (path: string): string => join(this.#workdir.path, path);
    if (folder !== undefined) mkdirSync(place(folder), { recursive: true });
    else if (from !== undefined && to !== undefined)
      cpSync(place(from), to.endsWith('/') ? place(to + basename(from)) : place(to));
    else return false;
    return true;
  }

  async #serve(args: readonly string[]): Promise<null> {
    const port = args[args.indexOf('--port') + 1] ?? '';
    const server = await this.#workdir.start(args.map((arg) => (arg === port ? '0' : arg)));
    this.#addresses.set(`http://127.0.0.1:${port}`, server.line);
    return null;
  }

  /** Fills in what depends on the reader: the job id, the address of a server, the service behind a key. */
  async #complete(args: readonly string[]): Promise<string[]> {
    const full: string[] = [];
    for (const arg of args) {
      full.push(JOB_WORD.test(arg) ? await this.#readJob() : (this.#addresses.get(arg) ?? arg));
    }
    const asksAgent = ['run', 'plan', 'cancel', 'watch'].includes(full[0] ?? '');
    const namesAgent = ['--reference', '--api-url', '-r', '--recipe'].some((name) => full.includes(name));
    if (!asksAgent || namesAgent) return full;
    this.#rehearsal ??= await this.#workdir.start(['serve', '--reference', 'samples/reference', '--price']);
    this.#env.EXA_API_KEY ??= 'key-of-a-test';
    // It only knows the sample tables, so a page may ask for fields that it never finds.
    const goesOn = ['run', 'watch'].includes(full[0] ?? '') ? ['--keep-going'] : [];
    return [...full, '--api-url', this.#rehearsal.line, ...goesOn];
  }

  async #readJob(): Promise<string> {
    const { stdout } = await this.#workdir.run(['status', '--json']);
    return /"job":"(\w+)"/.exec(stdout)?.[1] ?? 'no_job';
  }
}

/** Splits a command line into words like a shell: in single, double or no quotes. */
function splitWords(line: string): string[] {
  return [...line.matchAll(/(?:'[^']*'|"[^"]*"|[^\s'"])+/g)].map(([word]) =>
    word.replace(
      /'([^']*)'|"([^"]*)"/g,
      (_quoted, single?: string, double?: string) => single ?? double ?? '',
    ),
  );
}
