import type { FileFormat } from '../model/shape.js';
import type { OutputOptions } from './output.js';

/** The format asked for, else what the name says, else the input's. */
export function resolveFormat({
  format,
  path,
  shape,
}: Pick<OutputOptions, 'format' | 'path' | 'shape'>): FileFormat {
  if (format !== undefined) return format;
  const extension = /\.([^./\\]+?)(?:\.gz)?$/.exec(path.toLowerCase())?.[1];
  switch (extension) {
    case 'jsonl':
    case 'ndjson':
      return 'jsonl';
    case 'csv':
    case 'tsv':
    case 'tab':
      return 'csv';
    case 'json':
    case 'xlsx':
      return extension;
    default:
      return shape.format;
  }
}
