/** The names of each month, January first, in about forty languages. */
export function listMonthNames(): string[][] {
  return MONTHS.trim()
    .split('\n')
    .map((names) => names.split(', '));
}

interface DateWords {
  /** Several months for the few names that mean another one in another language. */
  readonly months: ReadonlyMap<string, readonly number[]>;
  /** Words that do not change what a date means. */
  readonly others: ReadonlySet<string>;
}

let dateWords: DateWords | null = null;

/** The words of dates, folded. */
function getDateWords(): DateWords {
  if (dateWords !== null) return dateWords;
  const months = new Map<string, number[]>();
  for (const [at, names] of listMonthNames().entries()) {
    for (const name of names) {
      const word = splitDateWords(name).at(-1) ?? '';
      months.set(word, [...(months.get(word) ?? []), at + 1]);
    }
  }
  dateWords = { months, others: new Set([...splitDateWords(WEEKDAYS), ...splitDateWords(BETWEEN)]) };
  return dateWords;
}

/** The words of a text in lower case, without accents and the marks of abbreviations. */
export function splitDateWords(text: string): string[] {
  const folded = text
    .toLowerCase()
    .normalize('NFD')
    .replace(/[\u0300-\u036f]/g, '')
    .replace(/(?<=[\p{L}\p{M}])[.׳॰](?=[\p{L}\p{M}])/gu, '');
  return folded.match(/[\p{L}\p{M}]+/gu) ?? [];
}

/** The months that the words of a date can name. Empty if a word names none and is no usual part of a date either. */
export function readMonths(words: readonly string[]): readonly number[] {
  const { months, others } = getDateWords();
  const strange = words.filter((word) => !others.has(word));
  // `mar` is Tuesday beside another month.
  return strange.length > 1
    ? []
    : (strange.length === 1 ? strange : words).flatMap((word) => months.get(word) ?? []);
}

/** True for weekdays and words between the parts of a date. */
export function isBesideNumbers(words: readonly string[]): boolean {
  return words.every((word) => getDateWords().others.has(word));
}

