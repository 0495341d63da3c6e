type Pairs = ReadonlyMap<string, readonly (readonly [one: string, other: string])[]>;

function readPairs(text: string, sign: string): Pairs {
  const pairs = new Map<string, (readonly [string, string])[]>();
  let country = '';
  for (const line of text
    .split('\n')
    .map((each) => each.trim())
    .filter(Boolean)) {
    const [one = '', other] = line.split(` ${sign} `);
    if (other === undefined) country = line.replace(/:$/, '');
    else pairs.set(country, [...(pairs.get(country) ?? []), [one, other]]);
  }
  return pairs;
}

/** Two spellings of one company, by country. They differ in the legal form, in marks, or in how signs are written. */
export const SAME_COMPANY = readPairs(
  `
  United States:
    Orbelin, Inc. = ORBELIN
    Orbelin Limited Liability Company = Orbelin L.L.C.
    Orbelin™ Corporation = Orbelin
    The Orbelin Company = Orbelin Co.
    Orbelin® = Orbelin, P.L.L.C.
    Orbelin Public Benefit Corporation = Orbelin PBC
    Yahoo! Inc. = Yahoo
    C++ Labs LLC = C++ Labs
  United Kingdom:
    Orbelin Limited = Orbelin Ltd.
    Orbelin Public Limited Company = Orbelin plc
    Orbelin Community Interest Company = Orbelin C.I.C.
    Smith + Partner Ltd = Smith & Partner
    Orbelin (TM) Ltd = Orbelin
  Ireland:
    Orbelin Designated Activity Company = Orbelin DAC
    Orbelin Teoranta = Orbelin
  Germany:
    Orbelin Gesellschaft mit beschränkter Haftung = Orbelin GmbH
    Orbelin UG (haftungsbeschränkt) = Orbelin
    Orbelin GmbH & Co. KG = Orbelin
    Orbelin SE & Co. KGaA = Orbelin
    Orbelin e.K. = Orbelin
    Orbelin Kommanditgesellschaft auf Aktien = Orbelin
    Firma Orbelin GmbH = Orbelin
  Austria:
    Orbelin Ges.m.b.H. = Orbelin
    Orbelin OG = Orbelin Offene Gesellschaft
  Switzerland:
    Orbelin Genossenschaft = Orbelin
    Orbelin Sagl = Orbelin Sàrl
  France:
    Société Orbelin Société Anonyme = Société Orbelin
    Orbelin EURL = Orbelin E.U.R.L.
    SARL Orbelin = Orbelin
    Orbelin Société par Actions Simplifiée = Orbelin S.A.S.
    Orbelin et Cie = Orbelin
  Belgium:
    Orbelin SPRL = Orbelin BVBA
  Netherlands:
    Orbelin Besloten Vennootschap = Orbelin B.V.
    Orbelin Naamloze Vennootschap = Orbelin
    N.V. Orbelin = Orbelin
    S.A. Orbelin = Orbelin
    S. A. Orbelin = Orbelin SA
  Italy:
    Orbelin S. p. A. = Orbelin Società per Azioni
    Orbelin S.r.l.s. = Orbelin
    S.p.A. Orbelin = Orbelin
    Orbelin Soc. Coop. a r.l. = Orbelin
  Spain:
    Orbelin S.L.U. = Orbelin Sociedad Limitada Unipersonal
    Orbelin y Cía., S.A. = Orbelin
  Portugal:
    Orbelin Unipessoal, Lda. = Orbelin
  Brazil:
    Orbelin Ltda. - ME = Orbelin
    Silva e Cia Ltda = Silva
  Mexico:
    Orbelin, S. de R.L. de C.V. = Orbelin
    Orbelin S. A. de C. V. = Orbelin
    Orbelin S.A.P.I. de C.V. = Orbelin
  Sweden:
    Orbelin AB (publ) = Orbelin
    AB Orbelin = Aktiebolaget Orbelin
  Norway:
    Orbelin ASA = Orbelin Allmennaksjeselskap
    A/S Orbelin = Orbelin
    AS Orbelin = Orbelin A/S
    as orbelin vekst = Orbelin Vekst
  Denmark:
    Orbelin A/S = Orbelin Aktieselskab
    Orbelin I/S = Orbelin
    I/S Orbelin = Orbelin
    A/S Orbelin Invest = Orbelin Invest ApS
  Finland:
    Oy Orbelin Ab = Orbelin Oyj
  Estonia:
    OÜ Orbelin = Orbelin Osaühing
    AS Orbelin Grupp = Orbelin Grupp AS
  Latvia:
    SIA "Orbelin" = Orbelin SIA
  Lithuania:
    UAB Orbelin = „Orbelin“, UAB
  Poland:
    Orbelin Sp. z o.o. = Orbelin
    Orbelin Sp. z o.o. Sp. k. = Orbelin
    Orbelin spółka z ograniczoną odpowiedzialnością = Orbelin sp. zoo
  Czechia:
    Orbelin spol. s r.o. = Orbelin, s. r. o.
    Orbelin a.s. = Orbelin akciová společnost
  Hungary:
    Orbelin Kft. = Orbelin Korlátolt Felelősségű Társaság
  Romania:
    S.C. Orbelin S.R.L. = Orbelin
  Croatia:
    Orbelin d.o.o. = Orbelin društvo s ograničenom odgovornošću
  Bulgaria:
    Орбелин ЕООД = Орбелин
  Greece:
    ΟΡΜΠΕΛΙΝ Α.Ε. = Ορμπέλιν ΑΕ
    Ορμπέλιν Ανώνυμη Εταιρεία = Ορμπέλιν
  Turkey:
    Orbelin Ltd. Şti. = Orbelin Limited Şirketi
    Orbelin Sanayi ve Ticaret A.Ş. = Orbelin
  Israel:
    אורבלין בע"מ = אורבלין
  Russia:
    ООО «Орбелин» = Орбелин
    OOO Orbelin = Orbelin
    Публичное акционерное общество «Орбелин» = ПАО Орбелин
  Ukraine:
    ТОВ «Орбелін» = Товариство з обмеженою відповідальністю "Орбелін"
  United Arab Emirates:
    Orbelin FZ-LLC = Orbelin FZE
    Orbelin W.L.L. = Orbelin
  India:
    Orbelin Private Limited = Orbelin Pvt. Ltd.
    Orbelin (P) Ltd = Orbelin
  Singapore:
    Orbelin Pte. Ltd. = Orbelin Private Limited
  Malaysia:
    Orbelin Sdn. Bhd. = Orbelin Berhad
  Indonesia:
    PT Orbelin (Persero) Tbk = Orbelin
  Thailand:
    บริษัท ออร์เบลิน จำกัด (มหาชน) = ออร์เบลิน
    Orbelin Public Company Limited = Orbelin PCL
  Vietnam:
    Công ty TNHH Orbelin = Orbelin
  Japan:
    株式会社オルベリン = オルベリン
    ㈱オルベリン = オルベリン
  China:
    奥贝林有限责任公司 = 奥贝林
  South Korea:
    ㈜오르벨린 = 오르벨린
  Australia:
    Orbelin Pty. Limited = Orbelin Proprietary Limited
  `,
  '=',
);

