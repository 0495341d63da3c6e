import type { TextBlock } from '../pages/page-text.js';
import type { EvidenceContext } from './evidence-context.js';
import { saysField } from './field-labels.js';
import { findFieldMentions } from './field-words.js';
import { foldText } from './fold-text.js';
import type { Hit, PageIndex } from './page-index.js';
import { headsRow } from './row-subject.js';
import type { FieldInfo, ValueKind } from './value-kind.js';

/** A place under "Locations" or "Scottish depot" is not the head office if that is wanted or named elsewhere. */
export function isBranch(context: EvidenceContext, block: TextBlock, before: string): boolean {
  const { index, field } = context;
  if (block.cell !== null) return isSite(index.headers(block).row, field);
  const term = block.role === 'detail' ? index.page.blocks[index.page.blocks.indexOf(block) - 1]?.text : '';
  if (isSite(term ?? '', field)) return true;
  const label = /^[^:：]{2,50}(?=[:：])/u.exec(before)?.[0] ?? '';
  const heading = index.page.blocks[block.heading];
  // The headline of an article is about more than one place.
  const title = label === '' ? (heading === undefined || heading.level === 1 ? '' : heading.text) : label;
  if (HEAD_OFFICE.test(title)) return false;
  if (BILLING.test(label) || isSite(label, field)) return true;
  if (label === '' && (isBesideHeadOffice(index, block) || isLaterSection(context, block, ADDRESS_LINE)))
    return true;
  if (!BRANCH.test(title) || HEAD_OFFICE.test(label === '' ? block.text : before)) return false;
  return (
    field.words.some((word) => /^(?:hq|headquarters?|seat|sitz|siege|sede)$/.test(word)) ||
    index.page.blocks.some(({ text }) => text.length <= 80 && HEAD_OFFICE.test(text))
  );
}

/** True for the label of a plant or branch, if the field does not ask for one. */
export function isSite(label: string, field: FieldInfo): boolean {
  if (label === '' || label.length > 50 || field.families.has('site') || HEAD_OFFICE.test(label))
    return false;
  const families = findFieldMentions(foldText(label, 'plain').text).map(({ family }) => family);
  return BRANCH.test(label) || (families.includes('site') && !families.includes('location'));
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

/**
 * True in a section of its own after another that has the same kind of contact: the first one is the main one. A
 * heading that names the row, the field or the head office stands for the main one, too.
 */
export function isLaterSection(
  { index, field, subject }: EvidenceContext,
  block: TextBlock,
  contact: RegExp,
): boolean {
  const { blocks } = index.page;
  const heading = blocks[block.heading];
  if (heading === undefined || heading.level < 2 || block.cell !== null || block.region === 'footer')
    return false;
  if (HEAD_OFFICE.test(heading.text) || MAIN_SECTION.test(heading.text)) return false;
  if (saysField(heading.text, field) || headsRow(heading.text, subject)) return false;
  return blocks
    .slice(0, block.heading)
    .some(
      (each) =>
        each.region === block.region &&
        each.heading >= 0 &&
        (each.heading === heading.heading || blocks[each.heading]?.heading === heading.heading) &&
        each.text.length <= 600 &&
        contact.test(each.text),
    );
}

/** Headings of the section that has the main contact. */
const MAIN_SECTION =
  /^(?:contacts?(?: us| details| information)?|get in touch|find us|visit us|address|kontakt\p{L}*|anschrift|adresse|so finden sie uns|besuchen sie uns|coordonnées|nous (?:contacter|trouver)|contacto|dónde estamos|contatti|dove siamo|contactos?|onde estamos|contact(?:gegevens)?|hitta (?:till )?oss|find os|yhteystiedot|kde nás najdete|контакты|連絡先|アクセス|联系我们|오시는 길)/iu;

export const PHONE_NUMBER =
  /(?<![\d.,])(?!\d{1,2}[-./]\d{1,2}[-./]\d{4}|(?:19|20)\d{2}[-–])\+?\d(?:[\s()/.-]{0,3}\d){7,}/;
export const EMAIL_ADDRESS = /@|\(at\)|\[at\]/;
/** A postal code and a town. */
const ADDRESS_LINE =
  /\d{4,6}(?:[- ]\d{3}|\s?[A-Z]{2})?,?\s\p{Lu}|[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}|\p{Lu}\p{L}+,?\s[A-Z]{2}\s\d{5}/u;

const BRANCH =
  /(?<!\p{L})(?:locations|offices|branch(?:es)?|depots?|warehouses?|plants?|factor(?:y|ies)|showrooms?|standorte|niederlassung(?:en)?|werke?|lager|filialen?|agences|entrepôts?|usines?|sucursal(?:es)?|delegaci(?:ón|ones)|fábricas?|filiali|stabiliment[oi]|vestigingen|magazijn|filialer|kontorer|(?:établissement|bureau|site) secondaire|zweigstelle|zweigniederlassung|sede secondaria|unità locale|oddziały?)(?!\p{L})/iu;
/** An address for bills or parcels. */
const BILLING =
  /(?:billing|invoic\p{L}*|remit\p{L}*|shipping|returns?|delivery) (?:to|address)|rechnungs(?:adresse|anschrift)|liefer(?:adresse|anschrift)|facturation|livraison|facturación|fatturazione|factuuradres|fakturaadress?e?|fakturaadresse|laskutusosoite|faktur\p{L}*/iu;
const HEAD_OFFICE =
  /(?<!\p{L})(?:head(?:quarters| office)|hq|primary|main office|registered office|hauptsitz|zentrale|stammsitz|siège(?: social)?|sede (?:central|legale|principale|social)|hoofdkantoor|huvudkontor|hovedkontor|hovedsæde|pääkonttori|päätoimipaikka|siedziba|centrala|biuro główne|hlavní (?:sídlo|kancelář)|oficina (?:central|principal)|hauptbüro|hauptniederlassung|bureau principal)(?!\p{L})/iu;

/** "Lipowa 12, 31-027 Kraków" or "Bergstraße 7". */
export function isAddress(value: string): boolean {
  return value.length <= 200 && ADDRESS.test(value);
}

const ADDRESS =
  /\d.*,.*\d{4}|\d{4}.*,.*\d|(?:straße|strasse|str\.|weg|platz|gasse|street|road|avenue|straat|gatan|vägen|vej|gate|katu|tie|utca|tér|nám\.|náměstí|plac|pl\.)\s\d|^(?:rue|via|calle|avenida|ul\.)\s.*\d/iu;

/** "Cork, Ireland" as a line of its own. */
export function isPlaceLine({ segment }: Hit): boolean {
  return /^\p{Lu}[\p{L} .'’-]{1,30}(?:,\s\p{Lu}[\p{L} .'’-]{1,30}){1,2}$/u.test(segment.text);
}

