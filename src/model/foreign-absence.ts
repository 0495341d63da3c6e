/**
 * Phrases for "nothing found" in languages other than English. Most languages need no list of phrases: a word for
 * "not" before a word for "found", or a word for "no" before a word for "data", with the usual words around them.
 */
interface Language {
  /** What the phrase may begin with: "the information", "data". */
  readonly things: string;
  /** Before `found`. */
  readonly not?: string;
  readonly found?: string;
  /** Before `things`. */
  readonly no?: string;
  /** Means the same as "not found", alone or after `things`. */
  readonly lacking?: string;
  /** May stand between the others: "is", "publicly", "online". */
  readonly around?: string;
  /** Whole phrases. */
  readonly phrases?: string;
}

/** Words are separated by commas; `trouv/é/ée` stands for `trouvé` and `trouvée`. */
const LANGUAGES: readonly Language[] = [
  // German
  {
    things: `angabe//n, daten, information//en, treffer, ergebnis//se, auskunft, eintrag, quelle//n, e-mail, email, e-mail-adresse,
      telefonnummer, website, webseite, adresse, kontaktdaten, nachweis//e`,
    not: 'nicht, noch nicht, liegt nicht, liegen nicht, konnte nicht, konnten nicht, kann nicht',
    found: `bekannt, gefunden, verfügbar, auffindbar, ermittelbar, angegeben, vorhanden, zutreffend, veröffentlicht, öffentlich,
      zugänglich, anwendbar, feststellbar, ersichtlich, verifizierbar, bestimmbar, genannt, erwähnt, offengelegt, einsehbar,
      hinterlegt, ermittelt, bestimmt, bestätigt, vor, zu ermitteln, zu finden, relevant, eindeutig`,
    no: 'kein, keine, keinen, keinerlei',
    lacking: 'unbekannt, keine, kein, keiner, fehlt, fehlen, entfällt, unklar',
    around: `die, der, das, diese, ist, sind, wurde, wurden, werden, öffentlich, öffentlichen, öffentliche, öffentlich zugänglichen,
      in, den, quellen, im internet, online, derzeit, aktuell, eindeutig, explizit`,
    phrases: 'k a, keine ahnung, weiß nicht',
  },
  // French
  {
    things: `information/s/, donnée/s/, résultat/s/, adresse//s, e-mail/, email, téléphone, site, site web, mention, réponse,
      correspondance`,
    not: "non, pas, pas encore, n'est pas, ne sont pas, n'a pas été, n'ont pas été",
    found: `trouvé//e/s/es, disponible//s, connu//e/s/es, renseigné//e/s/es, divulgué//e/s/es, communiqué//e/s/es, précisé//e/s/es,
      spécifié//e/s/es, indiqué//e/s/es, publié//e/s/es, public, publique, publics, publiques, applicable//s, mentionné//e/s/es,
      déterminé//e/s/es, identifié//e/s/es, fourni//e/s/es, vérifiable//s, accessible//s, révélé//e/s/es, confirmé//e/s/es`,
    no: "aucun, aucune, pas de, pas d', sans",
    lacking: 'inconnu//e/s/es, indisponible//s, introuvable//s, aucun, aucune, manquant//e/s/es, néant',
    around: `la, le, les, l', cette, est, sont, publiquement, publique, publiques, actuellement, en ligne, à ce jour, encore, dans les
      sources, dans des sources publiques`,
    phrases: "sans objet, à déterminer, à confirmer, je ne sais pas, ne s'applique pas",
  },
  // Spanish
  {
    things: `información, dato//s, resultado//s, registro//s, respuesta, correo, correo electrónico, teléfono, dirección, sitio web,
      coincidencia//s`,
    not: `no, no se, no se ha, no se han, no ha sido, no han sido, no está, no están, no fue, no fueron, no es, aún no, todavía no,
      no se pudo, no se puede, no fue posible`,
    found: `encontr/ado/ada/ados/adas/ó/aron/ar, disponible//s, especificad/o/a/os/as, aplica, aplicable//s, consta, divulgad/o/a/os/as,
      informad/o/a/os/as, publicad/o/a/os/as, públic/o/a/os/as, conocid/o/a/os/as, determinad/o/a/os/as, determinar,
      identificad/o/a/os/as, identificar, indicad/o/a/os/as, proporcionad/o/a/os/as, facilitad/o/a/os/as, mencionad/o/a/os/as,
      revelad/o/a/os/as, verificad/o/a/os/as, verificar, confirmad/o/a/os/as, confirmar, localizad/o/a/os/as, accesible//s, existe`,
    no: 'sin, ningún, ninguna, no hay, no existe, no existen, no se encontró, no se encontraron, no se ha encontrado',
    lacking: 'desconocid/o/a/os/as, indisponible//s, ninguno, ninguna, inexistente, no consta',
    around: `la, el, los, las, públicamente, pública, públicos, actualmente, en línea, en fuentes públicas, explícitamente`,
    phrases: 'n/d, s/d, sin especificar, sin determinar, por determinar, por confirmar, no sé, no lo sé',
  },
  // Italian
  {
    things: `informazion/e/i, dat/o/i, risultat/o/i, indirizzo, indirizzo e-mail, e-mail, email, telefono, sito, sito web, riscontro,
      risposta`,
    not: 'non, non è, non sono, non è stato, non è stata, non ancora, non risulta, non risultano',
    found: `trovat/o/a/i/e, disponibil/e/i, specificat/o/a/i/e, not/o/a/i/e, conosciut/o/a/i/e, applicabil/e/i, pervenut/o/a/i/e,
      indicat/o/a/i/e, divulgat/o/a/i/e, comunicat/o/a/i/e, pubblic/o/a/i/he, pubblicat/o/a/i/e, fornit/o/a/i/e, determinat/o/a/i/e,
      determinabil/e/i, identificat/o/a/i/e, presente, accessibil/e/i, reperibil/e/i, reperit/o/a/i/e, verificat/o/a/i/e,
      menzionat/o/a/i/e, precisat/o/a/i/e, rilevat/o/a/i/e, confermat/o/a/i/e`,
    no: 'nessun, nessuna, nessuno, senza',
    lacking: 'sconosciut/o/a/i/e, indisponibil/e/i, nessuno, nessuna, mancante, irreperibil/e/i',
    around:
      'la, il, lo, le, i, è, sono, pubblicamente, pubblica, pubblici, attualmente, ancora, online, nelle fonti',
    phrases: 'n/d, n d, da definire, da determinare, da confermare, non so, non si applica',
  },
  // Portuguese
  {
    things: `informaç/ão/ões, dado//s, resultado//s, registro//s, registo//s, resposta, e-mail, email, telefone, endereço, site`,
    not: `não, não foi, não foram, não está, não estão, não é, ainda não, não se, não foi possível`,
    found: `encontrad/o/a/os/as, encontrar, disponível, disponíveis, informad/o/a/os/as, divulgad/o/a/os/as, consta, constam, aplica,
      aplicável, especificad/o/a/os/as, identificad/o/a/os/as, identificar, localizad/o/a/os/as, determinad/o/a/os/as, determinar,
      conhecid/o/a/os/as, públic/o/a/os/as, publicad/o/a/os/as, fornecid/o/a/os/as, revelad/o/a/os/as, mencionad/o/a/os/as,
      indicad/o/a/os/as, verificad/o/a/os/as, confirmad/o/a/os/as, acessível, existe`,
    no: 'sem, nenhum, nenhuma, não há, não existe, não existem',
    lacking: 'desconhecid/o/a/os/as, indisponível, indisponíveis, nenhum, nenhuma, inexistente',
    around: 'a, o, os, as, publicamente, pública, públicos, atualmente, online, em fontes públicas',
    phrases: 'n/d, s/d, a definir, a confirmar, não sei',
  },
  // Dutch
  {
    things: `informatie, gegevens, data, resultaat, resultaten, antwoord, e-mail, email, e-mailadres, telefoonnummer, website, adres,
      vermelding//en`,
    not: 'niet, nog niet, kon niet, konden niet, kan niet',
    found: `bekend, gevonden, beschikbaar, vermeld, openbaar, gespecificeerd, toegankelijk, opgegeven, aanwezig, bekendgemaakt,
      gepubliceerd, vindbaar, te vinden, te bepalen, te achterhalen, vastgesteld, bepaald, van toepassing, ingevuld, genoemd,
      geverifieerd, vast te stellen`,
    no: 'geen, geen enkele',
    lacking: 'onbekend, geen, ontbreekt, ontbreken, onbeschikbaar',
    around:
      'de, het, is, zijn, werd, werden, worden, publiek, openbaar, openbare, publiekelijk, online, momenteel, in bronnen',
    phrases: 'n v t, nvt, weet ik niet, nader te bepalen',
  },
  // Polish
  {
    things: `informacj/a/i/e, dan/e/ych, wynik/i/ów, odpowiedzi, adres//u, e-mail, email, telefon/u/, strona, strony, wpis/u/`,
    not: 'nie, nie jest, nie są, nie został, nie została, nie zostało, nie udało się, jeszcze nie',
    found: `znaleziono, znalezion/y/a/o/e, dotyczy, podano, podan/y/a/o/e, ujawniono, ujawnion/y/a/o/e, dostępn/y/a/e, określono,
      określon/y/a/e, ustalono, znaleźć, ustalić, określić, zweryfikować, opublikowano, wiadomo, istnieje, wskazano,
      zidentyfikowano, udostępniono, stwierdzono, potwierdzono`,
    no: 'brak, bez, brak jest, nie ma',
    lacking:
      'nieznan/y/a/e/i, niedostępn/y/a/e, nieujawnion/y/a/e, nieokreślon/y/a/e, brak, niepodan/y/a/e, nieokreślono',
    around: 'publicznie, publicznych, publicznie dostępnych, obecnie, w źródłach, w internecie, są, jest',
    phrases: 'n/d, b/d, b d, nie wiem, do ustalenia',
  },
  // Russian
  {
    things:
      'информаци/я/и, данные, данных, сведени/я/й, результат//ы/ов, ответ//а, адрес//а, сайт//а, почта, почты',
    not: 'не, не был, не была, не было, не были, пока не, еще не, не удалось, невозможно',
    found: `найден//а/о/ы, известн/о/а/ы, известен, указан//а/о/ы, доступн/о/а/ы, доступен, применимо, определен//а/о/ы,
      раскрывается, раскрываются, раскрыт//а/о/ы, опубликован//а/о/ы, установлен//а/о/ы, найти, определить, установить,
      подтвердить, существует, предоставлен//а/о/ы, обнаружен//а/о/ы, подтвержден//а/о/ы`,
    no: 'нет, без, нет никаких',
    lacking:
      'неизвестн/о/а/ы, неизвестен, недоступн/о/а/ы, недоступен, отсутствует, отсутствуют, неопределен/о/а/ы',
    around:
      'публично, публичных, в открытых источниках, в открытом доступе, в источниках, на сайте, эта, о, об этом',
    phrases: 'н/д, н д, нет в открытом доступе, нет в открытых источниках, не знаю',
  },
  // Ukrainian
  {
    things: 'інформаці/я/ї, дані, даних, відомост/і/ей',
    not: 'не, не було, поки не, не вдалося',
    found:
      'знайдено, відомо, вказано, доступно, застосовно, визначено, розкрито, опубліковано, знайти, визначити',
    no: 'немає, без',
    lacking: 'невідомо, невідом/ий/а, недоступно, відсутн/я/є/і/ій',
    phrases: 'н/д',
  },
  // Swedish
  {
    things: 'information, uppgift//er, data, träff//ar, resultat, e-post, webbplats, svar',
    not: 'ej, inte, icke',
    found: `tillgänglig//t/a, hittad//e, hittat, angiv/en/et/na, känd//a, känt, funn/en/et, offentlig//t/a, publicera/d/t, specificera/d/t,
      tillämplig//t, relevant, redovisa/d/t, identifiera/d/t, fastställ/d/t`,
    no: 'ingen, inga, inget',
    lacking: 'okän/d/t/da, saknas, otillgänglig//t, ospecificera/d/t',
    around: 'är, offentligt, online, offentliga',
    phrases:
      'hittades inte, hittades ej, finns inte, finns ej, anges inte, anges ej, framgår inte, framgår ej, vet ej',
  },
  // Danish and Norwegian
  {
    things:
      'oplysning/er/, opplysning/er/, information//er, informasjon, data, resultat//er, svar, e-mail, e-post',
    not: 'ikke',
    found: `tilgængelig//t/e, tilgjengelig//e, fundet, funnet, oplyst, opplyst, oppgitt, kendt, kjent, offentliggjort, angivet, angitt,
      relevant, specificeret, spesifisert, offentlig//t, aktuelt`,
    no: 'ingen, intet',
    lacking: 'ukendt, ukjent, mangler, utilgængelig//t, utilgjengelig, uoplyst',
    around: 'er, offentligt, offentlige, online',
    phrases: 'findes ikke, finnes ikke, kunne ikke findes, ved ikke, vet ikke',
  },
  // Finnish
  {
    things: 'tieto, tietoa, tietoja, tulosta, tuloksia',
    not: 'ei, ei ole, ei tällä hetkellä',
    found: `saatavilla, tiedossa, löytynyt, löydy, löydetty, julkinen, julkaistu, sovellu, sovellettavissa, ilmoitettu, määritelty,
      mainittu, julkisesti saatavilla`,
    no: 'ei, ei ole',
    lacking: 'tuntematon, puuttuu',
    phrases: 'ei sovelleta, en tiedä',
  },
  // Czech and Slovak
  {
    things: 'údaj//e, informace, informácie, data, dáta, výsledk/y/ov',
    not: 'není, nie je, nejsou, nie sú, nebyl, nebyla, nebylo, nebolo',
    found: `k dispozici, k dispozícii, znám/ý/á/é/a/o, známy, uveden/o/ý/a, uvedené, nalezen/o/ý/a, nájden/é/ý, dostupn/ý/á/é, zveřejněno,
      zverejnené, relevantní, zjištěno, zistené`,
    no: 'žádn/á/é/ý, žiadn/a/e/y, bez',
    lacking: `neznám/ý/á/é/o, neznámy, neznáma, nenalezen/o/ý/a, nenájdené, nezjištěno, nezistené, neuveden/o/é, nedostupn/ý/á/é,
      nezveřejněno, nezverejnené, neaplikovatelné, chybí, chýba`,
    around: 'veřejně, verejne',
  },
  // Hungarian
  {
    things: 'adat//ok, információ, találat, válasz',
    not: 'nem, nincs',
    found:
      'található, elérhető, ismert, nyilvános, alkalmazható, megadva, meghatározható, megadott, publikus, adat, információ, találat',
    lacking: 'ismeretlen, nincs, hiányzik',
  },
  // Romanian
  {
    things: 'informați/e/i, dat/e/ele, rezultat/e/',
    not: 'nu, nu este, nu sunt, nu a fost, nu se',
    found:
      'disponibil//ă/e, găsit//ă/e, specificat//ă, aplică, cunoscut//ă, public//ă, identificat//ă, menționat//ă, precizat//ă',
    no: 'fără, nicio, nu există',
    lacking: 'necunoscut//ă, indisponibil//ă, nespecificat//ă, negăsit//ă',
  },
  // Turkish
  {
    things: 'bilgi, veri, sonuç, kayıt',
    lacking: `bilinmiyor, bulunamadı, mevcut değil, yok, belirtilmemiş, belirtilmedi, açıklanmamış, açıklanmadı, geçerli değil, uygulanamaz,
      bilinmeyen, kamuya açık değil, erişilemiyor`,
  },
  // Greek
  {
    things: 'πληροφορί/α/ες, στοιχεία, δεδομένα, αποτελέσματα',
    not: 'δεν, δεν είναι, μη, δε',
    found: 'βρέθηκε, βρέθηκαν, διαθέσιμ/ο/η/α/ος, γνωστ/ό/ή, αναφέρεται, υπάρχουν, υπάρχει, εφαρμόζεται',
    lacking: 'άγνωστ/ο/η/ος',
    no: 'δεν υπάρχουν, δεν βρέθηκαν, χωρίς',
  },
  // Arabic, Hebrew
  {
    things: 'معلومات, بيانات, نتائج, المعلومات',
    not: 'غير, لم يتم, لا',
    found:
      'معروف, معروفة, متوفر, متوفرة, متاح, متاحة, محدد, محددة, موجود, موجودة, معلن, العثور عليه, العثور على, يوجد, توجد',
    no: 'لا توجد, لا يوجد, لم يتم العثور على, بدون',
    lacking: 'مجهول',
  },
  {
    things: 'מידע, נתונים, תוצאות',
    not: 'לא',
    found: 'ידוע, נמצא, נמצאה, זמין, זמינה, צוין, צוינה, רלוונטי, פורסם, קיים',
    no: 'אין',
  },
  // Vietnamese, Indonesian
  {
    things: 'thông tin, dữ liệu, kết quả',
    not: 'không, chưa, không được',
    found:
      'rõ, tìm thấy, có, có sẵn, xác định, áp dụng, công bố, tiết lộ, biết, công khai, cung cấp, có thông tin, có dữ liệu',
    no: 'không có, không tìm thấy, chưa có',
  },
  {
    things: 'data, informasi, hasil',
    not: 'tidak, belum',
    found:
      'diketahui, tersedia, ditemukan, ada, berlaku, disebutkan, dipublikasikan, dicantumkan, diungkapkan',
    no: 'tidak ada, tanpa, tidak ditemukan',
  },
];

