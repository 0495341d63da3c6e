import { COUNTRY_NAMES } from './country-names.js';
import { foldWords } from './fold-text.js';

/** Other names of the same country, city, state or currency, folded. Empty if the text is not one that is known. */
export function listOtherNames(
  text: string,
  kind: 'country' | 'place' | 'currency' | 'language',
): readonly string[] {
  const folded = foldWords(text);
  if (kind === 'country') return listCountryNames(text);
  if (kind === 'currency') return listCurrencyNames(text);
  if (kind === 'language') return listLanguageNames(folded);
  return [...(getPlaces().get(folded) ?? []), ...listCountryNames(text).filter((name) => name.length > 3)];
}

/** The ISO 3166 code of a country by its name in any language, its code, or a common alias. Null if unknown. */
export function findCountryCode(text: string): string | null {
  const trimmed = text.trim();
  const code = ALPHA_3[trimmed] ?? trimmed;
  const known = /^[A-Z]{2}$/.test(code) ? listCountry(`\n${code};`) : [];
  return known[0] ?? listCountry(`;${foldWords(trimmed)};`)[0] ?? null;
}

/** Countries so often named on pages that the name alone says nothing. */
export const COMMON_COUNTRIES = new Set('US GB CN DE FR IN JP'.split(' '));

function listCountryNames(text: string): readonly string[] {
  const code = findCountryCode(text);
  return code === null ? [] : listCountry(`\n${code};`).slice(1);
}

/** The code and the names of a country, by a part of its line. Empty if there is none. */
function listCountry(part: string): readonly string[] {
  const at = COUNTRY_NAMES.indexOf(part);
  if (at < 0) return [];
  const start = COUNTRY_NAMES.lastIndexOf('\n', at) + 1;
  return COUNTRY_NAMES.slice(start, COUNTRY_NAMES.indexOf(';\n', start)).split(';');
}

const ALPHA_3: Readonly<Record<string, string>> = Object.fromEntries(
  'USA:US GBR:GB DEU:DE GER:DE FRA:FR ESP:ES ITA:IT PRT:PT NLD:NL BEL:BE CHE:CH SUI:CH AUT:AT SWE:SE NOR:NO DNK:DK FIN:FI POL:PL CZE:CZ SVK:SK HUN:HU ROU:RO BGR:BG HRV:HR SVN:SI EST:EE LVA:LV LTU:LT IRL:IE ISL:IS GRC:GR TUR:TR RUS:RU UKR:UA CHN:CN JPN:JP KOR:KR IND:IN SGP:SG MYS:MY IDN:ID THA:TH VNM:VN PHL:PH AUS:AU NZL:NZ CAN:CA MEX:MX BRA:BR ARG:AR CHL:CL COL:CO PER:PE ZAF:ZA EGY:EG NGA:NG KEN:KE ISR:IL SAU:SA ARE:AE QAT:QA HKG:HK TWN:TW LUX:LU MLT:MT CYP:CY'
    .split(' ')
    .map((pair) => pair.split(':') as [string, string]),
);

let places: ReadonlyMap<string, readonly string[]> | null = null;

function getPlaces(): ReadonlyMap<string, readonly string[]> {
  if (places !== null) return places;
  const all = new Map<string, readonly string[]>();
  for (const line of [CITIES, STATES].join(';').split(';')) {
    const names = line
      .split(',')
      .map((name) => foldWords(name))
      .filter(Boolean);
    for (const name of names)
      all.set(name, [...(all.get(name) ?? []), ...names.filter((other) => other !== name)]);
  }
  places = all;
  return all;
}

