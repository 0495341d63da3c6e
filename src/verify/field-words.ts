import { splitColumnName } from '../model/column-kind.js';
import { foldWords } from './fold-text.js';

/** Fields of one group compete: a number beside "customers" is not the number of employees. */
export type FieldGroup =
  | 'count'
  | 'money'
  | 'role'
  | 'date'
  | 'location'
  | 'contact'
  | 'measure'
  | 'kind'
  | 'name';

interface Family {
  readonly groups: readonly FieldGroup[];
  readonly words: string;
}

/**
 * Words by which pages in many languages name common fields. A word that ends in `*` also stands for longer words; one
 * that begins with `*` for compounds such as "Jahresumsatz". An underscore joins the words of a phrase.
 */
const FAMILIES: Readonly<Record<string, Family>> = {
  employees: {
    groups: ['count'],
    words: `employee* employs employed employing employ staff staffers headcount workforce team_members team_of members_of_staff people personnel workers workforce colleagues full_time fte ftes associates company_size strong_team
      mitarbeiter* *mitarbeiter *mitarbeitende mitarbeitende* beschaftigt* angestellte* belegschaft* personen menschen kopfe salarie* collaborateur* employe* effectif* personnes emploie emplead* plantilla trabajador* personas colaborador* emplea dipendent* addetti organico persone collaborator*
      funcionari* trabalhador* pessoas emprega medewerker* werknemer* personeel mensen werken anstalld* medarbetar* sysselsatter ansatte medarbejder* medarbeider* beskaeftiger sysselsetter henkilosto* tyontekija* henkiloa tyollistaa
      pracownik* zatrudni* osob zamestnan* alkalmazott* dolgozo* foglalkoztat angajat* сотрудник* работник* персонал* человек штат* спiвробiтник* співробітник* працівник* calisan* personel* υπαλληλ* εργαζομεν* 従業員* 社員* 人員 員工 员工 職員 职工 雇员 人员 직원 임직원 종업원 עובדים موظف* karyawan nhân_viên พนักงาน कर्मचारी`,
  },
  customers: {
    groups: ['count'],
    words: `customer* client clients clientele kunden kunde kundinnen clients clientes clienti klanten kunder klient* asiaka* zakaznik* клиент* 顧客 客户 取引先 고객 musteri*`,
  },
  users: {
    groups: ['count'],
    words: `user users members subscribers nutzer* anwender* mitglieder utilisateur* membres abonnes usuario* miembros suscriptores utenti iscritti gebruikers leden anvandare medlemmar brugere brukere medlemmer kayttaja* uzytkownik* пользовател* ユーザー 会員 用户 会员 사용자 회원 makers downloads installs`,
  },
  followers: { groups: ['count'], words: 'follower* following abonnenten seguidores abonnes' },
  offices: {
    groups: ['count'],
    words: `offices office branches branch locations standorte standorten niederlassung* buros bureaux agences oficinas sucursales uffici sedi filiali kantoren kontor escritorios filiais oddzial* офис* 拠点 営業所 分公司 办事处 지점 sites plants factories werke usines fabricas`,
  },
  stores: {
    groups: ['count'],
    words: `store stores shops outlets filialen laden geschafte magasins boutiques tiendas negozi lojas winkels butiker butikker sklep* магазин* 店舗 门店 매장 restaurants dealers`,
  },
  countries: {
    groups: ['count'],
    words: `countries markets landern lander staaten pays paises paesi landen kraje krajach krajow странах стран カ国 か国 ヶ国 个国家 개국 ulke* maissa`,
  },
  projects: {
    groups: ['count'],
    words: `projects projekte projets proyectos progetti projecten projekt* проект* patents patente brevets products produkte produits productos prodotti articles brands marken`,
  },
  reviews: {
    groups: ['count'],
    words: `review reviews ratings votes bewertungen rezensionen avis resenas opiniones valoraciones recensioni avaliacoes beoordelingen recensioner anmeldelser opinii отзыв* レビュー 评价 리뷰`,
  },
  residents: {
    groups: ['count'],
    words: `population inhabitants residents einwohner* bevolkerung habitants habitantes poblacion abitanti popolazione populacao inwoners invanare indbyggere innbyggere mieszkanc* obyvatel* население жител* 人口 인구`,
  },
  students: {
    groups: ['count'],
    words: `students pupils enrolment enrollment studierende* schuler* etudiants eleves estudiantes alumnos studenti alunni studenten studenter студент* 学生 학생`,
  },
  rooms: {
    groups: ['count'],
    words: `rooms room beds seats zimmer betten sitzplatze chambres lits places habitaciones camas plazas camere posti kamers bedden rum hotellrum vaerelser номер* 室 床 객실`,
  },
  investors: {
    groups: ['count', 'name'],
    words: `investor* partners partner partnern backers anleger investisseur* inversores investitori socios`,
  },
  hires: {
    groups: ['count'],
    words: `hire hires hiring hired recruit recruits jobs vacancies openings layoffs laid off stellen arbeitsplatze einstellen emplois postes recrut* embauch* empleos contratar assunzioni vagas banen vacatures jobb jobs stanowisk вакан* увол* 採用`,
  },
  vehicles: {
    groups: ['count'],
    words: `ships fleet vessels vehicles aircraft schiffe flotte fahrzeuge navires flota barcos navi fartyg skibe`,
  },
  revenue: {
    groups: ['money'],
    words: `revenue* turnover sales net_sales *umsatz setzte umsatz* erlose umsatzerlos* jahresumsatz chiffre_d_affaires chiffre_affaires ventes ingresos facturacion facturo factura ventas cifra_de_negocios fatturato ricavi faturamento receita* faturacao volume_de_negocios omzet* omsattning* nettoomsattning omsaetning* omsetning* liikevaihto* przychod* obrot* trzby obrat arbevetel* cifra_de_afaceri выручк* оборот* доход* дохід ciro* hasilat κυκλο_εργασιων εσοδα 売上高 売上 営業収益 营收 营业收入 收入 销售额 매출액 매출 מחזור إيرادات`,
  },
  profit: {
    groups: ['money'],
    words: `profit* earnings ebit ebitda net_income net_loss operating_income gewinn* jahresuberschuss uberschuss ergebnis* verlust benefice* resultat resultat_net beneficio* ganancia* utile_netto lucro* winst* vinst* arets overskud* overskudd* zysk* прибыл* убыт* 純利益 利益 経常利益 净利润 利润 순이익 영업이익`,
  },
  assets: {
    groups: ['money'],
    words: `assets total_assets under_management manages bilanzsumme vermogen verwaltet actif* activos attivo ativos activa tillgangar aktiver aktywa активы 総資産 资产 자산 equity liabilities debt`,
  },
  funding: {
    groups: ['money', 'date'],
    words: `funding funded raise raised raises raising series_a series_b series_c series_d series_e seed_round seed financing_round round investment invest invests invested investing venture finanzierung* finanzierungsrunde* kapitalerhohung investition* investiert levee leve levent leveee tour_de_table financement investissement financiacion ronda inversion levanta finanziamento raccolto raccoglie investimento rodada captou investering* opgehaald finansiering* tar_in rundfunding finansowani* inwestycj* инвестици* раунд* привлек* 調達 資金調達 出資 融资 轮融资 투자_유치`,
  },
  valuation: {
    groups: ['money'],
    words: `valuation valued bewertet bewertung valorisation valorisee valoracion valorada valutata avaliada market_cap market_capitalization market_capitalisation marktkapitalisierung borsenwert capitalisation_boursiere 時価総額 市值 시가총액 капитализаци*`,
  },
  capital: {
    groups: ['money'],
    words: `share_capital stated_capital stammkapital grundkapital capital_social capitale_sociale aktiekapital* aksjekapital* anpartskapital osakepaaoma kapital_zakladowy zakladni_kapital уставный_капитал уставного_капитала 資本金 注册资本 自本金 자본금 maatschappelijk`,
  },
  price: {
    groups: ['money'],
    words: `price* priced cost costs fee rrp msrp sale_price preis* kostet prix coute precio* cuesta prezzo* costa preco* custa prijs* kost pris* kostar koster hinta* cena* kosztuje цена стоимость fiyat* 価格 税込 料金 价格 售价 가격`,
  },
  ceo: {
    groups: ['role'],
    words: `ceo dirigeant* presidente_ejecutivo presidenta_ejecutiva chief_executive chief_exec managing_director general_manager led_by headed_by run_by heads leads at_the_helm president_and geschaftsfuhr* geschaftsleiter* vorstandsvorsitz* vorstandssprecher* vorstandschef* geleitet leitet firmenchef* konzernchef* pdg directeur_general directrice_generale president_directeur_general presidente_directrice_generale dirigee dirige gerant gerante patron director_general directora_general consejero_delegado consejera_delegada director_ejecutivo directora_ejecutiva dirige dirigida gerente general amministratore_delegato amministratrice_delegata guidata diretor_presidente diretora_presidente diretor_executivo diretora_executiva diretor_geral algemeen_directeur bestuursvoorzitter directeur verkstallande_direktor vd koncernchef administrerende_direktor adm_direktor adm_dir daglig_leder konsernsjef toimitusjohtaja* prezes* zarzadu prezes dyrektor_generalny generalni_reditel generalni_reditelka jednatel* vezerigazgato* ugyvezeto* генеральн* гендиректор* глава руководит руководитель генеральний_директор genel mudur* διευθυνων_συμβουλος 代表取締役 代表取締役社長 社長 代表者 最高経営責任者 代表 首席执行官 总裁 总经理 法定代表人 대표이사 대표 최고경영자 מנכ_ל الرئيس_التنفيذي`,
  },
  cfo: {
    groups: ['role'],
    words: `cfo chief_financial chief_finance finance_director finance_chief finanzvorstand* finanzchef* directeur_financier directrice_financiere director_financiero directora_financiera direttore_finanziario diretor_financeiro diretora_financeira financieel_directeur finansdirektor finanschef okonomidirektor talousjohtaja dyrektor_finansowy dyrektorka_finansowa financni_reditel финансов* 最高財務責任者 财务总监 首席财务官 최고재무책임자 treasurer`,
  },
  cto: {
    groups: ['role'],
    words: `cto chief_technology chief_technical technology_officer technikvorstand* technikchef* technischer directeur_technique directrice_technique director_de_tecnologia director_tecnico directora_tecnica direttore_tecnico diretor_de_tecnologia teknisk_chef teknisk_direktor tekniikkajohtaja dyrektor_techniczny технический_директор 最高技術責任者 首席技术官 최고기술책임자`,
  },
  coo: {
    groups: ['role'],
    words: `coo chief_operating chief_operations operations_director betriebsleiter* directeur_des_operations directrice_des_operations director_de_operaciones direttore_operativo driftsdirektor операционный_директор 最高執行責任者 首席运营官 최고운영책임자`,
  },
  cmo: {
    groups: ['role'],
    words: `cmo chief_marketing marketing_director head_of_marketing marketingleit* marketingchef* directeur_marketing directrice_marketing director_de_marketing директор_по_маркетингу`,
  },
  chair: {
    groups: ['role'],
    words: `chair chaired_by chairman chairwoman chairperson chairs board_chair aufsichtsratsvorsitz* aufsichtsrat* beiratsvorsitz* president_du_conseil presidente_du_conseil presidente_del_consejo presidente_del_consiglio voorzitter* ordforande* styrelseordforande* styreleder* bestyrelsesformand* przewodniczac* rady predseda председател* 会長 董事长 의장 회장`,
  },
  founder: {
    groups: ['role'],
    words: `founder founders cofounder cofounders cofounded co_founder co_founders founded_by started_by established_by created_by founded grunder* mitgrunder* grunderin grundete gegrundet fondateur* fondatrice* cofondateur* cofondatrice* fondee_par fonde_par fundador* cofundador* fundada_por fundado_por fondatore fondatrice fondatori fondata_da oprichter* grundare medgrundare grunnlegger* grundlaegger* stifter* medstifter perustaja* zalozyciel* wspolzalozyciel* zakladatel* alapito* основател* сооснователь* основал* засновник* kurucu* ιδρυτης 創業者 創設者 创始人 创办人 창업자 설립자 مؤسس`,
  },
  otherRole: {
    groups: ['role'],
    words: `director manager officer head_of vice_president vp svp evp secretary spokesman spokeswoman spokesperson analyst board_member office_manager assistant engineer chief_people chief_product chief_legal chief_revenue chief_commercial chief_information counsel professor minister mayor journalist reporter editor author written_by photo sprecher* pressesprecher* leiter leiterin vertriebsleiter* personalleiter* assistentin prokurist* responsable_directeur porte_parole journaliste portavoz responsabile portavoce porta_voz woordvoerder* talsperson* talsmand rzecznik* dyrektor kierownik mluvci пресс секретарь менеджер 取締役 部長 監査役 広報 经理 主任 董事 이사 부장 successor joins investor partner`,
  },
  president: {
    groups: ['role'],
    words: `president prasident* presidente presidenta voorzitter prezydent президент* 総裁`,
  },
  founded: {
    groups: ['date', 'location'],
    words: `set_up founded founding foundation established estd est since inception started start began begun formed created opened launched launch incorporated incorporation registered_on year_founded history gegrundet grundung* gegr besteht existiert seit fondee fonde fondation creee cree creation depuis annee_de_creation fundad* fundacion constituid* creada creado nacio nasceu desde fondat* costituit* nata nasce nasceva dal fondazione costituzione fundacao constituida criada opgericht* oprichting* sinds gesticht grundad* grundat* grundades startades bildades sedan grundlagt stiftet etableret etablert stiftelse startet siden perustettu perustettiin perustamis* vuodesta zalozon* zal powstal* powsta* rok_zalozenia zalozen* vznik* od_roku alapit* alapitva infiintat* fondat* основан* основана создан* образован* зарегистрирован* год_основания заснован* kurulus* kuruldu kurulan ιδρυθηκε ιδρυση 設立 創業 創立 設立年月日 成立 创立 创办 创建 注册日期 설립 창립 설립일 נוסדה تأسست تأسيس`,
  },
  acquired: {
    groups: ['date', 'money'],
    words: `acquired acquisition acquires bought buys takeover merged merger ubernommen ubernahme ubernimmt kauft rachete rachat acquis acquise adquirida adquirio adquisicion compra acquisita acquisizione adquirida aquisicao overgenomen forvarvade kopte opkobt przejet* przejal przejeci* koupil куплен* приобрел* 買収 收购 인수`,
  },
  moved: {
    groups: ['date', 'location'],
    words: `moved relocated moves relocating umgezogen verlegt verlegte umzug demenage transfere trasladada traslado trasferita verhuisd flyttade flyttet przeniosla переехал* 移転 搬迁 이전 renamed umbenannt renommee`,
  },
  published: {
    groups: ['date', 'location'],
    words: `published publish posted publication released release announced press_release date_published veroffentlicht* publiziert erschienen publie publiee paru publicado publicada publicacion pubblicato pubblicata gepubliceerd publicerad offentliggjort publisert julkaistu opublikowan* zverejneno опубликован* 公開日 掲載 发布 发表 게시 said article`,
  },
  updated: {
    groups: ['date'],
    words: `updated modified last_updated aktualisiert stand geandert mis_a_jour maj actualizado actualizada aggiornato aggiornata atualizado bijgewerkt uppdaterad opdateret oppdatert paivitetty aktualizac* zaktualizowan* обновлен* 更新 更新日 수정 copyright`,
  },
  event: {
    groups: ['date', 'location'],
    words: `event_date date takes_place will_be_held held_on conference datum termin findet statt date_de aura_lieu fecha se_celebra si_terra datum 日時 開催 开会 日期 일시 registration doors deadline anmeldeschluss frist`,
  },
  appointed: {
    groups: ['date', 'role'],
    words: `appointed joined since_taking took_over took_office took_the_helm became named ernannt berufen ubernahm nommee nomme nombrad* nominat* nomead* benoemd utsedd* tilltradde udnaevnt utnevnt mianowan* powolan* назначен* 就任 任命 취임`,
  },
  born: {
    groups: ['date', 'location'],
    words:
      'born birth geboren naissance nee nacid* nacio nato nata nascid* fodd fodt urodzon* narozen* родил* 生まれ 出生',
  },
  location: {
    groups: ['location'],
    words: `headquarter* headquartered hq based located location seat head_office main_office registered_office office_address address home town city country locality region state domiciled place street hauptsitz* firmensitz* sitz *sitz zentrale ansassig standort adresse anschrift ort stadt land siege siege_social base basee situe* situee implante* adresse ville pays localite sede ubicad* domicilio con_sede direccion ciudad pais localidad poblacion sede_legale indirizzo citta paese con_sede localizada endereco cidade pais sediada gevestigd* hoofdkantoor* vestiging* adres kantoor plaats stad huvudkontor* sate adress baserat baserad ort stad hovedkontor* hovedsaede hjemsted adresse baseret basert paakonttori* kotipaikka* osoite* kaupunki sijaitsee siedzib* adres* miasto miejscowosc kraj sidl* adresa mesto szekhely* cim varos sediul* adresa oras штаб квартир* офис* адрес* расположен* город* находится базируется страна головний_офіс місто merkez* adres sehir εδρα διευθυνση 所在地 本社 住所 本店 本社所在地 总部 地址 位于 所在地 总部位于 注册地 본사 소재지 주소 위치 משרדי المقر مقرها`,
  },
  phone: {
    groups: ['contact'],
    words: `phone telephone tel call telefon* fon telefono telefone telefoon tfn tlf puh puhelin тел телефон* 電話 電話番号 tel 电话 전화 ring appelez`,
  },
  fax: { groups: ['contact'], words: 'fax telefax telecopie ファックス faks факс 传真 팩스' },
  mobile: {
    groups: ['contact'],
    words: 'mobile cell handy mobil portable movil cellulare mobiel 携帯 手机 whatsapp',
  },
  email: {
    groups: ['contact'],
    words: 'email mail e-mail courriel correo posta mejl sahkoposti メール 邮箱 이메일 почта',
  },
  website: {
    groups: ['contact'],
    words:
      'website web homepage www url site webseite internet sitio sito hemsida hjemmeside strona сайт ホームページ 网站 홈페이지',
  },
  industry: {
    groups: ['kind'],
    words: `industry industries sector sectors business category field branche* industrie gewerbe secteur activite sector actividad settore attivita setor ramo bransch toimiala branza obor отрасль сфера 業種 事業内容 行业 업종 specialises specializes maker provider manufacturer hersteller anbieter fabricant fournisseur fabricante proveedor produttore`,
  },
  ownership: {
    groups: ['kind'],
    words: `type ownership owned held listed traded company_type legal_form rechtsform eigentum forme_juridique forma_juridica forma_giuridica rechtsvorm bolagsform selskabsform forma_prawna форма_собственности 企業形態 会社形態 企业性质 公司类型 기업형태 status zustand statut estado stato`,
  },
  legalName: {
    groups: ['name'],
    words: `legal_name registered_name full_name company_name name firma firmierung raison_sociale denomination razon_social denominacion_social ragione_sociale denominazione razao_social handelsnaam statutaire naam firmanavn foretagsnamn navn nazwa_firmy nazwa nazev cegnev denumire наименование название 商号 会社名 社名 公司名称 企业名称 회사명 상호 trading_as llc inc imprint impressum`,
  },
  parent: {
    groups: ['name'],
    words: `parent parent_company subsidiary subsidiary_of owned_by part_of division_of owner muttergesellschaft mutterkonzern tochter tochtergesellschaft gehort filiale_de maison_mere appartient filial matriz pertenece controllata capogruppo dochteronderneming dotterbolag moderbolag datterselskab moderselskab 親会社 子会社 母公司 子公司 모회사 자회사`,
  },
  ticker: {
    groups: ['name'],
    words:
      'ticker symbol nasdaq nyse stock_symbol xetra lse tsx isin wkn börsenkürzel kürzel euronext tse hkex',
  },
  ean: {
    groups: ['name'],
    words: 'ean gtin gtin13 gtin8 gtin12 gtin14 upc barcode isbn isbn13 streckkod strichcode code_barres',
  },
  vat: {
    groups: ['name'],
    words: `vat vat_number vat_id tax_id tax_number ust id ustid idnr umsatzsteuer* uid mwst tva tva_intracommunautaire nif cif p_iva partita_iva iva nipc cnpj btw moms momsreg nip dic ico инн огрн кпп cui ein gst abn`,
  },
  registration: {
    groups: ['name'],
    words: `company_number registration_number registered_number company_no crn register registernummer handelsregister hrb hra registergericht siren siret rcs rea kvk cvr org orgnr organisasjonsnummer organisationsnummer y_tunnus krs regon ico огрн 法人番号 统一社会信用代码 注册号 사업자등록번호 number`,
  },
  rating: {
    groups: ['measure'],
    words:
      'rating rated stars score bewertung note etoiles puntuacion estrellas valutazione stelle nota beoordeling betyg vurdering ocena оценка рейтинг 評価 评分 평점',
  },
  weight: {
    groups: ['measure'],
    words:
      'weight weighs gewicht wiegt poids pese peso pesa gewicht vikt vaegt vekt paino waga hmotnost вес масса 重量 重さ 质量 무게',
  },
  height: {
    groups: ['measure'],
    words:
      'height high tall hohe hauteur altura altezza hoogte hojd hojde korkeus wysokosc vyska высота 高さ 高度 높이',
  },
  width: {
    groups: ['measure'],
    words:
      'width wide breite largeur anchura ancho larghezza largura breedte bredd bredde leveys szerokosc sirka ширина 幅 宽度 너비',
  },
  length: {
    groups: ['measure'],
    words:
      'length long lange longueur longitud largo lunghezza comprimento lengte langd laengde lengde pituus dlugosc delka длина 長さ 全長 长度 길이',
  },
  depth: {
    groups: ['measure'],
    words:
      'depth deep tiefe profondeur profundidad profondita diepte djup dybde syvyys glebokosc hloubka глубина 奥行 深度 깊이',
  },
  volume: {
    groups: ['measure'],
    words:
      'capacity volume fassungsvermogen volumen inhalt kapazitat contenance capacite capacidad capienza capacita inhoud kapacitet volym kapasitet tilavuus pojemnosc objem объем емкость 容量 용량',
  },
  power: {
    groups: ['measure'],
    words:
      'power output wattage leistung puissance potencia potenza vermogen effekt teho moc vykon мощность 出力 消費電力 功率 출력 전력',
  },
  warranty: {
    groups: ['measure'],
    words:
      'warranty guarantee garantie gewahrleistung garantia garanzia garanti takuu gwarancja zaruka гарантия 保証 保証期間 保修 보증',
  },
  area: {
    groups: ['measure'],
    words:
      'area surface space floor flache grundstuck superficie surface area oppervlakte yta areal pinta powierzchnia plocha площадь 面積 面积 면적',
  },
  colour: {
    groups: ['kind'],
    words:
      'colour color farbe couleur color colore cor kleur farg farve farge vari kolor barva цвет 色 カラー 颜色 색상',
  },
  material: {
    groups: ['kind'],
    words:
      'material materials matiere materiau materiale materiaal materiali material материал 素材 材质 소재',
  },
  brand: {
    groups: ['name'],
    words:
      'brand marke marque marca merk varumarke maerke merke merkki marka znacka бренд ブランド メーカー 品牌 브랜드',
  },
  model: {
    groups: ['name'],
    words: 'model modell modele modelo modello modell malli model модель 型番 モデル 型号 모델',
  },
  author: {
    groups: ['role'],
    words:
      'author authors byline autor autorin auteur auteure autora autore forfattare forfatter kirjoittaja автор 著者 作者 저자 written_by',
  },
  investorNames: {
    groups: ['name'],
    words:
      'investors_backed led_by backers participated investoren investisseurs inversores investitori investidores инвесторы 投資家 投资方 투자자',
  },
  certification: {
    groups: ['kind'],
    words:
      'certified certification certificate certificates accredited zertifiziert zertifizierung zertifikat certifie certifiee certificado certificacion certificata certificazione certificering certificerad certifikat certyfikat сертифи* 認証 认证 인증',
  },
};

