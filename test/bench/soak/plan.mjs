import { gzipSync } from 'node:zlib';

/** Relative frequency of each kind of drop. */
const WEIGHTS = {
  whole: 24,
  slow: 10,
  late: 3,
  renamed: 14,
  'same name': 10,
  'same stem': 8,
  broken: 6,
  corrected: 6,
  twin: 8,
  customer: 5,
  swapped: 3,
  folder: 1,
  fifo: 1,
  'not UTF-8': 1,
  foreign: 2,
};
const KINDS = Object.entries(WEIGHTS).flatMap(([kind, weight]) => Array(weight).fill(kind));
const ENDINGS = ['.csv', '.csv', '.jsonl', '.tsv', '.json', '.csv.gz', '.ndjson'];
const NEIGHBOURS = {
  '.csv': '.jsonl',
  '.jsonl': '.csv',
  '.tsv': '.csv',
  '.json': '.csv',
  '.csv.gz': '.csv',
  '.ndjson': '.csv',
};
export const CUSTOMERS = Array.from({ length: 60 }, (_, index) => `Customer ${index + 1}`);

/** Plans all drops in order, from the seed alone. `content` is null for a drop that is not a file. */
export function planDrops(count, random) {
  const drops = [];
  for (let id = 0; id < count; id += 1) drops.push(planDrop(id, random, drops));
  return drops;
}

function planDrop(id, random, earlier) {
  const kind = random.pick(KINDS);
  const ending = random.pick(ENDINGS);
  const name = `list-${id}${ending}`;
  // The name of a file that is swapped for a link never becomes free again.
  const tables = earlier
    .slice(-60)
    .filter(({ kind, companies }) => companies.length > 0 && kind !== 'swapped');
  const other = tables.length === 0 ? null : random.pick(tables);
  switch (kind) {
    case 'same name':
      return other === null
        ? createTable(id, 'whole', name, random)
        : createTable(id, kind, other.name, random);
    case 'same stem': {
      if (other === null) return createTable(id, 'whole', name, random);
      const [, stem, old] = /^(.*?)(\.csv\.gz|\.[a-z]+)$/.exec(other.name);
      return createTable(id, kind, stem + NEIGHBOURS[old], random);
    }
    case 'twin':
      return other === null
        ? createTable(id, 'whole', name, random)
        : {
            ...other,
            id,
            kind,
            name: `list-${id}${/(\.csv\.gz|\.[a-z]+)$/.exec(other.name)[0]}`,
            twinOf: other.id,
          };
    case 'broken':
      return { id, kind, name: `bad-${id}.csv`, companies: [], content: createBroken(id, random) };
    case 'corrected': {
      const broken = earlier.slice(-60).filter((drop) => drop.kind === 'broken');
      return broken.length === 0
        ? createTable(id, 'whole', name, random)
        : createTable(id, kind, random.pick(broken).name, random);
    }
    case 'customer':
      return createTable(id, kind, name, random, [random.pick(CUSTOMERS), random.pick(CUSTOMERS)]);
    case 'folder':
    case 'fifo':
    case 'not UTF-8':
    case 'foreign':
      return { id, kind, name, companies: [], content: null };
    default:
      return createTable(id, kind, name, random);
  }
}

/** Creates a table. Its `note` column is not sent; it identifies the drop in the output. */
function createTable(id, kind, name, random, customers = []) {
  const count = random.chance(0.05) ? 20 : random.between(1, 3);
  const companies = [
    ...new Set([...Array.from({ length: count }, (_, row) => `Company ${id}.${row}.`), ...customers]),
  ];
  const content = formatRows(companies, id, /(\.csv\.gz|\.[a-z]+)$/.exec(name)[0]);
  return { id, kind, name, companies, content };
}

function formatRows(companies, id, ending) {
  const objects = companies.map((company) => JSON.stringify({ company, note: `drop ${id}` }));
  switch (ending) {
    case '.jsonl':
    case '.ndjson':
      return Buffer.from(`${objects.join('\n')}\n`);
    case '.json':
      return Buffer.from(`[${objects.join(',\n')}]\n`);
    case '.csv.gz':
      return gzipSync(formatRows(companies, id, '.csv'));
    default: {
      const comma = ending === '.tsv' ? '\t' : ',';
      const lines = companies.map((company) => `${company}${comma}drop ${id}`);
      return Buffer.from([`company${comma}note`, ...lines, ''].join('\n'));
    }
  }
}

function createBroken(id, random) {
  return Buffer.from(
    random.pick([
      `%PDF-1.7 no table ${id}`,
      `firm,note\nAcme,drop ${id}\n`,
      `company,enrichment_status,note\nAcme,enriched,drop ${id}\n`,
      `<html><p>drop ${id}</p></html>`,
      `company,note\n"never closed,drop ${id}\n`,
    ]),
  );
}
