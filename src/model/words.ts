import { formatMicros } from './money.js';

/** A count for a person: 12,345. Made by hand, since to load what knows the numbers of all languages takes a while. */
export function formatCount(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ',');
}

/** A count with its noun: `1 row`, `2 rows`. */
export function formatNumber(count: number, noun: string): string {
  return `${formatCount(count)} ${noun}${count === 1 ? '' : 's'}`;
}

/** Money for a person, to a hundredth of a cent: $0.025. */
export function formatDollars(micros: number): string {
  return `$${formatMicros(Math.round(micros / 100) * 100)}`;
}

/** A length of time for a person, in its largest one or two units: `1 h 5 min`, `40 s`. */
export function formatDuration(seconds: number): string {
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 90) return `${Math.round(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.round(hours / 24)} days`;
}

/** A wait for a person, in local time: `25 min, until 14:05`; with the day if that is not today. */
export function formatWait(delayMs: number, nowMs: number): string {
  const [now, end] = [new Date(nowMs), new Date(nowMs + delayMs)];
  const pad = (number: number): string => String(number).padStart(2, '0');
  const day = `${end.getFullYear()}-${pad(end.getMonth() + 1)}-${pad(end.getDate())} `;
  const time = `${pad(end.getHours())}:${pad(end.getMinutes())}`;
  const isToday = now.toDateString() === end.toDateString();
  // Under two minutes a time without seconds says little.
  const seconds = delayMs < 120_000 ? `:${pad(end.getSeconds())}` : '';
  return `${formatDuration(delayMs / 1_000)}, until ${isToday ? '' : day}${time}${seconds}`;
}