/** A word of a field found in a text. */
export interface FieldMention {
  readonly family: string;
  readonly start: number;
  readonly end: number;
}

/** What is known about the words of a field. */
export interface FieldWords {
  /** Families of common fields that the field belongs to. */
  readonly families: ReadonlySet<string>;
  readonly groups: ReadonlySet<FieldGroup>;
  /** Folded words of the field's own name, without units and words such as "name" and "number". */
  readonly own: readonly string[];
  /** Folded words of a short description, for fields of no known family. */
  readonly hints: readonly string[];
}

/** The words by which a page may name a field. The description counts only if the name is of no known family. */
export function resolveFieldWords(name: string, description: string): FieldWords {
  const words = splitColumnName(name).map((word) => foldWords(word));
  const text = ` ${words.join(' ')} `;
  const own = words.filter((word) => word.length >= 2 && !FILLERS.has(word) && !/^\d+$/.test(word));
  let families = findClaimFamilies(text);
  if (families.length === 0) families = findClaimFamilies(` ${foldWords(description.slice(0, 300))} `);
  const described = foldWords(description.slice(0, 200)).split(' ');
  const isHint = (word: string): boolean => word.length >= 5 && !FILLERS.has(word) && !own.includes(word);
  const hints = families.length > 0 || described.length > 12 ? [] : described.filter(isHint);
  const all = new Set(families.flatMap((family) => [family, ...(RELATED[family] ?? [])]));
  return {
    families: all,
    groups: new Set(families.flatMap((family) => FAMILIES[family]?.groups ?? [])),
    own,
    hints,
  };
}