/** Japanese, Chinese and Korean, which need no spaces between words. */
const UNSPACED: readonly RegExp[] = [
  /^(?:(?:該当|関連|公開|詳細)?(?:する|の)?(?:情報|データ|記載|結果|回答|者|項目)?(?:は|が|を)?)?(?:見つかりません(?:でした)?|見つからず|見つからない|見つけられません(?:でした)?|なし|無し|ありません(?:でした)?|存在しません|不明|非公開|未公開|未公表|未定|未確認|未入力|不詳|確認できません(?:でした)?|確認できず|特定できません(?:でした)?|特定できず|特定不可|公開されていません|分かりません|わかりません)(?:です)?$/,
  /^(?:特に|該当)?(?:なし|無し|無|无|ありません)$/,
  /^(?:(?:该|此|該|相关|相關|公司|企业|信息|資料|资料|数据|資訊|资讯|官网|网站|邮箱|电话|地址|具体)*)(?:暂|暫|均|尚|目前|并)?(?:未能?|无法|無法|没有|沒有|没|查无|查無|不|无|無)(?:能|被)?(?:公开|公開|对外)?(?:找到|公开|公開|披露|提供|知|明|详|詳|查到|查询到|注明|公布|公佈|获取|获得|取得|獲取|显示|列出|提及|说明|可用|适用|適用|可查|确定|確定|确认|確認|判断|存在|标明|得知|对外公开)(?:到|任何|相关|相關|公开|公開|可靠)*(?:的)?(?:信息|資料|资料|数据|資訊|资讯|结果|結果|记录|紀錄)?$/,
  /^(?:暂|暫|尚|目前)?(?:无|無|没有|沒有|查无|查無)(?:任何|相关|相關|公开|公開|可靠|可用)*(?:的)?(?:信息|資料|资料|数据|資訊|资讯|结果|結果|记录|紀錄|官网|网站|邮箱|电话)$/,
  /^(?:暂无|暫無|查无|查無|待定|待确认|待確認|待查|不详|不詳|未知|不明)$/,
  /^(?:(?:관련 ?)?(?:정보|데이터|자료|결과|해당|해당 ?사항|내용)(?:가|이|를|을|는|은)? ?)?(?:없음|없습니다|미상|미공개|비공개|알 ?수 ?없음|알 ?수 ?없습니다|찾을 ?수 ?없음|찾을 ?수 ?없습니다|확인 ?불가|확인되지 ?않음|공개되지 ?않음|불명|미확인)$/,
  /^ไม่(?:ทราบ|พบ|มี|ระบุ|เปิดเผย)(?:ข้อมูล)?$/,
  /^(?:उपलब्ध नहीं|अज्ञात|पता नहीं|ज्ञात नहीं|कोई जानकारी नहीं)(?: है)?$/,
  /^ー+$/,
];
const MAY_BE_UNSPACED = /^[\u0900-\u097f\u0e00-\u0e7f\u3040-\u30ff\u4e00-\u9fff\uac00-\ud7af]/;

