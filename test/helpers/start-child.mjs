// A process that stays up and starts a job for each message, so that a test can start many jobs in two processes at
// once. Replies with the runs that the job started, or with the code of its error.
import { enrich } from '../../dist/index.js';

process.on('message', async (options) => {
  const sent = new Set();
  const onEvent = (event) => {
    if (event.type === 'batch_sent' && !event.adopted) sent.add(event.batchId);
  };
  try {
    const { rows } = await enrich(options, { onEvent });
    process.send({ runs: sent.size, enriched: rows.enriched + (rows.reused ?? 0), code: null });
  } catch (error) {
    process.send({ runs: sent.size, enriched: 0, code: error.code ?? error.stack });
  }
});
process.send('ready');