/** Names that look alike and belong to different companies, by country. */
export const DIFFERENT_COMPANIES = readPairs(
  `
  United States:
    C++ Labs = C# Labs
    C# Labs = C Labs
    C++ Labs = C Labs
    $mart Inc. = Mart Inc.
    A+ Plumbing = A Plumbing
    #1 Roofing LLC = Roofing LLC
    @properties = Properties
    Ca$h Corp = Cah Corp
    The Limited = The Company
    S.C. Johnson & Son, Inc. = Johnson & Son, Inc.
    S.A. Orbelin Ltd = Orbelin Ltd
    AS Watson = Watson
    As Seen on TV = Seen on TV
    AS Foods = Foods
    A. O. Smith Corporation = Smith Corporation
    First Bank = First Bank Holding
    3M = 4M
    Johnson & Johnson = Johnson
    Limited Brands = Brands
    Company 3 = Company 4
    Fund II LLC = Fund III LLC
    Incorporate Labs = Labs
  United Kingdom:
    Formula E Ltd = Formula Ltd
    Orbelin UK Ltd = Orbelin Ltd
    Vitamin A Ltd = Vitamin Ltd
    Marks and Spencer = Spencer
    Orbelin & Sons Ltd = Orbelin Ltd
  Germany:
    BMW Group = BMW
    Orbelin Holding GmbH = Orbelin GmbH
    Orbelin Deutschland GmbH = Orbelin GmbH
    Orbelin Verwaltungs GmbH = Orbelin GmbH
    Agfa = Fa
    Kontor Eins GmbH = Kontor Zwei GmbH
  France:
    SIA Partners = Partners
    SAS Institute = Institute
    Société Générale = Générale
    Compagnie des Alpes = Alpes
    Café de Paris = Café Paris
  Netherlands:
    Orbelin Groep B.V. = Orbelin B.V.
    Van den Berg B.V. = Van der Berg B.V.
  Italy:
    Cassa di Roma = Cassa di Torino
    AS Roma = Roma
    AS Roma S.p.A. = Roma
    Orbelin Italia S.p.A. = Orbelin S.p.A.
  Spain:
    Banco Sur = Banco Norte
    Casa y Jardín SL = Casa SL
  Mexico:
    Grupo Orbelin SA de CV = Orbelin SA de CV
    Flores de México SA de CV = Flores SA de CV
  Brazil:
    Pão e Mel Ltda = Pão Ltda
    Orbelin do Brasil Ltda = Orbelin Ltda
  Sweden:
    AB Foods = Foods
    Orbelin Invest AB = Orbelin AB
  Norway:
    This Is AS = This AS
    Nord Fisk AS = Nord AS
  Poland:
    SC Freiburg = Freiburg
    Dom i Ogród Sp. z o.o. = Dom Sp. z o.o.
  Czechia:
    Orbelin CZ s.r.o. = Orbelin s.r.o.
  Romania:
    SC Magdeburg = Magdeburg
  Greece:
    Ορμπέλιν ΑΕ = Ορμπέλια ΑΕ
  Turkey:
    Yeni Orbelin A.Ş. = Orbelin A.Ş.
  Russia:
    ООО «Орбелин» = ООО «Орбелин Плюс»
    Ромашка = Ромашки
  India:
    Private Eye Ltd = Eye Ltd
    Orbelin India Private Limited = Orbelin Private Limited
  Singapore:
    Orbelin Asia Pte Ltd = Orbelin Pte Ltd
  Indonesia:
    PT Partners = Partners
  Thailand:
    ออร์เบลิน = ออร์เบลิด
  Japan:
    株式会社ガス = 株式会社カス
    東京株式会社 = 京都株式会社
  China:
    北京华为有限公司 = 上海华为有限公司
  South Korea:
    삼성전자 주식회사 = 삼성전기 주식회사
  Australia:
    No Limit Pty Ltd = No Pty Ltd
    Orbelin NZ Pty Ltd = Orbelin Pty Ltd
  `,
  '=',
);
