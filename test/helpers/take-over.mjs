import { readHolder } from '../../dist/ledger/holder.js';
import { openLedger } from '../../dist/ledger/open-ledger.js';

// Takes over the lease of a job, as a process in another container whose clock is a minute ahead.
const [path, jobId] = process.argv.slice(2);
const holder = { ...readHolder(), space: 'pid:[1]' };
const ledger = await openLedger(path, { clock: { now: () => Date.now() + 60_000 }, holder });
const { status } = await ledger.acquireLease(`job:${jobId}`);
await ledger.close();
process.exitCode = status === 'held' ? 0 : 1;
