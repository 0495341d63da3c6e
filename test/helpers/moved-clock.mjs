// Loaded before the program: its clock is ahead by what a file says, so that a test can let time pass while the program
// is stopped.
import { readFileSync } from 'node:fs';

const now = Date.now;
Date.now = () => now() + Number(readFileSync(process.env.TEST_CLOCK_FILE, 'utf8'));
