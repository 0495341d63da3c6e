import { createUsageError } from '../errors.js';
import { type FileLook, type RecipeDraft, suggest, suggestQuery } from '../init.js';
import { checkFieldNames, parseField } from '../model/field.js';
import { readNearest } from '../model/nearest.js';
import { showName } from '../model/show-name.js';

/** What is known of a recipe so far: from options, then from answers. */
export type Draft = {
  readonly [Name in keyof Omit<RecipeDraft, 'input' | 'kept'>]?: RecipeDraft[Name] | undefined;
};

/** Fills what is still open with what the file suggests. */
export function finishDraft(draft: Draft, look: FileLook, input: string): RecipeDraft {
  const suggestion = suggest(look);
  const fields = draft.schema === undefined ? (draft.fields ?? suggestion.fields) : [];
  const send = draft.send ?? suggestion.send;
  if (draft.schema === undefined && fields.length === 0) {
    throw createUsageError(
      'NOTHING_TO_FILL',
      `no column to fill was named, and none of ${look.name} is mostly blank`,
      "Name columns with --field, such as --field 'ceo=Who leads it today'.",
    );
  }
  return {
    ...draft,
    input,
    query: draft.query ?? suggestQuery(send, fields),
    fields,
    send,
    kept: look.columns.map(({ name }) => name).filter((name) => !send.includes(name)),
  };
}

/** Checks columns to fill as --field takes them. */
export function readFields(texts: readonly string[]): readonly string[] {
  checkFieldNames(texts.map((text) => parseField(text).name));
  return texts;
}

/** Checks columns to send against those of the file. */
export function readSend(names: readonly string[], look: FileLook): readonly string[] {
  const columns = look.columns.map(({ name }) => name);
  for (const name of names) {
    if (columns.includes(name)) continue;
    const nearest = readNearest(name, columns);
    const hint =
      nearest.length > 0
        ? `Did you mean ${nearest.map(showName).join(' or ')}?`
        : `The columns are ${columns.map(showName).join(', ')}.`;
    throw createUsageError('UNKNOWN_COLUMN', `${look.name} has no column ${showName(name)}`, hint);
  }
  return [...new Set(names)];
}
