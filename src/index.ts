export type { CancelOptions, CancelResult } from './cancel.js';
export type { Diagnostic, DiagnosticStatus, DoctorOptions } from './doctor.js';
export type { EnrichHooks } from './enrich.js';
export type { EnrichedRows, EnrichRowsOptions, FilledRecord, FilledSource } from './enrich-rows.js';
export { type ErrorKind, RowfillError } from './errors.js';
export type { ExportOptions, ExportResult } from './export.js';
export type { AnsweredRow } from './job/answered-rows.js';
export {
  cancelJob,
  diagnose,
  enrich,
  enrichRows,
  exportJob,
  plan,
  planRows,
  verifyJob,
  watchFolder,
} from './library.js';
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
  RemainingRows,
} from './model/events.js';
export type { FieldValues } from './model/field.js';
export type { FileFormat } from './model/file-format.js';
export type { JsonObject, JsonValue } from './model/json.js';
export type { Climb, Quote } from './model/prices.js';
export type { Citation, Confidence } from './model/run.js';
export type { Effort, EnrichOptions } from './options.js';
export type { Plan, PlannedAgent } from './plan.js';
export {
  mergeRecipe,
  RecipeError,
  type RecipeFault,
  type RecipeOptions,
  readRecipe,
} from './recipe/read-recipe.js';
export type { VerifyHooks, VerifyOptions, VerifySummary } from './verify.js';
export type {
  FileEnd,
  Problem,
  WatchEvent,
  WatchHooks,
  WatchInspector,
  WatchJob,
  WatchOptions,
  WatchStop,
  WatchSummary,
} from './watch.js';
