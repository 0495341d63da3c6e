/** Something about the file that may put answers on wrong rows or waste money, and that no option has settled yet. */
export interface Doubt {
  readonly code: string;
  /** What is doubtful, with counts and columns. */
  readonly message: string;
  /** What to do about it, with the options that settle it. */
  readonly hint: string;
}
