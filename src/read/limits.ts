/** What a file may not exceed: a clear error instead of a full memory. */
export interface InputLimits {
  /** The longest record, in characters. @default 16777216 */
  readonly maxRowLength: number;
  /** The most columns of a table. @default 16384 */
  readonly maxColumns: number;
  /** The deepest nesting of a JSON row. @default 100 */
  readonly maxDepth: number;
  /** The most that a compressed file may grow, once it has grown past `freeInflateBytes`. @default 400 */
  readonly maxInflateRatio: number;
  /** What a compressed file may grow to whatever its ratio. @default 268435456 */
  readonly freeInflateBytes: number;
  /** The most bytes that the different texts of a workbook may take. @default 268435456 */
  readonly maxSharedBytes: number;
  /** The most blank cells that the rows of a sheet may have before their last value, all together. @default 100000000 */
  readonly maxBlankCells: number;
  /** The most bytes that are taken from standard input, a pipe or a device. @default 17179869184 */
  readonly maxSpoolBytes: number;
  /** How many bytes are read at a time. @default 65536 */
  readonly pieceBytes: number;
}

export const INPUT_LIMITS: InputLimits = {
  maxRowLength: 16 * 1024 * 1024,
  maxColumns: 16_384,
  maxDepth: 100,
  maxInflateRatio: 400,
  freeInflateBytes: 256 * 1024 * 1024,
  maxSharedBytes: 256 * 1024 * 1024,
  maxBlankCells: 100_000_000,
  maxSpoolBytes: 16 * 1024 * 1024 * 1024,
  pieceBytes: 64 * 1024,
};
