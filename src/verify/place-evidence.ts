import type { TextBlock } from '../pages/page-text.js';
import type { EvidenceContext } from './evidence-context.js';
import type { Hit, PageIndex } from './page-index.js';
import type { ValueKind } from './value-kind.js';

/** A place under "Locations" or "Scottish depot" is not the head office if that is wanted or named elsewhere. */
export function isBranch({ index, field }: EvidenceContext, block: TextBlock, before: string): boolean {
  const label = /^[^:：]{2,50}(?=[:：])/u.exec(before)?.[0] ?? '';
  const heading = index.page.blocks[block.heading];
  // The headline of an article is about more than one place.
  const title = label === '' ? (heading === undefined || heading.level === 1 ? '' : heading.text) : label;
  if (block.cell !== null || HEAD_OFFICE.test(title)) return false;
  if (label === '' && isBesideHeadOffice(index, block)) return true;
  if (!BRANCH.test(title) || HEAD_OFFICE.test(label === '' ? block.text : before)) return false;
  return (
    field.words.some((word) => /^(?:hq|headquarters?|seat|sitz|siege|sede)$/.test(word)) ||
    index.page.blocks.some(({ text }) => text.length <= 80 && HEAD_OFFICE.test(text))
  );
}

/** True in a section beside one that is headed "Head office". */
export function isBesideHeadOffice(index: PageIndex, block: TextBlock): boolean {
  const { blocks } = index.page;
  const heading = blocks[block.heading];
  if (
    heading === undefined ||
    heading.level < 2 ||
    heading.text.length > 50 ||
    HEAD_OFFICE.test(heading.text)
  )
    return false;
  return blocks.some(
    ({ level, text, heading: above }) =>
      level === heading.level && above === heading.heading && text.length <= 50 && HEAD_OFFICE.test(text),
  );
}

const BRANCH =
  /(?<!\p{L})(?:locations|offices|branch(?:es)?|depots?|warehouses?|plants?|factor(?:y|ies)|showrooms?|standorte|niederlassung(?:en)?|werke?|lager|filialen?|agences|entrepôts?|usines?|sucursal(?:es)?|delegaci(?:ón|ones)|fábricas?|filiali|stabiliment[oi]|vestigingen|magazijn|filialer|kontorer|(?:établissement|bureau|site) secondaire|zweigstelle|zweigniederlassung|sede secondaria|unità locale|oddziały?)(?!\p{L})/iu;
const HEAD_OFFICE =
  /(?<!\p{L})(?:head(?:quarters| office)|hq|primary|main office|registered office|hauptsitz|zentrale|stammsitz|siège(?: social)?|sede (?:central|legale|principale|social)|hoofdkantoor|huvudkontor|hovedkontor|hovedsæde|siedziba|centrala|biuro główne|hlavní (?:sídlo|kancelář)|oficina (?:central|principal)|hauptbüro|hauptniederlassung|bureau principal)(?!\p{L})/iu;

/** "Lipowa 12, 31-027 Kraków" or "Bergstraße 7". */
export function isAddress(value: string): boolean {
  return value.length <= 200 && ADDRESS.test(value);
}

const ADDRESS =
  /\d.*,.*\d{4}|\d{4}.*,.*\d|(?:straße|strasse|str\.|weg|platz|gasse|street|road|avenue|straat|gatan|vägen|vej)\s\d|^(?:rue|via|calle|avenida|ul\.)\s.*\d/iu;

/** "Cork, Ireland" as a line of its own. */
export function isPlaceLine({ segment }: Hit): boolean {
  return /^\p{Lu}[\p{L} .'’-]{1,30}(?:,\s\p{Lu}[\p{L} .'’-]{1,30}){1,2}$/u.test(segment.text);
}

/** "Truro · 54 employees": a place alone between two marks. */
export function isAlone({ segment, start, end }: Hit): boolean {
  const { text } = segment;
  return (
    text.length <= 80 &&
    /(?:^|[·|•–]\s?)$/u.test(text.slice(0, start)) &&
    /^(?:\s?[·|•–]|,\s\p{Lu}[\p{L} ]*$|,\s\p{Lu}[\p{L} ]*\s?[·|•–])/u.test(text.slice(end))
  );
}