/** Cities whose name differs between languages by more than accents. */
const CITIES = `
  Munich, München, Monaco di Baviera, Mnichov, Monachium, Мюнхен, ミュンヘン; Cologne, Köln, Colonia, Keulen, Kolonia, Kolín nad Rýnem, Кёльн, ケルン
  ;Nuremberg, Nürnberg, Nuremberg, Norimberga, Norymberga, Norimberk; Hanover, Hannover; Brunswick, Braunschweig; Aachen, Aix-la-Chapelle, Aken
  ;Frankfurt, Frankfurt am Main, Francfort, Francoforte, Fráncfort, Франкфурт; Berlin, Berlín, Berlino, Берлин, ベルリン, 柏林; Hamburg, Hambourg, Hamburgo, Amburgo, Гамбург
  ;Dresden, Dresde, Drážďany, Drezno; Leipzig, Lipsko, Lipsia; Mainz, Mayence, Magonza; Trier, Trèves, Treviri; Stuttgart, Stoccarda; Düsseldorf, Dusseldorf, Дюссельдорф
  ;Vienna, Wien, Vienne, Viena, Wenen, Vídeň, Wiedeń, Bécs, Viedeň, Dunaj, Вена, ウィーン, 维也纳; Salzburg, Salzbourg, Salisburgo; Graz, Grác, Štýrský Hradec
  ;Zurich, Zürich, Zurigo, Zúrich, Curych, Цюрих, チューリッヒ, 苏黎世; Geneva, Genève, Genf, Ginevra, Ginebra, Genebra, Ženeva, Genewa, Женева, ジュネーブ; Basel, Bâle, Basilea, Bazel, Bazylea; Lucerne, Luzern, Lucerna; Bern, Berne, Berna; Lausanne, Losanna
  ;Paris, París, Parigi, Parijs, Paříž, Paryż, Париж, パリ, 巴黎; Strasbourg, Straßburg, Estrasburgo, Strasburgo; Nice, Nizza, Niza; Marseille, Marseilles, Marsella, Marsiglia; Lyon, Lyons, Lione; Lille, Rijsel; Mulhouse, Mülhausen
  ;Brussels, Bruxelles, Brussel, Brüssel, Bruselas, Bruxelas, Brusel, Bruksela, Брюссель; Antwerp, Antwerpen, Anvers, Amberes, Anversa; Ghent, Gent, Gand, Gante; Bruges, Brugge, Brujas; Leuven, Louvain, Löwen; Liège, Luik, Lüttich; Mechelen, Malines; Kortrijk, Courtrai; Luxembourg, Luxemburg, Lussemburgo
  ;The Hague, Den Haag, 's-Gravenhage, La Haye, La Haya, L'Aia; Amsterdam, Ámsterdam, Амстердам; Flushing, Vlissingen
  ;London, Londres, Londra, Londen, Londýn, Londyn, Лондон, ロンドン, 伦敦; Edinburgh, Édimbourg, Edimburgo; Dublin, Baile Átha Cliath, Dublín, Dublino; Cork, Corcaigh; Galway, Gaillimh; Cardiff, Caerdydd
  ;Milan, Milano, Mailand, Milán, Milão, Milaan, Mediolan, Милан, ミラノ, 米兰; Rome, Roma, Rom, Rzym, Řím, Рим, ローマ, 罗马; Turin, Torino, Turín, Turyn; Florence, Firenze, Florenz, Florencia, Florencja, Флоренция; Venice, Venezia, Venedig, Venise, Venecia, Wenecja, Benátky, Венеция; Naples, Napoli, Neapel, Nápoles, Neapol; Genoa, Genova, Genua, Gênes, Génova; Padua, Padova, Padoue; Mantua, Mantova; Syracuse, Siracusa; Bolzano, Bozen; Trento, Trient; Bologna, Bologne, Bolonia, Bolonha; Livorno, Leghorn
  ;Madrid, Madryt, Мадрид, マドリード, 马德里; Seville, Sevilla, Séville, Siviglia, Sevilha; Saragossa, Zaragoza; Cordoba, Córdoba, Cordova; Barcelona, Barcelone, Barcellona, Барселона, バルセロナ; San Sebastián, Donostia; Bilbao, Bilbo; Pamplona, Iruña; Vitoria, Vitoria-Gasteiz, Gasteiz; Valencia, València, Valence; Corunna, A Coruña, La Coruña
  ;Lisbon, Lisboa, Lissabon, Lisbonne, Lisbona, Lizbona, Лиссабон, リスボン, 里斯本; Porto, Oporto; Athens, Athína, Αθήνα, Athen, Athènes, Atenas, Atene, Ateny, Афины; Thessaloniki, Salonica, Θεσσαλονίκη; Piraeus, Πειραιάς, Pireas
  ;Copenhagen, København, Kopenhagen, Copenhague, Copenaghen, Köpenhamn, Kopenhaga, Kodaň, Копенгаген; Aarhus, Århus; Gothenburg, Göteborg, Gotemburgo, Göteborg; Stockholm, Estocolmo, Stoccolma, Sztokholm, Стокгольм; Malmö, Malmø; Helsinki, Helsingfors, Хельсинки; Turku, Åbo; Espoo, Esbo; Vantaa, Vanda; Tampere, Tammerfors; Oulu, Uleåborg; Oslo, Осло; Reykjavik, Reykjavík; Tallinn, Reval, Таллин; Tartu, Dorpat; Riga, Rīga, Рига; Vilnius, Wilno, Вильнюс; Kaunas, Kowno
  ;Warsaw, Warszawa, Warschau, Varsovie, Varsovia, Varsavia, Варшава, ワルシャワ, 华沙; Cracow, Kraków, Krakau, Cracovie, Cracovia, Краков; Gdansk, Gdańsk, Danzig; Wroclaw, Wrocław, Breslau; Poznan, Poznań, Posen; Lodz, Łódź; Szczecin, Stettin; Katowice, Kattowitz; Prague, Praha, Prag, Praga, Прага, プラハ, 布拉格; Brno, Brünn; Pilsen, Plzeň; Ostrava, Ostrau; Olomouc, Olmütz; Bratislava, Pressburg, Pozsony, Братислава; Košice, Kaschau, Kassa; Budapest, Budapešť, Budapeszt, Будапешт; Ljubljana, Laibach, Lubiana; Zagreb, Agram, Загреб; Rijeka, Fiume; Belgrade, Beograd, Београд, Belgrad, Belgrado, Белград; Novi Sad, Нови Сад; Sarajevo, Сарајево; Sofia, София, Sofía; Plovdiv, Пловдив; Varna, Варна; Bucharest, București, Bukarest, Bucarest, Бухарест; Cluj-Napoca, Cluj, Klausenburg, Kolozsvár; Timișoara, Temeswar, Temesvár; Iași, Jassy; Skopje, Скопје; Tirana, Tiranë
  ;Moscow, Москва, Moskau, Moscou, Moscú, Mosca, Moskva, Moskwa, モスクワ, 莫斯科; Saint Petersburg, St. Petersburg, St Petersburg, Санкт-Петербург, Sankt Petersburg, Saint-Pétersbourg, San Petersburgo; Novosibirsk, Новосибирск; Yekaterinburg, Екатеринбург, Ekaterinburg; Kazan, Казань; Nizhny Novgorod, Нижний Новгород; Kyiv, Київ, Kiev, Киев, Kiew; Kharkiv, Харків, Kharkov, Харьков; Odesa, Одеса, Odessa, Одесса; Lviv, Львів, Lwów, Lemberg, Lvov, Львов; Dnipro, Дніпро, Днепр; Minsk, Мінск, Минск; Chisinau, Chișinău, Кишинев; Almaty, Алматы, Алма-Ата; Astana, Астана, Nur-Sultan; Tashkent, Toshkent, Ташкент; Tbilisi, თბილისი, Тбилиси; Yerevan, Երևան, Ереван; Baku, Bakı, Баку
  ;Istanbul, İstanbul, Stamboul, Estambul, Constantinople, Стамбул; Izmir, İzmir, Smyrna; Ankara, Анкара; Nicosia, Lefkosia, Λευκωσία; Jerusalem, ירושלים, القدس, Yerushalayim; Tel Aviv, תל אביב, Tel Aviv-Yafo, תל אביב יפו; Haifa, חיפה; Cairo, القاهرة, Le Caire, Kairo, El Cairo; Alexandria, الإسكندرية; Dubai, دبي, Dubaï; Abu Dhabi, أبوظبي, أبو ظبي; Riyadh, الرياض, Riad; Jeddah, جدة; Doha, الدوحة; Kuwait City, الكويت; Beirut, بيروت; Amman, عمان, عمّان; Casablanca, الدار البيضاء; Tunis, تونس; Algiers, الجزائر, Alger; Baghdad, بغداد; Tehran, تهران, Teheran
  ;Tokyo, 東京, 東京都, Tokio, Токио, 东京; Osaka, 大阪, 大阪市, 大阪府; Nagoya, 名古屋, 名古屋市; Kyoto, 京都, 京都市, 京都府; Yokohama, 横浜, 横浜市; Kobe, 神戸, 神戸市; Fukuoka, 福岡, 福岡市; Sapporo, 札幌, 札幌市; Sendai, 仙台, 仙台市; Hiroshima, 広島, 広島市; Kawasaki, 川崎市, 川崎; Saitama, さいたま, さいたま市; Chiba, 千葉, 千葉市; Kanazawa, 金沢, 金沢市; Niigata, 新潟, 新潟市; Hamamatsu, 浜松, 浜松市; Shizuoka, 静岡, 静岡市; Kumamoto, 熊本; Okayama, 岡山; Nara, 奈良; Naha, 那覇; Kagoshima, 鹿児島; Nagano, 長野; Nagasaki, 長崎; Toyota, 豊田市
  ;Beijing, 北京, 北京市, Peking, Pékin, Pekín, Пекин; Shanghai, 上海, 上海市, Schanghai, Шанхай; Shenzhen, 深圳, 深圳市; Guangzhou, 广州, 广州市, 廣州, Canton; Hangzhou, 杭州, 杭州市; Chengdu, 成都, 成都市; Nanjing, 南京, 南京市, Nanking; Suzhou, 苏州, 苏州市; Wuhan, 武汉, 武汉市; Xi'an, 西安, 西安市; Tianjin, 天津, 天津市; Chongqing, 重庆, 重庆市; Qingdao, 青岛, 青岛市; Xiamen, 厦门; Dongguan, 东莞; Ningbo, 宁波; Wuxi, 无锡; Hefei, 合肥; Changsha, 长沙; Dalian, 大连; Zhuhai, 珠海; Taipei, 台北, 臺北, 台北市, 臺北市; Hsinchu, 新竹, 新竹市; Kaohsiung, 高雄, 高雄市; Taichung, 台中, 臺中; Tainan, 台南, 臺南
  ;Seoul, 서울, 서울시, 서울특별시, Séoul, Seúl, Сеул, ソウル, 首尔; Busan, 부산, 부산광역시, Pusan; Incheon, 인천, 인천광역시; Daejeon, 대전, 대전광역시; Daegu, 대구; Gwangju, 광주; Suwon, 수원, 수원시; Seongnam, 성남, 성남시, Pangyo; Pohang, 포항; Pyongyang, 평양
  ;Singapore, Singapur, Singapour, 新加坡, シンガポール; Bangkok, กรุงเทพ, กรุงเทพมหานคร, กรุงเทพฯ, バンコク, 曼谷; Chiang Mai, เชียงใหม่; Hanoi, Hà Nội, ハノイ, 河内; Ho Chi Minh City, Thành phố Hồ Chí Minh, TP. Hồ Chí Minh, TP.HCM, Saigon, Sài Gòn; Da Nang, Đà Nẵng; Jakarta, Djakarta; Kuala Lumpur; Manila, Manille; Phnom Penh, ភ្នំពេញ
  ;Mumbai, Bombay, मुंबई; Bengaluru, Bangalore, बेंगलुरु; Kolkata, Calcutta; Chennai, Madras; Delhi, New Delhi, नई दिल्ली, दिल्ली, Neu-Delhi; Pune, Poona, पुणे; Gurugram, Gurgaon; Hyderabad, हैदराबाद; Dhaka, Dacca; Karachi, کراچی; Lahore, لاہور; Colombo
  ;New York, New York City, NYC, Nueva York, Nova York, Nova Iorque, Нью-Йорк, ニューヨーク, 纽约; Los Angeles, LA, L.A.; San Francisco, SF; Philadelphia, Filadelfia; New Orleans, La Nouvelle-Orléans; Washington, Washington DC, Washington D.C.; Quebec City, Québec, Quebec; Montreal, Montréal; Mexico City, Ciudad de México, CDMX, México D.F.; Havana, La Habana; Bogotá, Bogota, Bogotá D.C.; Rio de Janeiro, Río de Janeiro; São Paulo, Sao Paulo, San Pablo; Buenos Aires, CABA; Santiago, Santiago de Chile; Cape Town, Kaapstad, Kapstadt, Le Cap; Addis Ababa, Addis Abeba; Johannesburg, Joburg; Tshwane, Pretoria`;

