import { readFileSync, writeFileSync } from 'node:fs';

// Loaded into a contender's process before its own code: leaves behind what it used.
process.on('exit', () => {
  const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
  const usage = { peakKb: readPeakKb() ?? maxRSS, cpuMs: (userCPUTime + systemCPUTime) / 1_000 };
  writeFileSync(process.env.BENCH_USAGE, JSON.stringify(usage));
});

/** The peak of this program alone: what the system counts may hold that of the process that started it. */
function readPeakKb() {
  try {
    const match = /VmHWM:\s+(\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'));
    return match === null ? null : Number(match[1]);
  } catch {
    return null;
  }
}
