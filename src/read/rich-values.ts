import { readElements, type ZipArchive } from './zip-archive.js';

/** The texts that cells of a linked data type (Stocks, Geography) show, by the index that the cell has. */
export type RichTexts = ReadonlyMap<number, string>;

const FOLDER = 'xl/richdata/';
/** Rich values beyond these are not read. */
const MAX_VALUES = 1_000_000;

/** Reads the texts of rich values. Without them, such cells only hold the error that old programs show. */
export async function readRichTexts(archive: ZipArchive): Promise<RichTexts> {
  const texts = await readTexts(archive, await readTextPlaces(archive));
  if (texts.length === 0) return new Map();
  const links = await readMetadata(archive);
  // A cell counts from 1. Without metadata, values are in the order of their use.
  const indexes = links.length > 0 ? links : texts.map((_, index) => index);
  return new Map(
    indexes.flatMap((value, index) => {
      const text = value === null ? undefined : texts[value];
      return text === undefined || text === '' ? [] : [[index + 1, text] as const];
    }),
  );
}

/** For each structure, which of its values is the shown text; -1 if none is. */
async function readTextPlaces(archive: ZipArchive): Promise<readonly number[]> {
  const places: number[] = [];
  let key = 0;
  await readElements(archive, `${FOLDER}rdrichvaluestructure.xml`, {
    open(name, attributes) {
      if (name === 's') {
        places.push(-1);
        key = 0;
      } else if (name === 'k') {
        if (attributes.n === '_DisplayString') places[places.length - 1] = key;
        key += 1;
      }
    },
  });
  return places;
}

async function readTexts(archive: ZipArchive, places: readonly number[]): Promise<readonly string[]> {
  const texts: string[] = [];
  let place = 0;
  let value = -1;
  let text = '';
  let isValue = false;
  await readElements(archive, `${FOLDER}rdrichvalue.xml`, {
    open(name, attributes) {
      if (name === 'rv') {
        place = places[Number(attributes.s)] ?? 0;
        value = -1;
        text = '';
      } else if (name === 'v') {
        value += 1;
        isValue = true;
      }
    },
    text(piece) {
      if (isValue && value === place) text += piece;
    },
    close(name) {
      if (name === 'v') isValue = false;
      else if (name === 'rv' && texts.length < MAX_VALUES) texts.push(text);
    },
  });
  return texts;
}

/** For each index of a cell, the index of its rich value; null for other metadata. */
async function readMetadata(archive: ZipArchive): Promise<readonly (number | null)[]> {
  const future: number[] = [];
  const cells: (number | null)[] = [];
  let isRich = false;
  let isValues = false;
  let richType = 0;
  let types = 0;
  await readElements(archive, 'xl/metadata.xml', {
    open(name, attributes) {
      if (name === 'metadataType') {
        types += 1;
        if (attributes.name === 'XLRICHVALUE') richType = types;
      } else if (name === 'futureMetadata') isRich = attributes.name === 'XLRICHVALUE';
      else if (name === 'rvb' && isRich) future.push(Number(attributes.i));
      else if (name === 'valueMetadata') isValues = true;
      else if (name === 'rc' && isValues && cells.length < MAX_VALUES) {
        cells.push(Number(attributes.t) === richType ? (future[Number(attributes.v)] ?? null) : null);
      }
    },
    close(name) {
      if (name === 'valueMetadata') isValues = false;
    },
  });
  return cells;
}
