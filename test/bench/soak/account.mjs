import { lstatSync, readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import Papa from 'papaparse';
import { answerFor } from './agent.mjs';
import { CUSTOMERS } from './plan.mjs';

const OUTPUT = /\.filled(?:-\d+)?(\.csv\.gz|\.[a-z]+)$/;
const PROBLEM = /\.error(?:-\d+)?\.txt$/;

/** Compares the final files with what was dropped and paid. Returns figures, and every violation with its evidence. */
export async function accountFor(scene, dropper) {
  const violations = [...scene.surprises];
  const found = readPlaces(scene.places, violations);
  const groups = groupDrops(dropper.dropped);
  const figures = {
    ...checkFiles(groups, found, dropper.dropped, violations),
    ...checkPaid(scene.agent.paid, dropper.dropped, violations),
    ...(await checkSpend(scene, violations)),
  };
  checkKept(dropper.kept, scene, violations);
  checkRest(scene, dropper, violations);
  checkLogs(scene, violations);
  return { figures, violations };
}

/** Reads every file in all result folders. */
function readPlaces(places, violations) {
  const found = { inputs: [], outputs: [], texts: [], leftovers: 0 };
  for (const [end, folders] of Object.entries(places)) {
    for (const folder of folders.filter(isFolder)) {
      for (const name of readdirSync(folder)) {
        const path = join(folder, name);
        if (name.startsWith('.rowfill-')) found.leftovers += 1;
        else if (!lstatSync(path).isFile()) violations.push(`${path}: not a file that was dropped`);
        else if (PROBLEM.test(name)) found.texts.push({ path, name });
        else if (OUTPUT.test(name)) found.outputs.push({ path, end, rows: readOutput(path) });
        else found.inputs.push({ path, end, key: readFileSync(path).toString('base64') });
      }
    }
  }
  return found;
}

function isFolder(path) {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

function readOutput(path) {
  const bytes = readFileSync(path);
  const text = (path.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8');
  const [, ending] = OUTPUT.exec(path);
  if (ending === '.json') return JSON.parse(text).map(readObject);
  if (ending === '.jsonl' || ending === '.ndjson')
    return text
      .trim()
      .split('\n')
      .map((line) => readObject(JSON.parse(line)));
  const delimiter = ending === '.tsv' ? '\t' : ',';
  const { data } = Papa.parse(text, { header: true, skipEmptyLines: true, delimiter });
  return data.map((row) => ({ ...row, status: row.enrichment_status }));
}

function readObject({ company, note, answer, enrichment }) {
  return { company, note, answer: answer ?? '', status: enrichment.status };
}

/** Groups drops by content; twins share it. */
function groupDrops(drops) {
  const files = drops.filter(({ content }) => content !== null);
  return groupBy(files, ({ content }) => content.toString('base64'));
}

function checkFiles(groups, { inputs, outputs, texts, leftovers }, drops, violations) {
  const counts = { done: 0, failed: 0, 'replaced by the corrected file': 0, 'lost to a link': 0 };
  const byKey = groupBy(inputs, ({ key }) => key);
  const byNote = groupBy(outputs, ({ rows }) => rows[0]?.note ?? '');
  for (const input of inputs) {
    counts[input.end] += 1;
    if (!groups.has(input.key)) violations.push(`${input.path}: was never dropped`);
  }
  for (const [key, group] of groups) {
    const places = byKey.get(key) ?? [];
    const [drop] = group;
    const ids = group.map(({ id, kind, name }) => `drop ${id} (${kind}, ${name})`).join(' and ');
    if (places.length > group.length) {
      violations.push(
        `${ids}: ${group.length} dropped, and it is in ${places.map(({ path }) => path).join(', ')}`,
      );
    }
    for (let count = places.length; count < group.length; count += 1) {
      const reason = explainMissing(group, drops);
      if (reason === null)
        violations.push(`${ids}: lost; it is in ${places.map(({ path }) => path).join(', ') || 'no place'}`);
      else counts[reason] += 1;
    }
    checkOutputs(drop, ids, places, byNote, violations);
  }
  const failed = inputs.filter(({ end }) => end === 'failed').length;
  if (failed !== texts.length)
    violations.push(`${failed} files failed, but ${texts.length} have an error text`);
  return { ...counts, outputs: outputs.length, 'trial files left by killed watchers': leftovers };
}

/** Groups a list by the result of `read`. */
export function groupBy(list, read) {
  const groups = new Map();
  for (const each of list) groups.set(read(each), [...(groups.get(read(each)) ?? []), each]);
  return groups;
}

/** Returns why a file may be missing: a later file of its name replaced its failure, or the test put a link over it. */
function explainMissing(group, drops) {
  if (group.some(({ kind }) => kind === 'swapped')) return 'lost to a link';
  const isReplaced = group.some((drop) => {
    const later = drops.slice(drops.indexOf(drop) + 1);
    return (drop.kind === 'broken' || drop.wasLate) && later.some(({ name }) => name === drop.name);
  });
  return isReplaced ? 'replaced by the corrected file' : null;
}

function checkOutputs(drop, ids, places, byNote, violations) {
  if (drop.companies.length === 0) {
    const done = places.filter(({ end }) => end === 'done');
    if (done.length > 0) violations.push(`${ids}: broken, and it is in ${done[0].path}`);
    return;
  }
  const note = `drop ${drop.twinOf ?? drop.id}`;
  const outputs = byNote.get(note) ?? [];
  const done = places.filter(({ end }) => end === 'done').length;
  const failed = places.find(({ end }) => end === 'failed');
  if (failed !== undefined && !drop.wasLate) violations.push(`${ids}: it failed: ${failed.path}`);
  if (outputs.length !== done) {
    const paths = outputs.map(({ path }) => path).join(', ') || 'nowhere';
    violations.push(`${ids}: in done ${done} times, and its output is ${paths}`);
  }
  const right = drop.companies.map((company) => ({ company, note, ...describeAnswer(company) }));
  for (const { path, rows } of outputs) {
    // Rows written after the file looked complete may be missing.
    const wanted = drop.wasLate ? right.slice(0, rows.length) : right;
    const own = rows.map(({ company, note: own, answer, status }) => ({
      company,
      note: own,
      answer,
      status,
    }));
    if (JSON.stringify(own) !== JSON.stringify(wanted))
      violations.push(`${ids}: ${path} has ${JSON.stringify(own)} instead of ${JSON.stringify(wanted)}`);
  }
  for (const { path } of places) {
    const other = readPair(path, byNote, note);
    if (other !== null) violations.push(`${ids}: ${path} is next to ${other}, which belongs to another drop`);
  }
}

function describeAnswer(company) {
  return CUSTOMERS.includes(company)
    ? { answer: '', status: 'excluded' }
    : { answer: answerFor(company), status: 'enriched' };
}

/** Finds an output named after this file with rows of another drop. */
function readPair(path, byNote, note) {
  const [, stem, ending] = /^(.*?)(\.csv\.gz|\.[a-z]+)$/.exec(basename(path));
  const wanted = join(dirname(path), `${stem}.filled${ending}`);
  for (const [other, outputs] of byNote)
    if (other !== note && outputs.some((output) => output.path === wanted)) return wanted;
  return null;
}

function checkPaid(paid, drops, violations) {
  const wanted = new Set(drops.flatMap(({ companies }) => companies));
  const lateIds = drops.filter(({ wasLate }) => wasLate).map(({ id }) => `Company ${id}.`);
  for (const [company, times] of paid) {
    if (times > 1) violations.push(`${company}: paid ${times} times`);
    if (CUSTOMERS.includes(company)) violations.push(`${company}: a customer was sent`);
    else if (
      !wanted.has(company) &&
      !lateIds.some((start) => start.startsWith(company.slice(0, start.length)))
    )
      violations.push(`${company}: sent, but was never dropped`);
  }
  return {
    'companies paid for': paid.size,
    'paid twice': [...paid.values()].filter((times) => times > 1).length,
  };
}

async function checkSpend(scene, violations) {
  const { runs, billedMicros } = scene.report();
  const { stdout, stderr } = await scene.run(['status', '--all', '--json']);
  if (stdout === '') violations.push(`status: ${stderr}`);
  const jobs = stdout === '' ? [] : JSON.parse(stdout).jobs;
  const micros = jobs.reduce((sum, { cost_usd }) => sum + Math.round(cost_usd * 1_000_000), 0);
  const reserved = jobs.reduce((sum, { reserved_usd = 0 }) => sum + Math.round(reserved_usd * 1_000_000), 0);
  if (micros !== billedMicros)
    violations.push(`the ledger says ${micros} micro-dollars, the server ${billedMicros}`);
  if (reserved !== 0) violations.push(`${reserved} micro-dollars are still reserved`);
  return {
    runs: runs.created,
    'billed by the server, $': billedMicros / 1e6,
    'spent according to the ledger, $': micros / 1e6,
  };
}

/** Checks that the user's own files are unchanged. */
function checkKept(kept, { folder }, violations) {
  for (const { path, kind, content, target } of kept) {
    if (kind === 'link') {
      if (!isLinkKept(path, target, folder)) violations.push(`${path}: the link is gone`);
      continue;
    }
    const stats = lstatSync(path, { throwIfNoEntry: false });
    if (stats === undefined) violations.push(`${path}: removed, although no watcher created it`);
    else if (kind === 'fifo' ? !stats.isFIFO() : readFileSync(path, 'utf8') !== content)
      violations.push(`${path}: not as it was`);
  }
}

/** The link may have been moved back under the next free name. */
function isLinkKept(path, target, folder) {
  const [, stem, ending] = /^(.*?)(\.csv\.gz|\.[a-z]+)$/.exec(basename(path));
  return readdirSync(folder).some((name) => {
    const other = join(folder, name);
    const isOfName = name.startsWith(stem) && name.endsWith(ending);
    return isOfName && lstatSync(other).isSymbolicLink() && readlinkSync(other) === target;
  });
}

/** Checks that nothing unexpected is left in the folder or in `working/`. */
function checkRest({ folder, working, places }, { kept }, violations) {
  const known = new Set([...Object.values(places).flat(), working]);
  for (const { path } of kept) {
    let at = String(path);
    for (; at !== folder && at !== '/' && at !== '.'; at = dirname(at)) known.add(at);
  }
  for (const parent of [folder, working]) {
    for (const name of readdirSync(parent)) {
      const path = join(parent, name);
      if (name.startsWith('.rowfill-') || known.has(path)) continue;
      if (lstatSync(path).isSymbolicLink()) continue;
      violations.push(
        `${path}: left over${isFolder(path) ? `: ${readdirSync(path, { recursive: true }).join(', ')}` : ''}`,
      );
    }
  }
}

function checkLogs({ root }, violations) {
  for (const name of readdirSync(root).filter((each) => /^watcher-.*\.jsonl$/.test(each))) {
    const lines = readFileSync(join(root, name), 'utf8').split('\n');
    for (const line of lines) if (line.includes('"DEFECT"')) violations.push(`${name}: ${line}`);
  }
}
