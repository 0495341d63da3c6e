import type { FieldGroup } from './field-families.js';
import type { RowSubject } from './row-subject.js';

/** What is known about the place of a value for looking at the words around it. */
export interface CueContext {
  readonly before: string;
  readonly after: string;
  readonly language: string;
  readonly groups: ReadonlySet<FieldGroup>;
  readonly families: ReadonlySet<string>;
  /** True for a field that itself asks for a plan, a former holder or an end. */
  readonly wantsTurn: boolean;
  /** True for a field that asks for a part of a year. */
  readonly wantsQuarter: boolean;
  readonly subject: RowSubject;
  /** True for a field that asks for one end of a range. */
  readonly wantsBound: boolean;
}

export const PLAN = 'it is a plan, a goal or a forecast';
export type Words = Readonly<Record<string, string>>;

interface Cue {
  readonly reason: string;
  /** Words before the value, by language; `all` counts in every language. */
  readonly before?: Words;
  readonly after?: Words;
  /** How many characters before the value are looked at. */
  readonly within: number;
  readonly beyond?: number;
  /** True if a comma ends the reach of the words. */
  readonly isClause?: boolean;
  readonly applies?: (context: CueContext) => boolean;
}

const isRole = ({ groups }: CueContext): boolean => groups.has('role') && !groups.has('date');
export const isCount = ({ groups }: CueContext): boolean => groups.has('count') || groups.has('money');
const isStaff = ({ families }: CueContext): boolean => families.has('employees');

/** "£642m (2022: £594m)": a year and a colon in brackets, right before the number. */
const EARLIER_IN_BRACKETS = String.raw`(?<=[\p{L}\d€$£¥%.]\s?[(（[]\s?(?:\p{L}{1,12}\.?\s){0,2})(?:(?:FY|CY)?\s?(?:19|20)\d{2}(?:\s?r\.|\s?г\.|年)?|prior year|previous year|last year|vorjahr|vj\.?|i fjor|föregående år|sidste år|vorig jaar|n-1)\s?[:：–—-]?(?=\s?(?:[$€£¥]|\p{Lu}{3}\s)?\s?$)`;
/** "20 to 49". */
const RANGE_BEFORE = String.raw`(?<=\d\s)(?<!(?:19|20)\d{2}\s)(?:to|bis|à|a|tot|til|till|do|до|bis zu)(?=\s$)`;
/** What a person may lead that is not the whole. */
const PART_OF_FIRM = {
  en: String.raw`(?:the|its|a|their)\s(?:\p{L}+\s){0,3}(?:board|division|department|team|unit|office|branch|committee|operations)|(?:the|its|a|their)\s(?:\p{L}+\s){1,3}business`,
  de: String.raw`(?:den|die|das|dessen|deren)\s(?:\p{L}+\s){0,2}\p{L}*(?:beirat|aufsichtsrat|abteilung|sparte|bereich|team|niederlassung|vertrieb|entwicklung|produktion|ausschuss|geschäft)`,
  fr: String.raw`(?:le|la|l['’]|les|son|sa)\s?(?:\p{L}+\s){0,2}(?:conseil|division|département|équipe|filiale|bureau|branche|activité|comité)`,
  es: String.raw`(?:el|la|los|las|su)\s(?:\p{L}+\s){0,2}(?:consejo|división|departamento|equipo|filial|área|comité|oficina)`,
  it: String.raw`(?:il|la|lo|l['’]|i|le)\s?(?:\p{L}+\s){0,2}(?:consiglio|divisione|dipartimento|squadra|filiale|comitato|ufficio|reparto)`,
  nl: String.raw`(?:de|het|haar)\s(?:\p{L}+\s){0,2}(?:raad|afdeling|divisie|team|vestiging)`,
};