/** Families that a field's own name implies although pages use other words for them. */
function findClaimFamilies(text: string): string[] {
  for (const [pattern, families] of CLAIM_WORDS) if (pattern.test(text)) return [...families];
  const found = findFieldMentions(text).map(({ family }) => family);
  return [...new Set(found)].filter((family) => family !== 'otherRole' || found.length === 1);
}

const CLAIM_WORDS: readonly (readonly [RegExp, readonly string[]])[] = [
  [/ (?:ceo|chief executive|managing director|geschaftsfuhrer|chief exec) /, ['ceo']],
  [/ (?:co ?founders?|founders?|founder name|grunder|fondateur) /, ['founder']],
  [/ (?:fax) /, ['fax']],
  [/ (?:email|mail) /, ['email']],
  [/ (?:phone|telephone|tel|telefon|mobile) /, ['phone']],
  [
    / (?:headcount|employees?|staff|fte|workforce|mitarbeiter|team size|company size|size band|size range|size|employee count) /,
    ['employees'],
  ],
  [/ (?:fiscal year|year end|financial year) /, []],
  [/ (?:published|publication|article|publish|statement|announcement|announced) /, ['published']],
  [/ (?:updated|modified) /, ['updated']],
  [
    / (?:founded|founding|established|incorporated|incorporation|inception|formation|year founded|grundung|gegrundet) /,
    ['founded'],
  ],
  [/ (?:funding|raised|round|investment|series) /, ['funding']],
  [/ (?:revenue|turnover|sales|umsatz|arr) (?!email|phone|contact|director|head)/, ['revenue']],
  [/ (?:net income|profit|earnings|ebit|ebitda|net loss) /, ['profit']],
  [/ (?:share capital|capital social|stammkapital|capital) (?!city)/, ['capital']],
  [
    / (?:hq|headquarters?|city|town|country|location|address|state|region|postcode|postal|zip|street|seat|office city|ort|stadt|land|sitz|based) /,
    ['location'],
  ],
  [/ (?:legal name|registered name|official name|company name|legal entity) /, ['legalName']],
  [/ (?:industry|sector|category|business area|branche) /, ['industry']],
  [/ (?:ownership|company type|legal form|rechtsform|status|type|listed) /, ['ownership']],
  [/ (?:website|homepage|domain|url|web) /, ['website']],
  [/ (?:capacity|volume) /, ['volume']],
  [/ (?:event|conference) /, ['event']],
];

