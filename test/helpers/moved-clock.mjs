// Preloaded into the program: moves its clock ahead by the amount in a file, so that a test can let time pass while the
// program is paused.
import { readFileSync } from 'node:fs';

const now = Date.now;
Date.now = () => now() + Number(readFileSync(process.env.TEST_CLOCK_FILE, 'utf8'));
