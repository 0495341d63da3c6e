import { Cron } from 'croner';
import { createUsageError, describeError } from '../errors.js';

/** When something is to happen, in the local time of this machine. */
export interface Schedule {
  /** The first such moment after `afterMs`, in milliseconds since the epoch. */
  findNext(afterMs: number): number;
}

/** Reads the five fields of cron. Throws a usage error for what is none, and for a date that never comes. */
export function parseSchedule(text: string): Schedule {
  const cron = openCron(text);
  const schedule = {
    findNext(afterMs: number): number {
      const next = cron.nextRun(new Date(afterMs));
      if (next === null) throw createScheduleError(text, 'there is no such time');
      return next.getTime();
    },
  };
  schedule.findNext(0);
  return schedule;
}

function openCron(text: string): Cron {
  try {
    return new Cron(text.trim(), { mode: '5-part' });
  } catch (error) {
    throw createScheduleError(text, describeError(error).replace(/^CronPattern: /, ''), error);
  }
}

function createScheduleError(text: string, reason: string, cause?: unknown): Error {
  return createUsageError(
    'BAD_SCHEDULE',
    `--schedule is “${text}”: ${reason}`,
    'It takes the five fields of cron: minute, hour, day of the month, month, day of the week. Such as "0 6 * * 1-5".',
    cause,
  );
}