/** States and provinces by name and abbreviation. */
const STATES = `Alabama, AL;Alaska, AK;Arizona, AZ;Arkansas, AR;California, CA, Calif.;Colorado, CO, Colo.;Connecticut, CT, Conn.;Delaware, DE, Del.;Florida, FL, Fla.;Georgia, GA;Hawaii, HI;Idaho, ID;Illinois, IL, Ill.;Indiana, IN, Ind.;Iowa, IA;Kansas, KS;Kentucky, KY;Louisiana, LA;Maine, ME;Maryland, MD;Massachusetts, MA, Mass.;Michigan, MI, Mich.;Minnesota, MN, Minn.;Mississippi, MS;Missouri, MO;Montana, MT;Nebraska, NE, Neb.;Nevada, NV, Nev.;New Hampshire, NH;New Jersey, NJ, N.J.;New Mexico, NM;New York, NY, N.Y.;North Carolina, NC, N.C.;North Dakota, ND;Ohio, OH;Oklahoma, OK;Oregon, OR, Ore.;Pennsylvania, PA, Pa.;Rhode Island, RI;South Carolina, SC;South Dakota, SD;Tennessee, TN, Tenn.;Texas, TX;Utah, UT;Vermont, VT;Virginia, VA, Va.;Washington, WA, Wash.;West Virginia, WV;Wisconsin, WI, Wis.;Wyoming, WY;Ontario, ON, Ont.;British Columbia, BC, B.C.;Alberta, AB;Manitoba, MB;Nova Scotia, NS;New South Wales, NSW;Victoria, VIC;Queensland, QLD;Bavaria, Bayern, Bavière, Baviera;Saxony, Sachsen, Saxe;North Rhine-Westphalia, Nordrhein-Westfalen, NRW;Lower Saxony, Niedersachsen;Hesse, Hessen;Rhineland-Palatinate, Rheinland-Pfalz;Thuringia, Thüringen;Brittany, Bretagne;Normandy, Normandie;Burgundy, Bourgogne;Tuscany, Toscana;Lombardy, Lombardia;Piedmont, Piemonte;Catalonia, Cataluña, Catalunya;Andalusia, Andalucía;Basque Country, País Vasco, Euskadi;Tyrol, Tirol;Carinthia, Kärnten;Styria, Steiermark;Lower Austria, Niederösterreich;Upper Austria, Oberösterreich;Silesia, Śląsk, Schlesien;Bohemia, Čechy;Moravia, Morava;Flanders, Vlaanderen;Wallonia, Wallonie`;

