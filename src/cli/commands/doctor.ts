import { type Diagnostic, diagnose } from '../../doctor.js';
import { createUsageError } from '../../errors.js';
import { formatNumber } from '../../model/format.js';
import { createCommand } from '../command.js';
import type { Host } from '../host.js';
import { chooseLedger, choosePageFolder, LEDGER_OPTION } from '../ledger-option.js';
import { EXIT_CODES, resolveErrorCode } from '../report-error.js';
import { JOB_OPTIONS, resolveApiKey } from '../run-options.js';

/** `rowfill doctor`: checks the setup and says how to fix problems. */
export const doctor = createCommand({
  about:
    'Checks what a job depends on: Node, the ledger and its disk or server, proxies, the key, the agent and the clock. It only ' +
    'requests the agent’s list of runs, so it is free. The exit code is that of the first problem that would stop a job.',
  options: {
    recipe: {
      kind: 'text',
      alias: 'r',
      value: 'FILE',
      about: 'Check the agent and the ledger of this recipe.',
    },
    apiUrl: {
      kind: 'text',
      value: 'URL',
      about: 'Check the agent at this URL.',
      fallback: 'the hosted service',
    },
    insecureHttp: { kind: 'switch', about: JOB_OPTIONS.insecureHttp.about },
    reference: { kind: 'text', value: 'DIR', about: 'Check the tables in DIR, or one table, instead.' },
    json: { kind: 'switch', about: 'Print one JSON object instead of text.' },
    ...LEDGER_OPTION,
  },
  examples: [
    { line: 'rowfill doctor', about: 'checks the hosted service, with the key in EXA_API_KEY' },
    {
      line: 'rowfill doctor --recipe companies.recipe.yaml --json',
      about: 'checks the agent of a recipe, for a script',
    },
  ],
  async run({ options: { json = false, recipe, insecureHttp, ...given } }, host) {
    const { ledger, ...agent } = await resolveAgent(recipe, given, host);
    const findings = await diagnose({
      ...agent,
      ...resolveApiKey(host.env),
      env: host.env,
      insecureHttp,
      ledger,
      pages: choosePageFolder(host.env),
    });
    if (json) host.print(`${JSON.stringify(createRecord(findings))}\n`);
    else for (const line of formatFindings(findings)) host.tell(line);
    const kind = findings.find((finding) => finding.kind !== null)?.kind ?? null;
    return kind === null ? EXIT_CODES.done : resolveErrorCode(kind);
  },
});

interface AgentOptions {
  readonly apiUrl?: string | undefined;
  readonly reference?: string | undefined;
  readonly ledger?: string | undefined;
}

async function resolveAgent(
  recipe: string | undefined,
  given: AgentOptions,
  host: Host,
): Promise<AgentOptions & { readonly ledger: string }> {
  if (given.apiUrl !== undefined && given.reference !== undefined) {
    throw createUsageError(
      'TWO_AGENTS',
      '--reference and --api-url cannot be used together',
      'Give only one of them.',
    );
  }
  if (recipe === undefined) return { ...given, ledger: chooseLedger(host.env, given.ledger) };
  const { readRecipe } = await import('../../recipe/read-recipe.js');
  const { apiUrl, reference, ledger } = await readRecipe(recipe, host.env);
  const isAgentGiven = given.apiUrl !== undefined || given.reference !== undefined;
  return {
    ...(isAgentGiven ? given : { apiUrl, reference }),
    ledger:
      given.ledger === undefined && ledger !== undefined ? ledger : chooseLedger(host.env, given.ledger),
  };
}

/** The `--json` output. Scripts rely on its keys. */
function createRecord(findings: readonly Diagnostic[]) {
  const worst = (['fail', 'warn', 'ok'] as const).find((status) =>
    findings.some((each) => each.status === status),
  );
  return {
    status: worst ?? 'ok',
    checks: findings.map(({ check, status, message, fix }) => ({ check, status, message, fix })),
  };
}

function formatFindings(findings: readonly Diagnostic[]): string[] {
  const failed = findings.filter(({ status }) => status === 'fail').length;
  const warned = findings.filter(({ status }) => status === 'warn').length;
  const lines = findings.flatMap(({ check, status, message, fix }) => [
    `${status.padEnd(6)}${check.padEnd(8)}${message}`,
    ...(fix === null ? [] : [`${' '.repeat(14)}what to do: ${fix}`]),
  ]);
  if (failed > 0) return [...lines, `${formatNumber(failed, 'problem')} would stop a job.`];
  if (warned > 0) return [...lines, `Jobs can run; ${formatNumber(warned, 'warning')}.`];
  return [...lines, 'No problems found.'];
}