/** Names and abbreviations in 40 languages, most of them from the Unicode CLDR. One month a line. */
const MONTHS = `
january, jan, januar, janvier, janv, enero, ene, gennaio, gen, janeiro, januari, tammikuu, tammikuuta, tammi, styczeń, stycznia, sty, leden, ledna, led, januára, ianuarie, ian, януари, siječanj, siječnja, sij, јануар, јан, jaanuar, jaan, janvāris, sausis, sausio, ιανουαρίου, ιαν, январь, января, янв, січень, січня, січ, ocak, oca, يناير, ינואר, ינו׳, ژانویه, जनवरी, 一月, มกราคม, ม.ค, gener, de gener, de gen, jaenner, janner, јануари, जन॰
february, feb, februar, février, févr, febrero, febbraio, fevereiro, fev, februari, helmikuu, helmikuuta, helmi, luty, lutego, lut, únor, února, úno, februára, febr, februarie, февруари, veljača, veljače, velj, фебруар, феб, veebruar, veebr, februāris, vasaris, vasario, φεβρουαρίου, φεβ, февраль, февраля, февр, лютий, лютого, лют, şubat, şub, فبراير, פברואר, פבר׳, فوریه, फ़रवरी, फ़र॰, 二月, กุมภาพันธ์, ก.พ, febrer, de febrer, de febr, фев
march, mar, märz, mars, marzo, março, maart, mrt, marts, maaliskuu, maaliskuuta, maalis, marzec, marca, březen, března, bře, marec, március, márc, martie, март, ožujak, ožujka, ožu, мар, kovas, kovo, μαρτίου, μαρ, марта, березень, березня, бер, mart, مارس, מרץ, मार्च, 三月, maret, มีนาคม, มี.ค, de març, maerz, mrz
april, apr, avril, avr, abril, abr, aprile, huhtikuu, huhtikuuta, huhti, kwiecień, kwietnia, kwi, duben, dubna, dub, apríla, április, aprilie, април, travanj, travnja, tra, апр, aprill, balandis, balandžio, απριλίου, απρ, апрель, апреля, квітень, квітня, квіт, nisan, nis, أبريل, אפריל, אפר׳, آوریل, अप्रैल, 四月, เมษายน, เม.ย, d’abril, d’abr
may, mai, mayo, maggio, mag, maio, mei, maj, toukokuu, toukokuuta, touko, maja, květen, května, kvě, május, май, svibanj, svibnja, svi, мај, maijs, gegužė, gegužės, μαΐου, μαΐ, мая, травень, травня, трав, mayıs, مايو, מאי, 五月, พฤษภาคม, พ.ค, maig, de maig, मई
june, jun, juni, juin, junio, giugno, giu, junho, kesäkuu, kesäkuuta, kesä, czerwiec, czerwca, cze, červen, června, čvn, júna, június, iunie, iun, юни, lipanj, lipnja, junij, јун, juuni, jūnijs, birželis, birželio, ιουνίου, ιουν, июнь, июня, июн, червень, червня, черв, haziran, haz, يونيو, יוני, ژوئن, जून, 六月, มิถุนายน, มิ.ย, juny, de juny, lip
july, jul, juli, juillet, juil, julio, luglio, lug, julho, heinäkuu, heinäkuuta, heinä, lipiec, lipca, lip, červenec, července, čvc, júla, július, iulie, iul, юли, srpanj, srpnja, julij, јул, juuli, jūlijs, liepa, liepos, ιουλίου, ιουλ, июль, июля, июл, липень, липня, лип, temmuz, tem, يوليو, יולי, ژوئیه, जुलाई, जुल॰, 七月, กรกฎาคม, ก.ค, juliol, de juliol, de jul, srp
august, aug, août, agosto, ago, augustus, augusti, elokuu, elokuuta, elo, sierpień, sierpnia, sie, srpen, srpna, srp, augusta, augusztus, август, kolovoz, kolovoza, kol, avgust, avg, авг, augusts, rugpjūtis, rugpjūčio, αυγούστου, αυγ, августа, серпень, серпня, серп, ağustos, ağu, أغسطس, אוגוסט, אוג׳, اوت, अगस्त, 八月, agustus, สิงหาคม, ส.ค, agost, d’agost, d’ag, अग॰, ágúst
september, sep, sept, septembre, septiembre, settembre, set, setembro, syyskuu, syyskuuta, syys, wrzesień, września, wrz, září, zář, septembra, szeptember, szept, septembrie, септември, rujan, rujna, ruj, септембар, сеп, septembris, rugsėjis, rugsėjo, σεπτεμβρίου, σεπ, сентябрь, сентября, сент, вересень, вересня, вер, eylül, eyl, سبتمبر, ספטמבר, ספט׳, سپتامبر, सितंबर, सित॰, 九月, กันยายน, ก.ย, setembre, de setembre, de set, setiembre, сен
october, oct, oktober, okt, octobre, octubre, ottobre, ott, outubro, out, lokakuu, lokakuuta, loka, październik, października, paź, říjen, října, říj, októbra, octombrie, октомври, октобар, окт, oktoober, oktobris, spalis, spalio, οκτωβρίου, οκτ, октябрь, октября, жовтень, жовтня, жовт, ekim, eki, أكتوبر, אוקטובר, אוק׳, اکتبر, अक्टूबर, अक्टू॰, 十月, ตุลาคม, ต.ค, d’octubre, d’oct, listopad, listopada, lis
november, nov, novembre, noviembre, novembro, marraskuu, marraskuuta, marras, listopad, listopada, lis, listopadu, novembra, noiembrie, ноември, studeni, studenoga, stu, новембар, нов, novembris, lapkritis, lapkričio, νοεμβρίου, νοε, ноябрь, ноября, нояб, листопад, листопада, лист, kasım, kas, نوفمبر, נובמבר, נוב׳, نوامبر, नवंबर, 十一月, พฤศจิกายน, พ.ย, de novembre, de nov, ноя, नव॰
december, dec, dezember, dez, décembre, diciembre, dic, dicembre, dezembro, desember, des, joulukuu, joulukuuta, joulu, grudzień, grudnia, gru, prosinec, prosince, pro, decembra, decembrie, декември, prosinac, prosinca, децембар, дец, detsember, dets, decembris, gruodis, gruodžio, δεκεμβρίου, δεκ, декабрь, декабря, дек, грудень, грудня, груд, aralık, ara, ديسمبر, דצמבר, דצמ׳, دسامبر, दिसंबर, दिस॰, 十二月, ธันวาคม, ธ.ค, desembre, de desembre, de des
`;