function listCurrencyNames(text: string): readonly string[] {
  const trimmed = text.trim();
  const found = CURRENCIES.find((names) =>
    names.some((name) => name.toLowerCase() === trimmed.toLowerCase()),
  );
  return found === undefined ? [] : found.map((name) => foldWords(name)).filter(Boolean);
}

const CURRENCIES: readonly (readonly string[])[] = [
  ['USD', 'US dollar', 'US dollars', 'dollar', 'dollars', 'US-Dollar', '$', 'US$'],
  ['EUR', 'euro', 'euros', '€'],
  ['GBP', 'pound', 'pounds', 'pound sterling', 'pounds sterling', '£'],
  ['JPY', 'yen', 'Japanese yen', '円', '¥'],
  ['CNY', 'yuan', 'renminbi', 'RMB', '元', '人民币'],
  ['CHF', 'Swiss franc', 'Swiss francs', 'Franken', 'Schweizer Franken'],
  ['SEK', 'Swedish krona', 'kronor'],
  ['NOK', 'Norwegian krone', 'norske kroner'],
  ['DKK', 'Danish krone', 'danske kroner'],
  ['PLN', 'złoty', 'zloty', 'złotych', 'zł'],
  ['INR', 'rupee', 'rupees', 'Indian rupee', '₹'],
];

/** Languages whose names are known. */
const LANGUAGES =
  'en de fr es it pt nl sv da nb fi pl cs sk hu ro bg hr sl sr et lv lt el ru uk tr ar he fa hi ja zh ko id vi th ca'.split(
    ' ',
  );

function listLanguageNames(folded: string): readonly string[] {
  for (const code of LANGUAGES) {
    const names = LANGUAGES.flatMap((language) => {
      const name = new Intl.DisplayNames([language], { type: 'language', fallback: 'none' }).of(code);
      return name === undefined ? [] : [foldWords(name)];
    });
    if (names.includes(folded) || code === folded) return [...new Set(names)];
  }
  return [];
}