/**
 * True for a phrase for "nothing found" in one of many languages. `text` is in lower case, without quotes and a full
 * stop.
 */
export function isForeignAbsence(text: string): boolean {
  if (MAY_BE_UNSPACED.test(text)) return UNSPACED.some((pattern) => pattern.test(text));
  const folded = foldLetters(text);
  byFirstWord ??= groupByFirstWord();
  const languages = byFirstWord.get(readFirstWord(folded)) ?? [];
  return languages.some((language) => getPattern(language).test(folded));
}

/** Removes accents, because agents do so too, and dots and commas. */
function foldLetters(text: string): string {
  const plain = /^[a-z ]*$/.test(text) ? text : foldAccents(text.replace(/[.,]/g, ' ').replaceAll('’', "'"));
  return plain.replace(/\s+/g, ' ').trim();
}

/** Letters without their accents. */
export function foldAccents(text: string): string {
  return text
    .normalize('NFD')
    .replace(/[\u0300-\u036f]+/g, '')
    .normalize('NFC')
    .replace(/[łøıæςß]/g, (letter) => PLAIN_LETTERS[letter] ?? letter);
}

const PLAIN_LETTERS: Readonly<Record<string, string>> = { ł: 'l', ø: 'o', ı: 'i', æ: 'ae', ς: 'σ', ß: 'ss' };