/** The town of "San Antonio, Texas, United States". */
export function isFirstOfPlaceLine(hit: Hit): boolean {
  return hit.start === 0 && isPlaceLine(hit) && /^,/.test(hit.segment.text.slice(hit.end));
}

/** "Truro · 54 employees": a place alone between two marks. */
export function isAlone({ segment, start, end }: Hit): boolean {
  const { text } = segment;
  return (
    text.length <= 160 &&
    /(?:^|[·|•–]\s?)$/u.test(text.slice(0, start)) &&
    end - start < text.length &&
    /^(?:(?:\s\([^()]{1,20}\))?\s?(?:[·|•–]|$)|,\s\p{Lu}[\p{L} ]*$|,\s\p{Lu}[\p{L} ]*\s?[·|•–])/u.test(
      text.slice(end),
    )
  );
}

export function isPlaceLike(kind: ValueKind): boolean {
  return kind === 'place' || kind === 'country' || kind === 'text';
}

/** A place in an address: with a postal code, a street number or the name of a country beside it. */
export function isInAddress(text: string, { start, end }: Hit): boolean {
  const [before, after] = [text.slice(Math.max(0, start - 60), start), text.slice(end, end + 40)];
  const codeBefore =
    /(?:^|[^\d.,])(?:\p{Lu}{1,3}-?\s?)?(?:\d{4,6}|\d{3}\s\d{2})(?:[- ]\d{3}|\s?[A-Z]{2})?[,\s]{1,3}$/u;
  const codeBehind =
    /^[^\p{L}\d]{0,3}(?:\p{Lu}{2}\s|\p{Lu}\p{L}+,?\s)?(?:\d{5,6}|\d{4} ?[A-Z]{2}|[A-Z]\d[A-Z] ?\d[A-Z]\d|[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2})(?!\d|[.,]\d)|〒/u;
  const street =
    /(?:straße|strasse|str\.|street|road|avenue|ave\.?|lane|way|square|quay|wharf|rue|via|viale|corso|piazza|calle|avenida|plaza|rua|gata|gatan|gade|gate|vej|vei|weg|platz|allee|laan|straat|ulica|ul\.|улица|ул\.|проспект|вул\.|вулиця|просп\.|mah\.|cad\.|caddesi|sok\.|sokak|bulvarı|utca|út|tér|ulice|náměstí|třída|katu|tie|strada|str\.|bulevardul|οδός|λεωφ\.?|avda\.?|av\.)[\s,]/iu;
  if (codeBefore.test(before) || codeBehind.test(after)) return true;
  if (/(?:〒[\d-]*\s?|\p{Script=Han}(?:県|都|府|道|省))$/u.test(before)) return true;
  // "111 30 Stockholm, Sweden".
  if (/(?:\d{4,6}|\d{3}\s\d{2})\s\p{Lu}[^.;\d]{1,30},\s$/u.test(before)) return true;
  if (FIRM_FROM.test(before) || (LIES_IN.test(before) && !BRANCH.test(before))) return true;
  // The code itself, before or after its town.
  if (
    /^\D{0,3}(?:\d{4,6}|\d{2}-\d{3}|\d{4}-\d{3}|\d{3}\s\d{2})\D{0,3}$/.test(text.slice(start, end)) &&
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
  /(?:bedrijf|onderneming|fabrikant|producent|unternehmen|hersteller|betrieb|firma|anbieter|spezialist|start-?up|företag\p{L}*|bolag\p{L}*|tillverkare\p{L}*|virksomhed\p{L}*|selskab\p{L}*|bedrift\p{L}*|producent\p{L}*)(?:\s\p{Ll}+){0,2}\s(?:uit|aus|från|fra|z|ze)\s$|(?:gruppo|azienda|società|impresa|ditta|caseificio|entreprise|société|empresa|compañía|grupo|fabricante)\s(?:di|de|d['’])\s?$/iu;

/** "lies in Svendborg" or "is a weaver in Huddersfield". */
const LIES_IN =
  /(?<!\p{L})(?:(?:lies|sits|liegt|sitzt|ligger|ligt|se trouve|est (?:installée?|établie?|située?)|se encuentra|está|si trova|fica|mieści się|находится)\s(?:\p{Ll}+\s)?|(?:is|ist|est|es|è|é|är|er|jest)\s(?:an?|our|the|one of|eine?|unser|une?|una?|um|uma|een|en|ett|et)\s[^,.;:]{3,45}\s|(?:builds|makes|produces|manufactures|baut|fertigt|fabrique|produit|fabrica|produce|costruisce|maakt|bygger|tillverkar|produserer|produkuje)\s[^,.;:]{3,45}\s)(?:in|near|at|à|en|em|a|i|w|v|в)\s$/iu;
