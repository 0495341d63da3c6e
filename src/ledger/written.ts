import type { Database } from './database.js';

/** A file that a job wrote. */
export interface WrittenFile {
  readonly jobId: string;
  /** SHA-256 of its bytes, in hex. */
  readonly digest: string;
}

/**
 * Files are recorded before they are moved into place, so after a crash the file may be an older one of
 * these.
 */
const KEPT_PER_PATH = 8;

/** Records a file that is about to be moved into place. */
export function noteWritten(database: Database, path: string, file: WrittenFile, nowMs: number): void {
  database.run(
    'insert into written (path, digest, job, written_at) values (?, ?, ?, ?)',
    path,
    file.digest,
    file.jobId,
    nowMs,
  );
  database.run(
    `delete from written where path = ?1 and number not in
       (select number from written where path = ?1 order by number desc limit ?2)`,
    path,
    KEPT_PER_PATH,
  );
}

/** The files that were written at a path, newest first. */
export function findWritten(database: Database, path: string): readonly WrittenFile[] {
  return database.all<WrittenFile>(
    'select job as jobId, digest from written where path = ? order by number desc',
    path,
  );
}

/** Moves the record of a file to its new path. */
export function moveWritten(database: Database, from: string, to: string): void {
  database.run('update written set path = ? where path = ?', to, from);
}
