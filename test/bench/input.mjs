import { closeSync, openSync, writeSync } from 'node:fs';

const COUNTRIES = ['Germany', 'France', 'Japan', 'Brazil', 'Kenya', 'Canada', 'India', 'Norway'];

/** Writes a table of invented companies, each with its own domain. One in twenty has a comma in its name. */
export function writeInput(path, rows) {
  const file = openSync(path, 'w');
  writeSync(file, 'company,domain,country,segment,note\n');
  let text = '';
  for (let row = 0; row < rows; row += 1) {
    const company = row % 20 === 0 ? `"Company ${row}, Ltd."` : `Company ${row}`;
    text += `${company},company-${row}.example.com,${COUNTRIES[row % COUNTRIES.length]},mid market,met in ${2000 + (row % 25)}\n`;
    if (text.length > 1_000_000) {
      writeSync(file, text);
      text = '';
    }
  }
  writeSync(file, text);
  closeSync(file);
}
