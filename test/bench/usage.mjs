import { readFileSync, writeFileSync } from 'node:fs';

// Preloaded into a contender's process: writes down its resource usage at exit.
process.on('exit', () => {
  const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
  const usage = { peakKb: readPeakKb() ?? maxRSS, cpuMs: (userCPUTime + systemCPUTime) / 1_000 };
  writeFileSync(process.env.BENCH_USAGE, JSON.stringify(usage));
});

/** Peak memory of this program alone. The system's figure may include the parent process. */
function readPeakKb() {
  try {
    const match = /VmHWM:\s+(\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'));
    return match === null ? null : Number(match[1]);
  } catch {
    return null;
  }
}
