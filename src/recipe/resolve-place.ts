import { isAbsolute, join } from 'node:path';
import { readNearest } from '../model/nearest.js';
import type { FaultList } from './fault-list.js';
import { isSecretName } from './secret-name.js';

export type Environment = Readonly<Record<string, string | undefined>>;

/** What the paths and URLs of a recipe are seen from. */
export interface Surroundings {
  /** The folder of the recipe. */
  readonly folder: string;
  readonly env: Environment;
  readonly faults: FaultList;
}

/** A path of a recipe: variables replaced, and seen from the recipe's folder. */
export function resolvePath(text: string, pointer: string, around: Surroundings): string {
  const path = fillVariables(text, pointer, around);
  if (/^~(\/|$)/.test(path)) {
    const hint = `Write \${HOME}${path.slice(1)}.`;
    around.faults.add(pointer, 'a ~ is not replaced here', hint);
  }
  return isAbsolute(path) ? path : join(around.folder, path);
}

/** The address of an agent in a recipe: an origin and a path, with nothing secret in it. */
export function resolveUrl(text: string, pointer: string, around: Surroundings): string {
  const address = fillVariables(text, pointer, around, OWN_VARIABLE);
  const url = URL.canParse(address) ? new URL(address) : null;
  const { faults } = around;
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    faults.add(pointer, 'the address is no http or https URL', 'For example: url: http://127.0.0.1:4747');
  } else if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') {
    const hint = 'Leave out user name, password, query and fragment; set EXA_API_KEY in the environment.';
    faults.add(pointer, 'the address holds more than a host and a path', hint);
  }
  return address;
}

/** True where a text looks as if something in it were to be replaced. */
export function findVariable(text: string): string | null {
  return /\$\{[^{}]*\}/.exec(text)?.[0] ?? null;
}

/** What goes into an address leaves this machine, so no variable of another program does. */
const OWN_VARIABLE = /^ROWFILL_/;

function fillVariables(text: string, pointer: string, { env, faults }: Surroundings, allowed = /^/): string {
  return text.replace(/\$\{([^{}]*)\}/g, (whole, name: string) => {
    const value = Object.hasOwn(env, name) ? env[name] : undefined;
    if (!/^[A-Za-z_]\w*$/.test(name)) {
      faults.add(
        pointer,
        `${whole} names no environment variable`,
        `Write \${NAME}, without spaces or defaults.`,
      );
    } else if (isSecretName(name)) {
      const hint = 'Leave it out: EXA_API_KEY is read from the environment and sent as it should be.';
      faults.add(pointer, `\${${name}} looks like a key, and no key belongs here`, hint, 'KEY_IN_RECIPE');
    } else if (!allowed.test(name)) {
      const hint = `Call the variable ROWFILL_${name}, or write the address itself.`;
      const message = `${whole} cannot stand in an address: only variables whose names begin with ROWFILL_ are sent`;
      faults.add(pointer, message, hint, 'RECIPE_VARIABLE_FOREIGN');
      return '';
    } else if (value === undefined || value === '') {
      const [nearest] = readNearest(
        name,
        Object.keys(env).filter((known) => !isSecretName(known) && allowed.test(known)),
      );
      const guess = nearest === undefined ? '' : ` Or did you mean ${nearest}?`;
      faults.add(
        pointer,
        `the environment variable ${name} is not set`,
        `Set it: export ${name}=…${guess}`,
        'RECIPE_VARIABLE_UNSET',
      );
    }
    return value ?? '';
  });
}
