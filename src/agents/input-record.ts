import { createEntityKey, isMailProvider, normaliseDomain } from '../model/entity-key.js';
import type { JsonObject } from '../model/json.js';
import { isEmpty } from '../model/row.js';
import { createColumn, type Table } from './table.js';
import { listKeys, listNames, type NameKind } from './table-index.js';
import { type Roles, resolveRoles } from './table-roles.js';

/** A record of the input made ready to be looked up: only the columns that have a value, each with its entity key. */
export interface InputRecord {
  readonly record: JsonObject;
  /** The record as a table of one, so that both sides of a comparison are read by the same rules. */
  readonly table: Table;
  readonly roles: Roles;
  readonly domains: readonly string[];
  /** Domains that only the host of an e-mail address tells. */
  readonly mailDomains: readonly string[];
}

export function createInputRecord(record: JsonObject): InputRecord {
  const entries = Object.entries(record).filter(([name, value]) => name !== 'row_id' && !isEmpty(value));
  const table: Table = {
    path: '',
    name: '',
    unit: 'row',
    columns: entries.map(([name]) => createColumn(name)),
    records: [{ position: 1, values: entries.map(([, value]) => value) }],
  };
  const roles = resolveRoles(table.columns);
  const domains = roles.domains.flatMap((column) => listKeys(table, column, 0));
  return {
    record,
    table,
    roles,
    domains,
    mailDomains: domains.length > 0 ? [] : listMailDomains(table, roles),
  };
}

/** The names that an input record goes by. */
export function listInputNames(input: InputRecord, kind: NameKind): readonly string[] {
  return listNames(input.table, input.roles, kind, 0);
}

/** The entity keys of an input record in one of its columns. */
export function listInputKeys(input: InputRecord, column: number): readonly string[] {
  return listKeys(input.table, column, 0);
}

/** The same input with a domain that another table knows; as it was when it has one already. */
export function addDomain(input: InputRecord, domain: string): InputRecord {
  return input.domains.length > 0 ? input : { ...input, domains: [createEntityKey('domain', domain) ?? ''] };
}

function listMailDomains(table: Table, roles: Roles): string[] {
  return roles.emails
    .flatMap((column) => listKeys(table, column, 0))
    .map((key) => normaliseDomain(key.replace(/^email:/, '')))
    .flatMap((domain) => (domain === null || isMailProvider(domain) ? [] : [`domain:${domain}`]));
}
