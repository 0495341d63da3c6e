import yargs from 'yargs';
import { createCommand } from '../command.js';
import { EXIT_CODES } from '../report-error.js';

/** `rowfill completion`: prints the shell script that completes rowfill's commands and options. */
export const completion = createCommand({
  about:
    'Prints a script that lets the shell named by $SHELL (bash, zsh or fish) complete commands and options.',
  options: {},
  examples: [
    { line: 'rowfill completion >> ~/.bashrc', about: 'for every new bash session' },
    { line: 'source <(rowfill completion)', about: 'for this shell only' },
  ],
  async run() {
    yargs().locale('en').scriptName('rowfill').showCompletionScript();
    return EXIT_CODES.done;
  },
});