/** The first word, without an article before it. */
function readFirstWord(folded: string): string {
  const [first = '', second = ''] = folded.split(/[\s'-]/, 2);
  return ARTICLES.has(first) ? second : first;
}

/** Words that many ordinary texts begin with, too. */
export const ARTICLES: ReadonlySet<string> = new Set(
  'die der das la le les l el los las il lo i a o os as de het diese cette esta questa'.split(' '),
);

type Words = Readonly<Record<keyof Language, readonly string[]>>;

let byFirstWord: ReadonlyMap<string, readonly Words[]> | null = null;

/** Languages by the first words of their phrases. Only made when needed, because most commands do not need it. */
function groupByFirstWord(): ReadonlyMap<string, readonly Words[]> {
  const groups = new Map<string, Words[]>();
  for (const language of LANGUAGES.map(expandWords)) {
    const { found: _, ...starts } = language;
    for (const word of new Set(Object.values(starts).flat().map(readFirstWord)))
      groups.set(word, [...(groups.get(word) ?? []), language]);
  }
  return groups;
}

/** The first words of all phrases, without accents. */
export function listForeignFirstWords(): string[] {
  byFirstWord ??= groupByFirstWord();
  return [...byFirstWord.keys()];
}

const patterns = new Map<Words, RegExp>();

/** Only made when needed, because a job meets few languages. */
function getPattern(language: Words): RegExp {
  const known = patterns.get(language);
  if (known !== undefined) return known;
  const { things, not, found, no, lacking, around, phrases } = language;
  const some = `(?:${toChoice(around)} )*`;
  const negated = `${toChoice(not)} ${some}${toChoice(found)}`;
  const bodies = [
    `${some}${negated}(?: ${toChoice([...things, ...around])})*`,
    `${some}${toChoice(things)} ${some}(?:${negated}|${toChoice(lacking)})(?: ${toChoice(around)})*`,
    `${toChoice(no)} ?${some}${toChoice(things)}(?: ${toChoice([...found, ...around])})*`,
    `${toChoice(lacking)}(?: ${toChoice(around)})*`,
    toChoice(phrases),
  ];
  const pattern = new RegExp(`^(?:${bodies.join('|')})$`);
  patterns.set(language, pattern);
  return pattern;
}

function expandWords({ things, not, found, no, lacking, around, phrases }: Language): Words {
  return {
    ...{ things: expand(things), not: expand(not), found: expand(found), no: expand(no) },
    ...{ lacking: expand(lacking), around: expand(around), phrases: expand(phrases) },
  };
}

function expand(words = ''): string[] {
  return foldAccents(words)
    .split(',')
    .map((word) => word.trim().replace(/\s+/g, ' '))
    .filter((word) => word !== '')
    .flatMap((word) => {
      const [stem = '', ...endings] = word.split('/');
      // `n/d` is a phrase of its own.
      return stem.length < 2 || endings.length === 0 ? [word] : endings.map((ending) => stem + ending);
    });
}

/** A pattern that matches nothing without words. */
function toChoice(words: readonly string[]): string {
  const longestFirst = [...new Set(words)].sort((a, b) => b.length - a.length);
  return longestFirst.length === 0 ? '(?!)' : `(?:${longestFirst.join('|')})`;
}
