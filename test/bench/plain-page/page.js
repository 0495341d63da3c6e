// The yardstick for the view: the same rows from the same server in the plainest list that can show them. No selection,
// keys, filters, marks, live changes or accessibility.
const ROW_HEIGHT = 32;
const PAGE_ROWS = 200;
/** Browsers cut elements that are much higher. */
const MAX_HEIGHT = 8_000_000;
const NO_FILTER = { status: [], levels: [], verdicts: [], field: null, hosts: [], reasons: [], search: '' };

const token = new URLSearchParams(location.hash.slice(1)).get('token');
const list = document.querySelector('#list');
const size = document.querySelector('#size');
const box = document.querySelector('#rows');
const pages = new Map();
const pool = [];
let count = 0;
let first = 0;

async function call(method, path, body) {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  const response = await fetch(path, { method, headers, body: body && JSON.stringify(body) });
  return response.json();
}

const { id } = await call('POST', '/api/views', { filter: NO_FILTER, sort: null });

async function loadPage(number) {
  pages.set(number, null);
  const from = number * PAGE_ROWS;
  const { rows } = await call('GET', `/api/rows?view=${id}&from=${from}&count=${PAGE_ROWS}`);
  pages.set(number, rows);
  if (pages.size > 80) pages.delete(pages.keys().next().value);
  paint();
}

function paint() {
  const needed = Math.ceil(list.clientHeight / ROW_HEIGHT) + 1;
  while (pool.length < needed) {
    const row = document.createElement('div');
    row.className = 'row';
    box.append(row);
    pool.push(row);
  }
  for (const [index, row] of pool.entries()) {
    const place = first + index;
    const page = Math.floor(place / PAGE_ROWS);
    row.hidden = place >= count;
    row.style.top = `${index * ROW_HEIGHT}px`;
    row.dataset.place = place;
    if (row.hidden) continue;
    const cells = pages.get(page)?.[place % PAGE_ROWS];
    if (!pages.has(page)) void loadPage(page);
    const texts =
      cells == null
        ? []
        : [cells[0] + 1, ...cells[1], ...cells[2].map((cell) => (cell === 0 ? '—' : cell[0]))];
    row.replaceChildren(
      ...texts.map((text) => {
        const cell = document.createElement('div');
        cell.className = 'cell';
        cell.textContent = text;
        return cell;
      }),
    );
  }
}

function go(place) {
  first = Math.min(Math.max(0, count - 1), Math.max(0, Math.round(place)));
  paint();
}

let jumped = false;
list.addEventListener('scroll', () => {
  if (jumped) {
    jumped = false;
    return;
  }
  const room = list.scrollHeight - list.clientHeight;
  go((list.scrollTop / room) * (count - list.clientHeight / ROW_HEIGHT));
});

/** Shows a row at the top. Resolves with the ms until its text is there. */
window.jump = async (place) => {
  const startedAtMs = performance.now();
  go(place);
  jumped = true;
  list.scrollTop = (place / count) * (list.scrollHeight - list.clientHeight);
  for (;;) {
    await new Promise((resolve) => requestAnimationFrame(resolve));
    // The bar has fewer places than there are rows.
    if (first !== place) go(place);
    if (box.querySelector(`[data-place="${place}"] .cell`) !== null) return performance.now() - startedAtMs;
  }
};

for (;;) {
  const { progress } = await call('GET', '/api/meta');
  count = progress.rows;
  size.style.height = `${Math.min(MAX_HEIGHT, count * ROW_HEIGHT)}px`;
  paint();
  if (progress.isRead) break;
  await new Promise((resolve) => setTimeout(resolve, 100));
}
document.documentElement.dataset.ready = String(count);
