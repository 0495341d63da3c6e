import type { Dispatcher } from 'undici';
import { AnswerBody } from './answer-body.js';

type Headers = Readonly<Record<string, string | string[] | undefined>>;

/** The head of an answer, and its body as it comes. */
export interface ExchangeAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: AnswerBody;
}

/** One request on its way through the pool: what undici reports of it becomes a promise and a body. */
export class Exchange implements Dispatcher.DispatchHandler {
  /** Settles with the head of the answer. */
  readonly answer: Promise<ExchangeAnswer>;
  /** True from the moment from which bytes of the request may have left. */
  written = false;
  readonly #body: AnswerBody;
  #controller: Dispatcher.DispatchController | null = null;
  #objection: { readonly error: unknown } | null = null;
  #aborted: { readonly reason: Error } | null = null;
  #resolve: (answer: ExchangeAnswer) => void = () => {};
  #reject: (error: unknown) => void = () => {};

  readonly #beforeSend: () => void;

  /**
   * Ends with the signal's reason once it aborts, whatever state it is in. `beforeSend` is called when the connection
   * stands and the request is about to be written; what it throws ends the exchange, and nothing is written.
   */
  constructor(signal: AbortSignal, beforeSend: () => void = () => {}) {
    this.#beforeSend = beforeSend;
    this.answer = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    const onAbort = (): void => this.#abort(toError(signal.reason));
    signal.addEventListener('abort', onAbort, { once: true });
    this.#body = new AnswerBody({
      abort: (reason) => this.#abort(reason),
      resume: () => this.#controller?.resume(),
      onEnd: () => signal.removeEventListener('abort', onAbort),
    });
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#aborted === null) this.#tryBeforeSend();
    // Aborted while it waited for a connection: nothing of it is written.
    if (this.#aborted !== null) controller.abort(this.#aborted.reason);
    else this.written = true;
  }

  /** What `beforeSend` threw; null if it let the request pass. */
  get objection(): { readonly error: unknown } | null {
    return this.#objection;
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, headers: Headers): void {
    // Below 200 it is only news on the way to the answer.
    if (status >= 200) this.#resolve({ status, headers, body: this.#body });
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (!this.#body.push(chunk)) controller.pause();
  }

  onResponseEnd(): void {
    this.#body.end();
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#fail(error);
  }

  #tryBeforeSend(): void {
    try {
      this.#beforeSend();
    } catch (error) {
      this.#objection = { error };
      this.#aborted = { reason: toError(error) };
      this.#fail(this.#aborted.reason);
    }
  }

  #abort(reason: Error): void {
    if (this.#aborted !== null) return;
    this.#aborted = { reason };
    this.#controller?.abort(reason);
    // The pool may tell later, or never while the request waits for a connection.
    this.#fail(reason);
  }

  #fail(error: Error): void {
    this.#reject(error);
    this.#body.fail(error);
  }
}

function toError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error('The call was aborted', { cause: reason });
}
