import { expect, test } from 'vitest';
import { createBlanks } from '../../src/model/blank.js';

/** What agents answer if they found nothing, by language. Some lack accents, as agents write them. */
const ABSENT: Readonly<Record<string, readonly string[]>> = {
  English: [
    ...["I don't know", 'Data unavailable', 'The information is currently unavailable', 'No known CEO'],
    ...['Not determinable', 'Insufficient information', 'Not enough data available', 'Does not exist'],
  ],
  German: [
    ...['nicht ermittelbar', 'Nicht angegeben.', 'Keine Daten verfügbar', 'keine Informationen gefunden'],
    ...['nicht öffentlich bekannt', 'nicht vorhanden', 'liegt nicht vor', 'entfällt', 'Keine', 'Fehlt'],
    ...['Nicht veröffentlicht', 'Konnte nicht ermittelt werden', 'Die E-Mail-Adresse ist nicht bekannt'],
    ...['Nicht in öffentlichen Quellen auffindbar', 'Keine öffentlichen Angaben', 'nicht offentlich'],
  ],
  French: [
    ...['Non renseigné', 'Non trouvée', 'Aucune information', 'Information non disponible', 'non divulgué'],
    ...['Pas disponible', 'Aucun résultat', 'Non précisé', 'Indisponible', 'Non public', "Pas d'information"],
    ...['Données indisponibles', "n'est pas connu", 'Non communiquee publiquement', 'Inconnus', 'Aucun'],
  ],
  Spanish: [
    ...['No se encontró', 'No encontrada', 'Sin información', 'Sin datos', 'No consta', 'No especificado'],
    ...['No aplica', 'No disponible públicamente', 'Información no disponible', 'no se ha encontrado', 'N/D'],
    ...['No se encontro informacion', 'Dato desconocido', 'No hay datos', 'Por determinar', 'Ninguno'],
  ],
  Italian: [
    ...['Non trovata', 'Nessuna informazione', 'Non specificato', 'Non noto', 'Dato non disponibile'],
    ...['Sconosciuta', 'Non applicabile', 'Nessun dato', 'non pervenuto', 'n.d.', 'Non è disponibile'],
  ],
  Portuguese: [
    ...['Não informado', 'Sem informação', 'Não divulgado', 'Desconhecida', 'Não consta', 'Nao encontrado'],
    ...['Informação não disponível', 'Não se aplica', 'não especificado', 'Indisponível', 'Sem dados'],
  ],
  Dutch: [
    ...['Niet bekend', 'Geen informatie', 'Geen gegevens gevonden', 'niet vermeld', 'N.v.t.', 'geen'],
    ...['Niet openbaar beschikbaar', 'Niet van toepassing', 'Informatie niet beschikbaar', 'Ontbreekt'],
  ],
  Polish: [
    ...['Nie dotyczy', 'Brak informacji', 'Nieznane', 'Nie podano', 'Niedostępne', 'brak', 'Nie ujawniono'],
    ...['nie znaleziono informacji', 'Nie udało się ustalić', 'Brak publicznych danych', 'Niedostepny'],
  ],
  Russian: [
    ...['Неизвестен', 'Нет информации', 'Информация отсутствует', 'Не указано', 'Недоступно', 'н/д'],
    ...['Не удалось найти', 'не применимо', 'Данные не найдены', 'Не определён', 'нет в открытых источниках'],
  ],
  Ukrainian: ['Невідомо', 'Немає даних', 'Не знайдено', 'Інформація відсутня'],
  Japanese: [
    ...[
      '不明です',
      '情報なし',
      '見つかりませんでした',
      '非公開',
      'データなし',
      '未公表',
      '情報が見つかりません',
    ],
    ...['該当する情報なし。', '特定できませんでした', '公開されていません', 'ー', '記載なし'],
  ],
  Chinese: [
    ...[
      '未知。',
      '暂无信息',
      '没有找到',
      '不适用',
      '无法确定',
      '未披露',
      '沒有資料',
      '查无',
      '暂无数据',
      '未提供',
    ],
    ...['不公开', '未找到相关信息', '信息未公开', '無法取得', '未公佈', '待确认'],
  ],
  Korean: [
    '알 수 없음',
    '정보 없음',
    '없음',
    '해당 없음',
    '미공개',
    '찾을 수 없음',
    '정보를 찾을 수 없습니다',
  ],
  Swedish: [
    'Okänd',
    'Ej tillgänglig',
    'Uppgift saknas',
    'Hittades inte',
    'saknas',
    'Ej angivet',
    'Inga uppgifter',
  ],
  Danish: ['Ukendt', 'Ikke tilgængelig', 'Ikke fundet', 'Ikke oplyst', 'Ingen oplysninger'],
  Norwegian: ['Ukjent', 'Ikke tilgjengelig', 'Ikke oppgitt', 'Ikke funnet', 'Ingen informasjon'],
  Finnish: ['Tuntematon', 'Ei saatavilla', 'Ei tiedossa', 'ei löytynyt', 'Ei tietoja'],
  Czech: ['Neznámý', 'Není k dispozici', 'Nenalezeno', 'neuvedeno', 'Žádné údaje'],
  Hungarian: ['Ismeretlen', 'Nincs adat', 'Nem található', 'nem elérhető'],
  Romanian: ['Necunoscut', 'Nu este disponibil', 'Nu se aplică', 'Fără informații'],
  Turkish: ['Bilinmiyor', 'Bulunamadı', 'Mevcut değil', 'Belirtilmemiş', 'Bilgi yok'],
  Greek: ['Άγνωστο', 'Δεν βρέθηκε', 'Μη διαθέσιμο'],
  Arabic: ['غير معروف', 'غير متوفر', 'لا يوجد', 'لا توجد معلومات'],
  Hebrew: ['לא ידוע', 'לא נמצא', 'אין מידע'],
  Vietnamese: ['Không rõ', 'Không tìm thấy', 'Không có thông tin'],
  Indonesian: ['Tidak diketahui', 'Tidak tersedia', 'Tidak ada data'],
};

