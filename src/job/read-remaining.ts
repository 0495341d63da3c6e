import type { RemainingRows } from '../model/events.js';
import { InFlight } from '../select/in-flight.js';
import type { Trip } from './create-trip.js';
import { StopSwitch } from './stop-switch.js';
import { surveyRows } from './survey-rows.js';

/** What a job that reached its budget has left to ask, and what that can cost; null for any other. */
export async function readRemaining(trip: Trip): Promise<RemainingRows | null> {
  if (trip.stop.reason !== 'budget') return null;
  // Looked at like a job that has not begun: what was held back is to be asked.
  const { quote } = await surveyRows({ ...trip, inFlight: new InFlight(), stop: new StopSwitch() });
  const { rows, runs, worstMicros } = quote;
  return { rows, runs, worstMicros };
}
