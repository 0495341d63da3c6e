import { createUsageError, describeError } from '../errors.js';
import type { EnrichEvent } from '../model/events.js';
import { serveView, type ViewServer } from '../view/serve-view.js';
import type { Host } from './host.js';
import { chooseOwnFolder } from './ledger-option.js';
import { openBrowser } from './open-browser.js';
import { EXIT_CODES } from './report-error.js';
import { resolveAgentOptions } from './run-options.js';

/** Opens the browser on a view if wanted. Returns a function that ends the view. */
export function openView(
  server: ViewServer,
  ledger: string,
  isOpened: boolean,
  host: Host,
): () => Promise<void> {
  const tellAddress = (): void => host.say('No browser could be opened. Open the address above.');
  const remove = isOpened
    ? openBrowser(server.url, chooseOwnFolder(host.env, ledger), tellAddress)
    : () => undefined;
  const unguard = host.guard(remove);
  return async () => {
    remove();
    unguard();
    await server.close();
  };
}

/** Waits for the first interrupt; a second one exits at once. */
export async function waitForInterrupt(host: Host): Promise<void> {
  await new Promise<void>((resolve) => {
    let isStopping = false;
    host.onInterrupt(() => {
      if (isStopping) host.exit(EXIT_CODES.interrupted);
      isStopping = true;
      resolve();
    });
  });
}

/** The view of a job that this process runs: opened with its first run, and kept open after its end. */
export class RunView {
  readonly #ledger: string;
  readonly #host: Host;
  readonly #say: (text: string) => void;
  #job: string | null = null;
  #opening: Promise<(() => Promise<void>) | null> | null = null;

  /** `input` and `ledger` are those of the job; `say` prints a line beside its progress. */
  constructor(input: string, ledger: string, host: Host, say: (text: string) => void) {
    if (input === '-') {
      throw createUsageError(
        'INPUT_NOT_KEPT',
        '--view cannot show standard input, which is not kept',
        'Save the rows to a file first, or omit --view.',
      );
    }
    this.#ledger = ledger;
    this.#host = host;
    this.#say = say;
  }

  onEvent(event: EnrichEvent): void {
    if (event.type === 'job') this.#job = event.jobId;
    // Before its first run, the job is not in the ledger.
    if (event.type === 'batch_sent') this.#open();
  }

  /** Opens the view if no run did, and keeps it until an interrupt. */
  async showUntilEnd(): Promise<void> {
    this.#open();
    const close = await this.#opening;
    if (close === null || close === undefined) return;
    this.#host.say('The view stays open. Stop with Ctrl-C.');
    await waitForInterrupt(this.#host);
    await close();
  }

  async close(): Promise<void> {
    const close = await this.#opening;
    await close?.();
  }

  #open(): void {
    const job = this.#job;
    if (job === null) return;
    this.#opening ??= this.#serve(job).catch((error: unknown) => {
      // A paid job goes on even if its view cannot be opened.
      this.#say(`The view cannot be opened: ${describeError(error)}`);
      return null;
    });
  }

  async #serve(job: string): Promise<() => Promise<void>> {
    const agent = resolveAgentOptions(this.#host.env);
    const server = await serveView({ job, ledger: this.#ledger, agent });
    this.#say(`The view: ${server.url}`);
    return openView(server, this.#ledger, true, this.#host);
  }
}
