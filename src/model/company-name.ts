import { normaliseText, readWords } from './plain-text.js';

/** A company's name folded for comparing: "Müller & Söhne GmbH & Co. KG" is "muller and sohne". It is empty for blank text only. */
export function normaliseCompanyName(text: string): string {
  const folded = normaliseText(text);
  const plain = folded.replace(/['’`]/g, '').replace(/&|＋/g, ' and ');
  const words = readWords(dropEastAsianForm(plain)).split(' ').filter(Boolean);
  if (words.length > 1 && words.at(-1) === 'the') words.pop();
  while (dropLegalForm(words));
  while (words.length > 1 && FORMS_IN_FRONT.has(words[0] ?? '')) words.shift();
  return words.join(' ') || folded;
}

const LEGAL_FORMS = new Set(
  `inc incorporated corp corporation co company cie ltd limited llc llp lp plc pllc pbc
   gmbh mbh ggmbh ag aktiengesellschaft kg kgaa ohg gbr ug haftungsbeschrankt ev eg se
   sa sas sasu sarl sca snc srl spa sapa sl slu sau slne sc scrl
   nv bv bvba cvba vof ab hb asa as aps ivs ks oy oyj hf ehf
   kk gk pty pte pvt sdn bhd tbk jsc pjsc ojsc cjsc ooo oao zao pao ао оао ооо зао пао тов
   doo dd ad ead eood ood sro spol zrt kft nyrt bt rt
   ltda lda sgps eireli eirl cv sab sapi rl fzco fze fzllc dmcc wll`.split(/\s+/),
);

/** Words that only join legal forms, as in "GmbH & Co. KG" and "S. de R.L. de C.V.": they go when a form behind them went. */
const JOINING_WORDS = new Set(['and', 'de', 'et', 'und', 'y', 'i', 'e']);
const FORMS_IN_FRONT = new Set(['the', 'pt', 'ооо', 'оао', 'зао', 'пао', 'ао', 'тов']);

/** Takes one legal form off the end, also one written in single letters ("S. p. A."); false when there is none, or nothing else. */
function dropLegalForm(words: string[]): boolean {
  for (let count = 1; count <= 4 && count < words.length; count++) {
    const tail = words.slice(-count);
    if (count > 1 && !tail.every((word) => word.length === 1)) continue;
    if (!LEGAL_FORMS.has(tail.join(''))) continue;
    words.splice(-count);
    while (words.length > 1 && JOINING_WORDS.has(words.at(-1) ?? '')) words.pop();
    return true;
  }
  return false;
}

const EAST_ASIAN_FORM =
  /株式会社|有限会社|合同会社|\(株\)|\(有\)|股份有限公司|有限责任公司|有限公司|주식회사|유한회사|\(주\)/g;

function dropEastAsianForm(name: string): string {
  if (!/[^ -~]/.test(name)) return name;
  const rest = name.replace(EAST_ASIAN_FORM, ' ').trim();
  return rest === '' ? name : rest;
}
