import { fork } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { PROGRAM, runNode } from './contenders.mjs';

/** Leads all hosts to this machine. */
const RESOLVE = `data:text/javascript,${encodeURIComponent(`
  import dns from 'node:dns';
  import { syncBuiltinESMExports } from 'node:module';
  const found = [{ address: '127.0.0.1', family: 4 }];
  dns.lookup = (host, options, done) => done(null, ...(options.all ? [found] : [found[0].address, 4]));
  syncBuiltinESMExports();
`)}`;

/** Checks citations of one page each, spread over hosts on this machine, and measures pages a second and memory. */
export async function measureVerify(folder, { citations, hosts }) {
  const home = join(folder, `verify-${citations}`);
  mkdirSync(join(home, 'tables'), { recursive: true });
  const server = fork(import.meta.filename, ['serve']);
  const port = await new Promise((resolve) => server.once('message', resolve));
  try {
    const companies = Array.from({ length: citations }, (_, at) => `Company ${at} Works`);
    const list = companies.map((name) => `${name}\n`).join('');
    const table = companies.map(
      (name, at) => `${name},City${at},http://site${at % hosts}.example:${port}/${at}\n`,
    );
    writeFileSync(join(home, 'in.csv'), `company\n${list}`);
    writeFileSync(join(home, 'tables/t.csv'), `company,hq_city,source_url\n${table.join('')}`);
    const run = await runNode(
      [PROGRAM, 'run', 'in.csv', '--reference', 'tables', '-f', 'hq_city', '--quiet'],
      { folder: home },
    );
    const listed = await runNode([PROGRAM, 'status', '--json'], { folder: home, keepsOutput: true });
    const { job } = JSON.parse(listed.stdout).jobs[0];
    const domains = Array.from({ length: hosts }, (_, at) => `site${at}.example:${port}`);
    // Exits 7 if a value is not found.
    const words = [
      '--import',
      RESOLVE,
      PROGRAM,
      'verify',
      job,
      '--host-delay',
      '0s',
      '--fail-below',
      '1',
      '--quiet',
    ];
    words.push(...domains.flatMap((domain) => ['--fetch-private', domain]));
    const first = await runNode(words, { folder: home });
    const again = await runNode(words, { folder: home });
    return {
      'pages per second': (citations / first.seconds).toFixed(0),
      'CPU ms per page': ((first.cpuSeconds * 1_000) / citations).toFixed(2),
      'peak MB': first.peakMb.toFixed(0),
      'second time, seconds': again.seconds.toFixed(2),
      'exit code': run.code + first.code + again.code,
    };
  } finally {
    server.disconnect();
  }
}

/** Pages of about 60 KB, as sites of companies have, with the value in the middle. */
function servePages() {
  const filler =
    '<div class="card"><p>The company works with partners across several regions and publishes notes.</p></div>'.repeat(
      280,
    );
  const server = createServer(({ url }, response) => {
    if (url === '/robots.txt') return response.writeHead(404).end();
    const at = Number(url.slice(1));
    response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' });
    response.end(
      `<!doctype html><title>Company ${at} Works</title><main>${filler}<h2>Company ${at} Works</h2>` +
        `<p>Headquarters city: City${at}</p>${filler}</main><footer>© Company ${at} Works</footer>`,
    );
  });
  server.listen(0, '127.0.0.1', () => process.send(server.address().port));
  process.on('disconnect', () => process.exit());
}

if (process.argv[2] === 'serve') servePages();