export function isPlaceLike(kind: ValueKind): boolean {
  return kind === 'place' || kind === 'country' || kind === 'text';
}

/** A place in an address: with a postal code, a street number or the name of a country beside it. */
export function isInAddress(text: string, { start, end }: Hit): boolean {
  const [before, after] = [text.slice(Math.max(0, start - 60), start), text.slice(end, end + 40)];
  const codeBefore = /(?:^|[^\d.,])(?:\p{Lu}{1,3}-?\s?)?\d{4,6}(?:[- ]\d{3}|\s?[A-Z]{2})?[,\s]{1,3}$/u;
  const codeBehind =
    /^[^\p{L}\d]{0,3}(?:\p{Lu}{2}\s|\p{Lu}\p{L}+,?\s)?(?:\d{5,6}|\d{4} ?[A-Z]{2}|[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2})(?![\d.,])|〒/u;
  const street =
    /(?:straße|strasse|str\.|street|road|avenue|ave\.?|lane|way|square|quay|wharf|rue|via|viale|corso|piazza|calle|avenida|plaza|rua|gata|gatan|gade|gate|vej|vei|weg|platz|allee|laan|straat|ulica|ul\.|улица|ул\.|проспект)[\s,]/iu;
  if (codeBefore.test(before) || codeBehind.test(after)) return true;
  if (FIRM_FROM.test(before) || (LIES_IN.test(before) && !BRANCH.test(before))) return true;
  // The code itself, before or after its town.
  if (
    /^\D{0,3}\d{4,5}\D{0,3}$/.test(text.slice(start, end)) &&
    /^\s\p{Lu}\p{L}+/u.test(after) &&
    /(?:^|[\n,]\s?)(?:\p{Lu}{1,2}-)?$/u.test(before)
  )
    return true;
  if (/\d/.test(text.slice(start, end)) && /\p{Lu}\p{L}+,?\s$/u.test(before)) return true;
  if (/^(?:[^.]|\d\.){0,45}?[-–—]\s/.test(text.slice(end, end + 60)) && start <= 2) return true;
  return (
    /^[-‑\s](?:based|headquartered|ansässige|basierte)|^[-\s](?:company|firm|maker|manufacturer|start-?up|group|producer|developer|provider)(?!\p{L})/iu.test(
      text.slice(end, end + 24),
    ) ||
    (street.test(before.slice(-40)) && /\d/.test(before.slice(-40)))
  );
}

/** "a family business from Enkhuizen", in the languages that say "from" for where a firm is. */
const FIRM_FROM =
  /(?:bedrijf|onderneming|fabrikant|producent|unternehmen|hersteller|betrieb|firma|anbieter|spezialist|start-?up|företag\p{L}*|bolag\p{L}*|tillverkare\p{L}*|virksomhed\p{L}*|selskab\p{L}*|bedrift\p{L}*|producent\p{L}*)\s(?:uit|aus|från|fra|z|ze)\s$/iu;

/** "lies in Svendborg" or "is a weaver in Huddersfield". */
const LIES_IN =
  /(?<!\p{L})(?:(?:lies|sits|liegt|sitzt|ligger|ligt|se trouve|est (?:installée?|établie?|située?)|se encuentra|está|si trova|fica|mieści się|находится)\s(?:\p{Ll}+\s)?|(?:is|ist|est|es|è|é|är|er|jest)\s(?:an?|eine?|une?|una?|um|uma|een|en|ett|et)\s[^,.;:]{3,45}\s|(?:builds|makes|produces|manufactures|baut|fertigt|fabrique|produit|fabrica|produce|costruisce|maakt|bygger|tillverkar|produserer|produkuje)\s[^,.;:]{3,45}\s)(?:in|near|at|à|en|em|a|i|w|v|в)\s$/iu;
