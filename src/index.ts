export { type CancelOptions, type CancelResult, cancelJob } from './cancel.js';
export { type Diagnostic, type DiagnosticStatus, type DoctorOptions, diagnose } from './doctor.js';
export { type EnrichHooks, enrich } from './enrich.js';
export {
  type EnrichedRows,
  type EnrichRowsOptions,
  enrichRows,
  type FilledRecord,
  type FilledSource,
} from './enrich-rows.js';
export { type ErrorKind, RowfillError } from './errors.js';
export { type ExportOptions, type ExportResult, exportJob } from './export.js';
export type { AnsweredRow } from './job/answered-rows.js';
export type { CitedSource, RowCounts, RowStatus } from './model/answer.js';
export type {
  Doubt,
  EnrichEvent,
  FieldFill,
  FilledExample,
  JobFailures,
  JobProgress,
  JobStep,
  JobStop,
  JobSummary,
  NothingFound,
} from './model/events.js';
export type { FileFormat } from './model/file-format.js';
export type { JsonObject, JsonValue } from './model/json.js';
export type { Climb, Quote } from './model/prices.js';
export type { Citation, Confidence } from './model/run.js';
export type { EnrichOptions } from './options.js';
export { type Plan, type PlannedAgent, plan } from './plan.js';
export {
  mergeRecipe,
  RecipeError,
  type RecipeFault,
  type RecipeOptions,
  readRecipe,
} from './recipe/read-recipe.js';
export {
  type FileEnd,
  type Problem,
  type WatchEvent,
  type WatchHooks,
  type WatchInspector,
  type WatchJob,
  type WatchOptions,
  type WatchStop,
  type WatchSummary,
  watchFolder,
} from './watch.js';
