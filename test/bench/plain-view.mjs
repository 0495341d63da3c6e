// Serves the plain page over the newest job of a ledger, by the server of `rowfill view`: node plain-view.mjs LEDGER
import { openLedger } from '../../dist/ledger/open-ledger.js';
import { serveView } from '../../dist/view/serve-view.js';

const [, , path] = process.argv;
const ledger = await openLedger(path, { isReadOnly: true });
const [{ id }] = await ledger.listJobs();
await ledger.close();
const page = new URL('./plain-page/', import.meta.url);
const server = await serveView({ job: id, ledger: path, isReadOnly: true, page });
process.stdout.write(`${server.url}\n`);
process.once('SIGINT', () => void server.close());