/** Families whose fields may also be named by the words of other families. */
const RELATED: Readonly<Record<string, readonly string[]>> = {
  legalName: ['registration'],
  president: ['chair'],
  users: ['followers'],
  phone: ['mobile'],
  chair: ['president'],
  investors: ['investorNames'],
  investorNames: ['investors'],
};

/** Words of names of fields that say nothing about what the field is. */
const FILLERS = new Set(
  `name names number num no count total amount value current latest annual yearly full the of in on at by for and or is has company companies organisation organization firm business latest date year month day time usd eur gbp chf jpy nok sek dkk pln inr cad aud kg g mg lb lbs oz l ml cl cm mm m km ft inch inches w kw mw kwh kmh mph rpm v percent pct k mn mio bn million millions thousand thousands billion billions id code url link list text info primary main first last since end start to per new official legal recent most person people per`.split(
    /\s+/,
  ),
);

/** Groups that a family belongs to. */
export function listGroups(family: string): readonly FieldGroup[] {
  return FAMILIES[family]?.groups ?? [];
}

interface Lexicon {
  /** Phrases by their first word. */
  readonly phrases: ReadonlyMap<string, readonly (readonly [family: string, words: readonly string[]])[]>;
  /** Beginnings of words, by their first three letters. */
  readonly stems: ReadonlyMap<string, readonly (readonly [family: string, stem: string])[]>;
  /** Ends of compounds. */
  readonly ends: readonly (readonly [family: string, end: string])[];
}

