import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RunningServer, ServerOptions } from '../../src/server/start-server.js';
import { ID_FILE } from '../../src/watch/folders.js';
import {
  type WatchEvent,
  type WatchHooks,
  type WatchOptions,
  type WatchSummary,
  watchFolder,
} from '../../src/watch.js';
import { servePaid } from './paid-server.js';
import type { Script, ScriptedAgent } from './scripted-agent.js';
import { createTempFolder } from './temp-folder.js';

export interface WatchBench {
  readonly agent: ScriptedAgent;
  readonly server: RunningServer;
  /** The watched folder. */
  readonly folder: string;
  readonly events: readonly WatchEvent[];
  drop(name: string, content: string): string;
  read(path: string): string;
  /** The names in a subfolder of the watched folder, without the hidden id file. */
  list(folder: string): string[];
  /** Watches with `once` by default. */
  watch(options?: Partial<WatchOptions>, hooks?: WatchHooks): Promise<WatchSummary>;
  /** The events of a type so far. */
  told<T extends WatchEvent['type']>(type: T): Extract<WatchEvent, { type: T }>[];
}

/** A fresh folder to watch and a real server with a scripted agent that bills, with a short settle time. */
export async function openWatchBench(
  script?: Script,
  serverOptions: Partial<ServerOptions> = {},
): Promise<WatchBench> {
  const { agent, ...server } = await servePaid(script, serverOptions);
  const root = await createTempFolder();
  const folder = join(root, 'drop');
  mkdirSync(folder);
  const events: WatchEvent[] = [];
  const list = (name: string): string[] =>
    existsSync(join(folder, name))
      ? readdirSync(join(folder, name))
          .filter((each) => each !== ID_FILE)
          .sort()
      : [];
  return {
    agent,
    server,
    folder,
    events,
    list,
    drop(name, content) {
      writeFileSync(join(folder, name), content);
      return join(folder, name);
    },
    read: (path) => readFileSync(join(folder, path), 'utf8'),
    watch({ job, ...options } = {}, { onEvent, ...hooks } = {}) {
      return watchFolder(
        {
          ...{ folder, once: true, settleMs: 20, pollMs: 5 },
          ...options,
          job: {
            ...{ fields: ['answer'], send: ['company'], apiUrl: server.url, apiKey: 'test', yes: true },
            ledger: join(root, 'ledger.sqlite'),
            ...job,
          },
        },
        {
          ...hooks,
          onEvent(event) {
            events.push(event);
            onEvent?.(event);
          },
        },
      );
    },
    told: (type) => events.filter((event) => event.type === type) as never,
  };
}
