import { join } from 'node:path';
import { expect, test } from 'vitest';
import { findWindowsNameFault } from '../../src/model/windows-name.js';
import { checkOutput } from '../../src/write/open-output.js';
import { ON_WINDOWS } from '../helpers/platform.js';
import { createTempFolder } from '../helpers/temp-folder.js';

const LONG = 'n'.repeat(252);

test.each([
  ['C:\\lists\\a?b.csv', 'has a character in its name that Windows does not allow: ?'],
  ['out:2.csv', 'has a character in its name that Windows does not allow: :'],
  ['a"b.csv', 'has a character in its name that Windows does not allow: "'],
  ['list.', 'ends in a dot or a blank, which Windows does not allow'],
  ['list.csv ', 'ends in a dot or a blank, which Windows does not allow'],
  ['NUL', 'has the name of a Windows device, NUL'],
  ['C:/lists/con.csv', 'has the name of a Windows device, con'],
  ['lpt1.jsonl.gz', 'has the name of a Windows device, lpt1'],
  [`${LONG}.csv`, 'cannot be written: its name is too long'],
])('%s is not a name of a file on Windows', (path, fault) => {
  expect(findWindowsNameFault(path)).toBe(fault);
});

test.each([
  'C:\\lists\\out.csv',
  'C:out.csv',
  'Größe (2).xlsx',
  '.hidden',
  '..',
  'console.csv',
  'com.csv',
  'nullable.csv',
  `${'ü'.repeat(251)}.csv`,
])('%s is', (path) => {
  expect(findWindowsNameFault(path)).toBeNull();
});

test.runIf(ON_WINDOWS).each(['NUL', 'out:2.csv', `${LONG}.csv`, 'list.'])(
  'an output named %s is refused before anything is spent',
  async (name) => {
    await expect(checkOutput(join(await createTempFolder(), name))).rejects.toMatchObject({
      code: 'OUTPUT_NOT_WRITABLE',
    });
  },
);
