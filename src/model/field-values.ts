import type { JsonObject } from './json.js';

/** The values of fields in the form `name[:type][=description]`; any object if the texts are not known as literals. */
export type FieldValues<Fields> = Fields extends readonly (infer Text extends string)[]
  ? string extends Text
    ? JsonObject
    : { readonly [Each in Text as FieldName<Each>]: FieldValue<FieldType<Each>> | null }
  : JsonObject;

type Trim<Text extends string> = Text extends ` ${infer Rest}` | `${infer Rest} ` ? Trim<Rest> : Text;
type DropDescription<Text extends string> = Text extends `${infer Head}=${string}` ? Head : Text;
type FieldName<Text extends string> =
  DropDescription<Text> extends `${infer Name}:${string}` ? Trim<Name> : Trim<DropDescription<Text>>;
type FieldType<Text extends string> =
  DropDescription<Text> extends `${string}:${infer Type}` ? Trim<Type> : 'string';

type FieldValue<Type extends string> = Type extends 'integer' | 'number'
  ? number
  : Type extends 'boolean'
    ? boolean
    : Type extends `list(${infer Item})`
      ? readonly FieldValue<Trim<Item>>[]
      : Type extends `enum(${infer Choices})`
        ? Choice<Choices>
        : string;

type Choice<Text extends string> = Text extends `${infer First}|${infer Rest}`
  ? Trim<First> | Choice<Rest>
  : Trim<Text>;