export const CUES: readonly Cue[] = [
  {
    reason: 'a word before it speaks of the past',
    within: 60,
    before: {
      en: String.raw`(?<=^|[.!?]\s)before [^,.]{2,30},|former(?:ly)?|ex|erstwhile|previous(?:ly)?|past|then|outgoing|departing|predecessors?|once|originally|used to|no longer|until (?:\p{L}+ )?\d{4}|until recently|(?:started|began) with|(?:started|began) in \d{4} with|ousted|departed|emeritus|earlier|older|prior|last year['’]s|last season['’]s`,
      de: String.raw`bis (?:\p{L}+ )?\d{4}|ehemalige[rsnm]?|ehemals|frühere[rsnm]?|früher|vormals|bisherige[rsnm]?|vorherige[rsnm]?|ex|vorgänger(?:in|s)?|einst|damalige[rsn]?|ursprünglich`,
      fr: String.raw`jusqu['’]en \d{4}|ancien(?:ne|s)?|ex|précédente?|anciennement|prédécesseur|autrefois|jadis|initialement`,
      es: String.raw`hasta \d{4}|antigu[oa]s?|(?<!año )anterior(?:mente)?|ex(?:director\p{L}*|president\p{L}*|ministr\p{L}*|consejer\p{L}*)?|predecesora?|entonces|saliente`,
      it: String.raw`fino al \d{4}|ex|precedente|predecessore|già|uscente|in passato`,
      pt: String.raw`até \d{4}|antig[oa]|(?<!ano )anterior(?:mente)?|ex|antecessora?`,
      nl: String.raw`tot \d{4}|oud(?=-)|voormalige?|vroegere|vorige|ex|voorganger\p{L}*|destijds`,
      sv: String.raw`till \d{4}|tidigare|förre|förra|före detta|f\.?d\.?|ex|föregångare|dåvarande`,
      da: String.raw`indtil \d{4}|tidligere|forhenværende|ex|forgænger\p{L}*|daværende`,
      nb: String.raw`(?:inn)?til \d{4}|tidligere|forhenværende|ex|forgjenger\p{L}*|daværende`,
      fi: `entinen|aiempi|edeltäjä`,
      pl: String.raw`do \d{4}|był[yaei](?:go|m)?|poprzedni\p{L}*|dawn\p{L}*|ówczesn\p{L}*|wcześniej`,
      cs: String.raw`do roku \d{4}|býval\p{L}*|dřívější\p{L}*|předchozí\p{L}*|dříve|předchůd\p{L}*`,
      sk: String.raw`býval\p{L}*|predchádzajúc\p{L}*|predtým`,
      hu: `korábbi|volt|egykori|előző`,
      ro: String.raw`fost\p{L}*|precedent\p{L}*`,
      ru: String.raw`бывш\p{L}+|прежн\p{L}+|экс|предыдущ\p{L}+|раньше|ранее|тогдашн\p{L}+`,
      uk: String.raw`колишн\p{L}+|екс|попередн\p{L}+`,
      tr: `eski|önceki`,
      el: String.raw`πρώην|προηγούμεν\p{L}+`,
      all: String.raw`(?:ex|Ex)-|\d{4}\s?(?:to|and|und|et|y|e|och|og|bis|à|a|al|til|till|tot|do|до|[-–])\s?\d{4}[^.]{0,45}`,
    },
  },
  {
    reason: 'the words after it say that this has ended',
    within: 0,
    beyond: 70,
    applies: isRole,
    after: {
      en: String.raw`(?:has |had |who |will )?(?:stepp?(?:ed|ing|s)? down|resign(?:ed|s|ing)?|retire[ds]?|retiring|quit|left|leaves|leaving|depart(?:ed|s|ing)|die[ds]|passed away)|(?:was|is|were|been|to be) (?:fired|ousted|dismissed|replaced|succeeded|removed|sacked)|until (?:\p{L}+ )?\d{4}|\(?\d{4}\s?[-–]\s?\d{4}\)?|(?:the |its |a )?former(?:ly)?|served (?:as|until|from)|was (?:the |its )?(?:chief|ceo|head|first)|hands? over|handed over`,
      de: String.raw`(?:trat|tritt) [^.]{0,40}zurück|zurückgetreten|(?:schied|scheidet) [^.]{0,30}aus|ausgeschieden|verließ|verlässt|verlassen|bis (?:\p{L}+ )?\d{4}|starb|verstorben|abgelöst|abberufen|war (?:bis|von)|ehemalige[rsn]?`,
      fr: String.raw`(?:a |ayant )?(?:démissionné|quitté)|quitte|jusqu['’]en|remplacée?|décédée?|parti(?:e)? à la retraite|ancien(?:ne)?|\(\d{4}-\d{4}\)`,
      es: String.raw`dimiti[óo]|renunci[óo]|dej[óo]|hasta \d{4}|fue (?:destituid|sustituid|reemplazad)[oa]|falleci[óo]|se jubil[óo]|ex(?:director|president|ministr|consejer|jef)\p{L}*`,
      it: `si è dimess[oa]|ha lasciato|lascia|fino al|sostituit[oa]|deceduto|ex`,
      pt: String.raw`deixou|renunciou|até \d{4}|foi substituíd[oa]|faleceu|ex`,
      nl: String.raw`\(oud-|tot \d{4}|afgetreden|vertrok|vertrekt|opgevolgd|overleden|stapt op`,
      sv: String.raw`avgick|avgår|slutade|lämnade|lämnar|till \d{4}|ersattes|avled`,
      da: String.raw`fratrådte|fratræder|trådte tilbage|forlod|stoppede|indtil \d{4}|til \d{4}`,
      nb: String.raw`gikk av|går av|fratrådte|sluttet|forlot|til \d{4}`,
      pl: String.raw`odszedł|odeszła|zrezygnował\p{L}*|do \d{4}|został\p{L}* odwołan\p{L}*|ustąpił\p{L}*|zmarł\p{L}*`,
      cs: String.raw`odstoupil\p{L}*|odešel|odešla|do roku \d{4}|rezignoval\p{L}*`,
      ru: String.raw`уш[её]л|ушла|покинул\p{L}*|до \d{4}|уволен\p{L}*|сложил\p{L}*|скончал\p{L}*|был\p{L}* смещ[её]н\p{L}*`,
      all: String.raw`(?<=^\s?)\(?\d{4}\s?[-–]\s?\d{4}\)?|\(\s?(?:former|ex|ehem\.?|bis|until|till?|do|jusqu['’](?:en|au)|hasta|fino al?|até|tot|indtil|до|-|–)(?![\p{L}\p{M}])|(?:が|は|氏が|氏は)?退任|辞任|卸任|离任|辞职|사임|퇴임`,
    },
  },
  {
    reason: 'the words after it say that this has ended',
    within: 0,
    beyond: 16,
    applies: ({ groups }) => !groups.has('date'),
    after: { all: String.raw`(?<=^\s?)\(\s?\d{4}\s?[-–]\s?\d{4}\)` },
  },
  {
    reason: 'the person leads a part or a board',
    within: 0,
    beyond: 60,
    applies: isRole,
    after: {
      // "Ann Lee, Managing Director, UK".
      all: String.raw`(?<=^,\s(?:\p{L}+\s?){1,4},\s(?:the\s)?)(?:UK|US|USA|EMEA|APAC|DACH|Americas|North America|Europe|Asia|Nordics|Benelux|Iberia|Germany|France|Spain|Italy|Poland|Norway|Sweden|Denmark|Finland|Austria|Switzerland|Netherlands|Belgium|Ireland|China|India|Japan|Canada|Australia|Brazil|Mexico)(?=\s?$|\n)`,
    },
  },
  {
    reason: 'a word before it speaks of the past',
    within: 110,
    applies: ({ families }) => families.has('founded'),
    before: {
      all: String.raw`(?:roots|origins|forerunner|wurzeln|vorläufer\p{L}*|racines|raíces|radici|raízes|wortels|rötter|rødder|røtter|korzenie|kořeny|корни) [^.]{0,60}(?:,|that|which|when)`,
    },
  },
  {
    reason: 'it is the predecessor of the current person',
    within: 45,
    applies: isRole,
    before: {
      en: String.raw`(?:replac(?:es|ed|ing)(?! by)|succeed(?:s|ed|ing)?(?! by)|takes over from|took over from|taking over from|in succession to|departure of|resignation of|exit of|after)(?:\s(?:the|its|former|long-time|founder|ceo|cfo|cto|chief executive|\p{L}+ officer|mr|mrs|ms|dr)\.?){0,4}`,
      de: String.raw`(?:nachfolge(?:r|rin)? von|folgt auf|folgte auf|löst|löste|ersetzt|übernimmt von|übernahm von|tritt die nachfolge von|anstelle von|nach dem (?:ausscheiden|rücktritt) von)(?:\s(?:dem|der|den|herrn|frau|dr|langjährigen?)\.?){0,3}`,
      fr: String.raw`(?:succéd\p{L}* à|succède à|remplac\p{L}*(?! par)|en remplacement de|après le départ de)(?:\s(?:m|mme|l['’]ancien)\.?){0,2}`,
      es: String.raw`(?:suced\p{L}* a|sustitu\p{L}* a|reemplaz\p{L}* a|relev\p{L}* a|en sustitución de|tras la salida de)`,
      it: String.raw`(?:succe[ds]\p{L}* a|sostitui\p{L}*|al posto di|prende il posto di)`,
      pt: String.raw`(?:suced\p{L}* a|substitui\p{L}*|no lugar de)`,
      nl: `(?:volgt|volgde|opvolger van|verv(?:angt|ing))`,
      sv: String.raw`(?:efterträd\p{L}*|ersatte|ersätter|tar över efter|tog över efter)`,
      da: String.raw`(?:efterfølger|efterfulgte|erstatte\p{L}*|afløs\p{L}*)`,
      nb: String.raw`(?:etterfølger|etterfulgte|erstatte\p{L}*|tar over etter|tok over etter)`,
      pl: String.raw`(?:zastąpił\p{L}*|zastępuje|następca|po odejściu)`,
      ru: String.raw`(?:сменил\p{L}*|заменил\p{L}*|преемник)`,
    },
  },
  {
    reason: 'it is said of a rival or in a comparison',
    within: 90,
    before: {
      en: `(?:by|in|for) comparison|customers? (?:such as|like|include|including)|clients? (?:such as|like|include|including)|rivals?|competitors?|competing|unlike|versus|compared (?:with|to)|(?:bigger|larger|smaller|higher|lower) than|peers?|competes? with`,
      de: String.raw`zum vergleich|kunden? (?:ist|sind|wie|gehören)(?![”“"»])|zu den kunden|konkurrent\p{L}*|wettbewerber\p{L}*|rival\p{L}*|konkurrier\p{L}+ mit|im gegensatz zu|im vergleich zu|mitbewerber\p{L}*`,
      fr: `à titre de comparaison|en comparaison|concurrente?s?|rivale?s?|contrairement à|par rapport à`,
      es: String.raw`en comparación|competidor\p{L}*|rival\p{L}*|a diferencia de|comparado con|compiten? con`,
      it: `in confronto|a confronto|concorrent[ei]|rivale|a differenza di|rispetto a`,
      pt: `concorrentes?|rivais|rival|ao contrário`,
      nl: String.raw`ter vergelijking|concurrent\p{L}*|rivaal|in tegenstelling tot|vergeleken met`,
      sv: String.raw`som jämförelse|konkurrent\p{L}*|rival\p{L}*|jämfört med|till skillnad från`,
      da: String.raw`til sammenligning|konkurrent\p{L}*|rival\p{L}*|sammenlignet med|i modsætning til`,
      nb: String.raw`til sammenligning|konkurrent\p{L}*|rival\p{L}*|sammenlignet med|i motsetning til`,
      pl: String.raw`konkuren\p{L}*|rywal\p{L}*|w porównaniu`,
      ru: String.raw`конкурент\p{L}*|соперник\p{L}*|по сравнению`,
      all: String.raw`競合\p{L}*|竞争对手|경쟁사|(?:industry|sector|national|market|regional|European|EU|UK|US) average|(?:branchen|bundes|landes)durchschnitt\p{L}*|moyenne (?:nationale|du secteur|européenne)|media (?:nacional|nazionale|del sector|del settore)|landelijk gemiddelde|(?:riks|lands)(?:genomsnitt|gjennomsnitt|gennemsnit)\p{L}*`,
      cs: String.raw`konkuren\p{L}*|rival\p{L}*`,
      sk: String.raw`konkuren\p{L}*|rival\p{L}*`,
      hu: String.raw`versenytárs\p{L}*|konkuren\p{L}*`,
      ro: String.raw`concuren\p{L}*|rival\p{L}*`,
      fi: String.raw`kilpailija\p{L}*|verrattuna`,
      tr: String.raw`raki[pb]\p{L}*`,
      uk: String.raw`конкурент\p{L}*|суперник\p{L}*|порівняно`,
      el: String.raw`ανταγωνιστ\p{L}*`,
    },
  },
  {
    reason: 'a negation or doubt is beside it',
    isClause: true,
    within: 55,
    beyond: 45,
    before: {
      en: String.raw`not(?! only)|isn['’]t|aren['’]t|doesn['’]t|don['’]t|didn['’]t|hasn['’]t|no(?!\.|\s?\d)|never|den(?:y|ied|ies)|false|untrue|rumou?r(?:s|ed)?|reports? of|reports that|reportedly|alleged(?:ly)?|contrary|neither|nor|without|refused|rejected|claims? of|wrongly|mistaken(?:ly)?|hoax|unconfirmed`,
      de: String.raw`nicht(?! nur)|kein\p{L}*|nie(?:mals)?|dementier\p{L}*|bestreit\p{L}*|bestritt|falsch\p{L}*|angeblich\p{L}*|gerücht\p{L}*|ohne|weder|irrtümlich`,
      fr: String.raw`pas(?! seulement)|aucune?|jamais|dément\p{L}*|faux|rumeurs?|prétendu\p{L}*|sans|ni`,
      es: String.raw`no(?! solo)|ningun[oa]?|nunca|niega|negó|desmiente|desmintió|fals[oa]|rumores?|supuest\p{L}*|sin`,
      it: String.raw`non(?! solo)|nessun[oa]?|mai|nega|ha negato|smenti\p{L}*|fals[oa]|presunt\p{L}*|senza`,
      pt: String.raw`não(?! só)|nenhum\p{L}*|nunca|nega|negou|desmen\p{L}*|fals[oa]|sem`,
      nl: String.raw`niet(?! alleen)|geen|nooit|ontken\p{L}*|onjuist|zonder|vermeend\p{L}*`,
      sv: String.raw`inte(?! bara)|ingen|inga|inget|aldrig|förnekar|dementera\p{L}*|felaktig\p{L}*|utan`,
      da: String.raw`ikke(?! kun)|ingen|aldrig|afviser|benægter|dementer\p{L}*|uden`,
      nb: String.raw`ikke(?! bare)|ingen|aldri|avviser|benekter|dementer\p{L}*|uten`,
      fi: `ei|eivät|eikä|kiistää|ilman`,
      pl: String.raw`nie(?! tylko)|żadn\p{L}*|nigdy|zaprzecz\p{L}*|fałszyw\p{L}*|rzekom\p{L}*|bez`,
      cs: String.raw`není|nejsou|nemá|žádn\p{L}*|nikdy|popřel\p{L}*|popírá|nepravdiv\p{L}*|bez`,
      ru: String.raw`не(?! только)|нет|никогда|опроверг\p{L}*|отрица\p{L}*|ложн\p{L}*|якобы|слух\p{L}*|без`,
      uk: String.raw`не|немає|ніколи|спростув\p{L}*|заперечу\p{L}*|нібито`,
      tr: `değil|yok`,
      all: `否定|否认|誤報|传闻|부인`,
    },
    after: {
      en: `(?:were|was|is|are) (?:wrong|false|incorrect|untrue|not|never|denied|inaccurate)|isn['’]t|wasn['’]t|no longer|(?:has|have|had) (?:been )?denied|not`,
      de: String.raw`(?:sind|ist|waren|war|sei|seien) (?:falsch|nicht|unzutreffend)|(?:nicht|kein\p{L}*)|dementiert\p{L}*|bestritten`,
      fr: String.raw`(?:est|sont|était|étaient) (?:faux|fausses?|inexacte?s?)|n['’](?:est|a|ont) pas|démenti\p{L}*`,
      es: String.raw`(?:es|son|era|eran) (?:fals|incorrect)\p{L}*|no (?:es|son|tiene)|desmentid\p{L}*`,
      it: String.raw`(?:è|sono|era) (?:fals|errat)\p{L}*|non è|smentit\p{L}*`,
      ru: String.raw`не соответству\p{L}*|опроверг\p{L}*|неверн\p{L}*`,
      all: String.raw`\p{L}{0,6}(?:ではない|ではありません|ではなく|を否定|は誤り)|不是|没有|并非|아니`,
    },
  },
  {
    reason: PLAN,
    isClause: true,
    within: 70,
    before: {
      en: String.raw`ma(?:ke|king) way for|giv(?:e|ing) way to|hand(?:ing)? over to|(?<!you )will|shall|plans?|planned|planning|aims?|aiming|targets?|targeting|intends?|intended|expects?|expected|forecasts?|projected|projects to|hopes?|would|could|might|propos(?:es|ed)|goal of|ambition|wants? to|looking to|set to|due to|considering|in talks|incoming|designate|future|upcoming|by (?:20[3-9]\d|the end of)|next year`,
      de: String.raw`will|wird(?! von)|werden(?! von)|würde|soll(?:en|te|ten)?|plant|planen|geplant\p{L}*|strebt|ziel|voraussichtlich|künftig\p{L}*|möchte|erwartet\p{L}*|beabsichtigt|prognose|angepeilt`,
      fr: `laissera? la place|cédera? la place|succédera|sera remplacée? par|prévoit|prévue?s?|prévoient|vise|objectif|ambitionne|devrait|envisage|souhaite|compte (?:recruter|embaucher|atteindre|ouvrir|employer)|recrutera|embauchera|d['’]ici`,
      es: `planea|prevé|prevista?s?|espera|objetivo|pretende|contratará|alcanzará|tendrá|abrirá|proyecta|quiere|podría`,
      it: `prevede|previst[oaie]|punta|obiettivo|intende|vuole|assumerà|raggiungerà|aprirà|entro il|potrebbe`,
      pt: String.raw`planeja|planeia|prevê|prevista?s?|pretende|meta|espera|contratará|quer|deverá|até 20[3-9]\d`,
      nl: String.raw`zal|zullen|wil|plant|gepland|streeft|verwacht\p{L}*|doel|van plan|zou|hoopt`,
      sv: String.raw`ska|kommer att|planerar|planerad\p{L}*|förvänt\p{L}*|mål\p{L}*|siktar|vill|avser`,
      da: String.raw`skal|vil|planlægger|planlagt|forvent\p{L}*|mål\p{L}*|sigter|agter`,
      nb: String.raw`skal|vil|planlegger|planlagt|forvent\p{L}*|mål\p{L}*|sikter|ønsker`,
      fi: String.raw`aikoo|suunnittelee|tavoit\p{L}*|odottaa`,
      pl: String.raw`planuj\p{L}*|planowan\p{L}*|zamierza|celem|oczekuj\p{L}*|będzie|prognoz\p{L}*|chce`,
      cs: String.raw`plánuj\p{L}*|plánovan\p{L}*|chce|cíl\p{L}*|očekáv\p{L}*|bude|hodlá`,
      ru: String.raw`планиру\p{L}+|намерен\p{L}*|ожида\p{L}+|будет|прогноз\p{L}*|цел[ьи]|собирается|хочет`,
      uk: String.raw`планує|має намір|очіку\p{L}*|буде`,
      tr: String.raw`planl\p{L}*|hedef\p{L}*|bekle\p{L}*`,
      ja: String.raw`\p{L}*(?:予定|計画|目標|見込み)`,
      zh: String.raw`\p{L}*(?:计划|预计|目标|拟)`,
      ko: String.raw`\p{L}*(?:예정|계획|목표)`,
    },
  },
  {
    reason: PLAN,
    within: 0,
    beyond: 40,
    after: {
      all: String.raw`\p{L}{0,8}(?:する予定|予定|を目標|を目指|に増やす|计划|预计|목표|예정|할 계획)`,
      en: String.raw`by (?:20[3-9]\d|the end of)|(?:is|are) (?:planned|expected|targeted|coming)|(?:who )?(?:is|are) to (?:become|be|take|join)|will (?:become|be|take|join|succeed|replace)|to become`,
      de: `(?:ist|sind) geplant|geplant|werden sollen|einstellen|anvisiert`,
    },
  },
  {
    reason: 'it is the value before a change',
    within: 0,
    beyond: 30,
    applies: ({ before, groups }) =>
      groups.size > 0 &&
      !groups.has('kind') &&
      /(?<![\p{L}])(?:from|von|de|da|du|från|fra|z|ze|с|з|van|dal|del|desde|'dan)\s(?:about |around |some |just |rund |etwa |environ |[$€£]\s?|US\$)?$/iu.test(
        before,
      ),
    after: {
      all: String.raw`(?<=^\s?)(?:(?!ha\s|frente\s)[^.;,\s]{1,12}\s){0,3}(?:to|auf|nach|à|au|a|al|ao|para|hasta|till|til|na|naar|do|до|к|на|into)`,
    },
  },
  {
    reason: 'it is the value of an earlier time',
    within: 40,
    beyond: 45,
    applies: isCount,
    before: {
      en: String.raw`up from|down from|compared (?:with|to)|vs\.?|versus|(?:the )?(?:prior|previous) year(?:['’]s)?:?|last year(?:['’]s)?:?(?=\s?\S{0,3}\s?$)|year[- ]earlier|a year ago|in the past|originally`,
      de: String.raw`vorjahr\p{L}*:?|gegenüber|nach|verglichen mit|im jahr zuvor`,
      fr: `contre|année précédente|exercice précédent|par rapport à`,
      es: `frente a|año anterior|en comparación con|por (?:encima|debajo) de`,
      it: `rispetto a[il]?|anno precedente|contro i|dai|dagli`,
      pt: `ano anterior|ante|contra|em comparação|(?:acima|abaixo) d[aeo]s?`,
      nl: `vorig jaar|tegenover|vergeleken met|een jaar eerder`,
      sv: `föregående år|jämfört med|mot`,
      da: `året før|sammenlignet med|mod`,
      nb: `året før|sammenlignet med|mot`,
      pl: String.raw`rok wcześniej|w porównaniu|wobec|poprzedni\p{L}* rok\p{L}*`,
      cs: String.raw`o rok dříve|předloňsk\p{L}*|oproti|proti|ve srovnání|předchozí\p{L}* ro\p{L}*`,
      fi: String.raw`edellisvuo\p{L}*|edellisenä vuonna|vuotta aiemmin`,
      hu: `egy évvel korábban|előző évi`,
      tr: `bir önceki yıl|geçen yıl`,
      ru: `годом ранее|по сравнению|против|в прошлом году`,
      all: String.raw`前年\p{L}*|前期\p{L}*|去年\p{L}*|上年\p{L}*|전년\p{L}*`,
    },
    after: {
      en: `(?:a year|the year|years?) (?:earlier|ago|before)|in the (?:prior|previous) year`,
      de: `im vorjahr|ein jahr zuvor`,
      fr: `(?:un an plus tôt|l['’]année précédente)`,
      es: `(?:un año antes|el año anterior)`,
      it: `(?:l['’]anno precedente|un anno prima)`,
    },
  },
  {
    reason: 'it is only a part of the whole',
    isClause: true,
    within: 16,
    applies: ({ groups }) =>
      !['role', 'location', 'name'].some((each) => groups.has(each as FieldGroup)) &&
      (!groups.has('date') || groups.has('money')),
    before: {
      en: 'of which|of whom|of these|of them|including(?: an?| the)?',
      de: 'davon|darunter|wovon|einschließlich|inklusive',
      fr: 'dont',
      es: 'de los cuales|de las cuales|de ellos|de ellas|incluidos',
      it: 'di cui|dei quali|delle quali',
      pt: 'dos quais|das quais',
      nl: 'waarvan|van wie',
      sv: 'varav',
      da: 'heraf',
      nb: 'hvorav',
      fi: 'joista',
      pl: 'w tym|z czego',
      cs: 'z toho|z nichž',
      ru: 'из них|в том числе',
      all: 'うち|其中',
    },
  },
  {
    reason: 'it is the place of a court or register',
    within: 24,
    applies: ({ groups }) => groups.has('location'),
    before: {
      all: String.raw`(?:amtsgericht|registergericht|landesgericht|firmenbuchgericht|handelsregister|ag|rcs|r\.c\.s\.|tribunale?(?: di| de)?|registro mercantil(?: de)?|sąd rejonowy)(?=\s$)`,
    },
  },
  {
    reason: 'it is who made the page',
    within: 80,
    applies: ({ groups }) => groups.has('location') || groups.has('name') || groups.has('contact'),
    before: {
      all: String.raw`(?:web)?(?:design(?:ed)?|site|website|printed|made|hosting|diseño|gestaltung|umsetzung|konzept|realisierung|programmierung|réalisation|réalisé|realizzazione|realizacja|vormgeving)\s?(?:by|par|por|da|von|:)`,
    },
  },
  {
    reason: 'it is the value of a part of the year',
    within: 45,
    isClause: true,
    applies: ({ groups, before, wantsQuarter }) =>
      groups.has('money') && !wantsQuarter && !/full[- ]year|ganzes jahr|annual/i.test(before.slice(-45)),
    before: {
      all: String.raw`q[1-4]|(?:first|second|third|fourth|1st|2nd|3rd|4th)[- ](?:fiscal[- ])?(?:quarter|half)|half[- ]year|quartal\p{L}*|halbjahr\p{L}*|(?:premier|deuxième|troisième|quatrième|primer|segundo|tercer|cuarto|primo|secondo|terzo|quarto|primeiro|terceiro) (?:trimestre|semestre)|kwartaal|kvartal\p{L}*|halvår\p{L}*|kwartał\p{L}*|квартал\p{L}*`,
    },
  },
  {
    reason: 'it is only a part or a change of the whole',
    within: 24,
    applies: ({ after }) =>
      /^\s?(?:%|percent|per cent|prozent|pour cent|por ciento|per cento|procent)/iu.test(after),
    before: {
      all: String.raw`(?:(?<!ma[dk]e )(?<!makes )up|down|rose|grew|fell|increased|decreased|mais|menos|más|plus|um|stieg|steeg|gestiegen|ökade|steg|aumentou|cresceu|creció|aumentó|progressé|cresciut\p{L}*|wzrosł\p{L}*|vzrostl\p{L}*)(?:\s(?:by|um|de|del|di|med|met|o|about|around|some))?(?=\s$)`,
    },
  },
  {
    reason: 'it is a list price',
    within: 24,
    applies: ({ families }) => families.has('price'),
    before: {
      all: String.raw`rrp|msrp|list price|regular price|instead of|was|uvp|statt|prix conseillé|au lieu de|pvp|pvpr|en lugar de|antes|listino|anziché|adviesprijs|van|veil\.? ?pris|vejl\.? ?pris|vejledende(?: pris)?|rek\.? ?pris|ord\.? ?pris|før|původní cena|běžná cena|cena katalogowa|ovh`,
    },
  },
  {
    reason: 'it is one end of a range',
    within: 26,
    applies: (context) =>
      !context.wantsBound &&
      isCount(context) &&
      !/(?:from|von|de|da|du|från|fra|van|od|z)\s[^\s\d]{0,3}\s?[\d.,]+\s\p{L}{1,3}\s$/iu.test(
        context.before.slice(-40),
      ),
    before: { all: RANGE_BEFORE },
  },
  {
    reason: 'it counts something else than money',
    within: 0,
    beyond: 14,
    applies: ({ groups }) => groups.has('money') && !groups.has('count') && !groups.has('measure'),
    after: {
      all: String.raw`(?<=^\s?)(?:lit(?:er|re)s?|litrů|hl|hectolit\p{L}*|hektolit\p{L}*|tonn\p{L}{0,3}|tons?|toneladas|kg|km|[kmg]wh?|m²|bottles|flaschen|bouteilles|botellas|bottiglie|flessen|flaskor|flasker|units|pieces|stück|people|employees|customers|users|menschen|personen)`,
    },
  },
  {
    reason: 'it is the value of an earlier time',
    within: 32,
    applies: isCount,
    before: { all: EARLIER_IN_BRACKETS },
  },
  {
    reason: 'the person leads a part or a board',
    within: 0,
    beyond: 70,
    applies: isRole,
    after: {
      en: `(?:leads|heads|runs|led|oversees|manages|chairs) ${PART_OF_FIRM.en}`,
      de: `(?:leitet|führt|verantwortet) ${PART_OF_FIRM.de}`,
      fr: `(?:dirige|pilote|préside) ${PART_OF_FIRM.fr}`,
      es: `(?:dirige|lidera|preside) ${PART_OF_FIRM.es}`,
      it: `(?:dirige|guida|presiede) ${PART_OF_FIRM.it}`,
      nl: `(?:leidt) ${PART_OF_FIRM.nl}`,
    },
  },
  {
    reason: 'it is only a part or a change of the whole',
    isClause: true,
    within: 45,
    beyond: 32,
    applies: isStaff,
    before: {
      en: String.raw`(?:lead|manage|head|run)(?:s|ing)? a (?:\p{L}+ )?team of|t(?:ake|akes|aking|ook) on|hir(?:e|es|ed|ing)|recruit(?:s|ed|ing)?|add(?:s|ed|ing)?|another|additional|extra|further|cut(?:s|ting)?|lay(?:s|ing)? off|laid off|layoffs? of|dismiss(?:es|ed|ing)?|eliminat\p{L}+|shed(?:s|ding)?|axe[ds]?|creat(?:e|es|ed|ing)|of which|of whom|including|up to`,
      de: String.raw`zusätzlich\p{L}*|weitere[nr]?|neue[nr]?|davon|entlass\p{L}*|streich\p{L}*|abbau\p{L}*|darunter|bis zu|schafft`,
      fr: String.raw`recrut\p{L}*|embauch\p{L}*|licenci\p{L}*|supprim\p{L}*|dont|supplémentaires|jusqu['’]à|crée`,
      es: String.raw`contrat\p{L}*|despid\p{L}*|despedir|de los cuales|adicionales|otros|recort\p{L}*|hasta`,
      it: String.raw`assum\p{L}*|assunzion\p{L}*|licenzi\p{L}*|di cui|altri|fino a`,
      pt: String.raw`contrat\p{L}*|demit\p{L}*|dos quais|mais|até`,
      nl: String.raw`aannem\p{L}*|ontsla\p{L}*|ontslagen|waarvan|extra|nieuwe|tot`,
      sv: `anställa|säger upp|varslar|varav|ytterligare|nya`,
      da: `ansætte|fyrer|heraf|yderligere|nye`,
      nb: `ansette|sier opp|hvorav|ytterligere|nye`,
      pl: String.raw`zwolni\p{L}*|zatrudni kolejn\p{L}*|w tym|dodatkow\p{L}*|nowych`,
      ru: String.raw`сократ\p{L}+|уволи\p{L}+|наня\p{L}+|нанима\p{L}+|из них|дополнительн\p{L}+|новых|в том числе`,
      fi: String.raw`palk(?:kaa|ata|kaamme|kaavat)|rekrytoi\p{L}*|irtisano\p{L}*|lisää`,
      cs: String.raw`přij(?:me|mout|ala|al)\p{L}*|nabere|propust\p{L}*|nových|další\p{L}*`,
      hu: String.raw`felve(?:sz|nn)\p{L}*|elbocsát\p{L}*|további|új`,
      ro: String.raw`va angaja|concedi\p{L}*|noi`,
      tr: String.raw`işe al\p{L}*|işten çıkar\p{L}*|yeni`,
      uk: String.raw`найм\p{L}*|звільн\p{L}*|скороч\p{L}*|нових|з них`,
      el: String.raw`προσλ\p{L}*|απολύ\p{L}*|νέ(?:ες|ους|ων)`,
      all: `うち|其中|裁员|裁减`,
    },
    after: {
      en: String.raw`(?:\p{L}+ ){0,3}(?:at|in) (?:the |its |our )?(?:head office|headquarters|production|research|sales|factory|plant|R&D|warehouse|abroad)|(?:new |additional |more )(?:jobs|staff|people|employees|workers|positions)|(?:jobs|positions|roles|staff|employees|people|workers) (?:will|would|to|are to) (?:be|go)|job cuts|redundanc\p{L}+|layoffs`,
      de: String.raw`(?:\p{L}+ ){0,3}(?:in der|im|am) (?:Produktion|Forschung|Vertrieb|Verwaltung|Zentrale|Ausland|Werk|Lager|Entwicklung)|(?:neue|weitere|zusätzliche)\p{L}* \p{L}+|(?:\p{L}+ )?(?:eingestellt|entlassen|einstellen|abbauen|streichen)`,
      fr: `nouveaux|supplémentaires|suppressions?`,
      es: `(?:nuevos|más|despidos)`,
    },
  },
  {
    reason: 'it is only a part or a change of the whole',
    within: 0,
    beyond: 24,
    applies: isCount,
    after: {
      all: String.raw`(?<=^\s?)(?:\p{L}{1,10}\.?\s){0,2}(?:more|less|fewer|mehr|weniger|de plus|de moins|más|menos|in più|in meno|a mais|meer|minder|fler|färre|flere|færre|więcej|mniej|více|méně|viac|menej|больше|меньше|більше|менше|több|kevesebb)(?!\s(?:than|als|que|di|än|enn|end|niż|než)\s\p{L}*\s?\d)`,
    },
  },
  {
    reason: 'it is the upper end of a scale',
    within: 14,
    before: {
      en: 'out of|up to|at most|maximum of',
      de: String.raw`von maximal|bis zu|maximal|von(?=\s$)`,
      fr: String.raw`sur(?=\s$)|jusqu['’]à`,
      es: String.raw`de un máximo de|hasta|sobre(?=\s$)`,
      it: String.raw`su(?=\s$)|fino a`,
      all: String.raw`/(?=\s?$)`,
    },
    applies: ({ groups, before, wantsBound }) =>
      !wantsBound &&
      !groups.has('location') &&
      !groups.has('role') &&
      !groups.has('date') &&
      /\d\s?(?:\p{L}+\s){0,3}$|up to\s$|bis zu\s$|maximal\s$|jusqu['’]à\s$|hasta\s$|fino a\s$/u.test(before),
  },
];