/** Names and abbreviations in 38 languages, most of them from the Unicode CLDR. One day a line, from Monday. */
const WEEKDAYS = `
monday, mon, montag, mo, lundi, lun, lunes, lunedì, segunda-feira, seg, maandag, ma, mandag, man, måndag, mån, maanantai, poniedziałek, pon, pondělí, po, pondelok, luni, понеделник, пн, ponedjeljak, понедељак, пон, esmaspäev, pirmdiena, pirmd, pirmadienis, δευτέρα, δευ, понедельник, понеділок, pazartesi, pzt, hétfő, ponedeljek, dilluns, 月曜日, 月, 星期一, 周一, 월요일, 월, thứ hai, วันจันทร์, จันทร์, सोमवार, सोम, יום שני, יום ב׳, الاثنين, دوشنبه, senin, sen, astelehena, luns, mánudagur, mán
tuesday, tue, dienstag, di, mardi, mar, martes, martedì, terça-feira, ter, dinsdag, tirsdag, tirs, tisdag, tis, tir, tiistai, ti, wtorek, wt, úterý, út, utorok, ut, marți, вторник, вт, utorak, uto, уторак, уто, teisipäev, otrdiena, otrd, antradienis, τρίτη, τρί, вівторок, salı, sal, kedd, torek, tor, dimarts, 火曜日, 火, 星期二, 周二, 화요일, 화, thứ ba, วันอังคาร, อังคาร, मंगलवार, मंगल, יום שלישי, יום ג׳, الثلاثاء, سه‌شنبه, selasa, sel, asteartea, þriðjudagur, þri, tues
wednesday, wed, mittwoch, mi, mercredi, mer, miércoles, mié, mercoledì, quarta-feira, qua, woensdag, wo, onsdag, ons, keskiviikko, ke, środa, śr, středa, st, streda, miercuri, mie, сряда, ср, srijeda, sri, среда, сре, kolmapäev, trešdiena, trešd, trečiadienis, τετάρτη, τετ, середа, çarşamba, çar, szerda, sze, sreda, sre, dimecres, 水曜日, 水, 星期三, 周三, 수요일, 수, thứ tư, วันพุธ, พุธ, बुधवार, बुध, יום רביעי, יום ד׳, الأربعاء, چهارشنبه, rabu, rab, asteazkena, mércores, mér, miðvikudagur, mið
thursday, thu, donnerstag, do, jeudi, jeu, jueves, jue, giovedì, gio, quinta-feira, qui, donderdag, torsdag, tors, torstai, czwartek, czw, čtvrtek, čt, štvrtok, št, joi, четвъртък, чт, četvrtak, čet, четвртак, чет, neljapäev, ceturtdiena, ceturtd, ketvirtadienis, πέμπτη, πέμ, четверг, четвер, perşembe, per, csütörtök, četrtek, dijous, 木曜日, 木, 星期四, 周四, 목요일, 목, thứ năm, วันพฤหัสบดี, พฤหัส, गुरुवार, गुरु, יום חמישי, יום ה׳, الخميس, پنجشنبه, kamis, kam, osteguna, xoves, xov, fimmtudagur, fim, thur, thurs
friday, fri, freitag, fr, vendredi, ven, viernes, vie, venerdì, sexta-feira, sex, vrijdag, vr, fredag, fre, perjantai, pe, piątek, pt, pátek, pá, piatok, vineri, vin, петък, пт, petak, pet, петак, пет, reede, piektdiena, piektd, penktadienis, pn, παρασκευή, παρ, пятница, пʼятниця, cuma, cum, péntek, petek, divendres, 金曜日, 金, 星期五, 周五, 금요일, 금, thứ sáu, วันศุกร์, ศุกร์, शुक्रवार, शुक्र, יום שישי, יום ו׳, الجمعة, جمعه, jumat, jum, ostirala, venres, föstudagur, fös
saturday, sat, samstag, sa, samedi, sam, sábado, sáb, sabato, sab, zaterdag, za, lørdag, lør, lördag, lör, lauantai, sobota, sob, so, sâmbătă, sâm, събота, сб, subota, sub, субота, суб, laupäev, sestdiena, sestd, šeštadienis, σάββατο, σάβ, суббота, cumartesi, cmt, szombat, szo, dissabte, ds, 土曜日, 土, 星期六, 周六, 토요일, 토, thứ bảy, วันเสาร์, เสาร์, शनिवार, शनि, יום שבת, שבת, السبت, شنبه, sabtu, larunbata, laugardagur, lau
sunday, sun, sonntag, dimanche, dim, domingo, dom, domenica, zondag, zo, søndag, søn, söndag, sön, sunnuntai, su, niedziela, niedz, neděle, ne, nedeľa, duminică, dum, неделя, нд, nedjelja, ned, недеља, нед, pühapäev, svētdiena, svētd, sekmadienis, sk, κυριακή, κυρ, воскресенье, вс, неділя, pazar, paz, vasárnap, nedelja, diumenge, 日曜日, 日, 星期日, 周日, 일요일, 일, chủ nhật, วันอาทิตย์, อาทิตย์, रविवार, रवि, יום ראשון, יום א׳, الأحد, یکشنبه, minggu, min, igandea, sunnudagur
`;

/** Words and endings between the parts of a date, none of which says that it begins or ends a period. */
const BETWEEN = 'the of st nd rd th de del den der d le el er º ª г года р року m gada g thang ngay nam';