let lexicon: Lexicon | null = null;

function getLexicon(): Lexicon {
  if (lexicon !== null) return lexicon;
  const phrases = new Map<string, [string, string[]][]>();
  const stems = new Map<string, [string, string][]>();
  const ends: [string, string][] = [];
  for (const [family, { words }] of Object.entries(FAMILIES)) {
    for (const entry of words.split(/\s+/)) {
      const folded = foldWords(entry);
      if (folded === '') continue;
      if (entry.startsWith('*')) ends.push([family, folded]);
      // A stem in a script without spaces is only the word.
      else if (entry.endsWith('*') && !folded.includes(' '))
        push(stems, folded.slice(0, 3), [family, folded]);
      else push(phrases, folded.split(' ')[0] ?? '', [family, folded.split(' ')]);
    }
  }
  lexicon = { phrases, stems, ends };
  return lexicon;
}

function push<Value>(map: Map<string, Value[]>, key: string, value: Value): void {
  map.set(key, [...(map.get(key) ?? []), value]);
}

/** Finds the words of fields in a folded text with spaces around each word. Positions are those of the folded text. */
export function findFieldMentions(folded: string): FieldMention[] {
  const { phrases, stems, ends } = getLexicon();
  const words = [...folded.matchAll(/[^ ]+/g)];
  const found: FieldMention[] = [];
  words.forEach((word, index) => {
    const text = word[0];
    for (const [family, phrase] of phrases.get(text) ?? []) {
      if (!phrase.every((each, at) => words[index + at]?.[0] === each)) continue;
      const last = words[index + phrase.length - 1] ?? word;
      found.push({ family, start: word.index, end: last.index + last[0].length });
    }
    for (const [family, stem] of stems.get(text.slice(0, 3)) ?? [])
      if (text.startsWith(stem)) found.push({ family, start: word.index, end: word.index + text.length });
    for (const [family, end] of ends)
      if (text.length > end.length && text.endsWith(end))
        found.push({ family, start: word.index, end: word.index + text.length });
  });
  return found;
}