const VALUES = [
  ...['Keine Sorge', 'Nicht nur Wein', 'Daten & Fakten GmbH', 'Information & Technik', 'Fehlt Nix', 'Nein'],
  ...['Sans Souci', 'Aucun Regret', 'Pas de Calais', 'Non-Stop', 'Non', 'Inconnu Records', 'Sin City', 'No'],
  ...['Sin Fronteras', 'Noches de Paz', 'No Más', 'Não', 'Sem Parar', 'Dados Brasil', 'Desconocidos SA'],
  ...['Nessuno tocchi Caino', 'Non Solo Pane', 'Dato Capital', 'Geen Probleem BV', 'Niet Normaal', 'Nee'],
  ...['Brak Sp. z o.o.', 'Nie tylko', 'Nie', 'Нет', 'Нетология', 'Данные.ру', 'Не Виноград', 'Информзащита'],
  ...[
    '無印良品',
    '无锡',
    '不二家',
    '未来',
    '情報処理推進機構',
    '非凡科技',
    '不锈钢',
    '未来情報',
    '无',
    'データセクション',
  ].filter((text) => text !== '无'),
  ...['없음표', '정보통신', 'Okänd Studio', 'Ingen', 'InGen', 'Ikke Bare Kaffe', 'Ei Electronics', 'Eiland'],
  ...['Neznámá země', 'Nem Kft', 'Nu Skin', 'Nusa', 'Yok Group', 'Var', 'Private', 'Confidential', 'Missing'],
  ...['Not listed', 'Unlisted', 'Private Equity', 'Insufficient Funds Ltd', 'Does Not Compute', 'Known'],
  ...[
    'Fara',
    'Sans',
    'Sem',
    'Sin',
    'Non',
    'Nie',
    'Niet',
    'Nicht',
    'Ej',
    'Inte',
    'Ikke',
    'Ei',
    'Datum',
    'Adresse',
  ],
];

test.each(Object.entries(ABSENT))('phrases for "nothing found" in %s', (_language, phrases) => {
  const blanks = createBlanks();
  expect(phrases.filter((text) => !blanks.isAbsent('ceo', text))).toEqual([]);
  expect(phrases.filter((text) => !blanks.isAbsent('ceo', ` "${text.toUpperCase()}"\n`))).toEqual([]);
  expect(phrases.filter((text) => !blanks.isAbsent('ceo', text.normalize('NFD')))).toEqual([]);
});

test('names and words that only begin like such a phrase are values', () => {
  const blanks = createBlanks();
  expect(VALUES.filter((text) => blanks.isAbsent('ceo', text))).toEqual([]);
});
