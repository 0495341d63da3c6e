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

/** A common field: what it competes with, and the words that name it. */
export interface Family {
  readonly groups: readonly FieldGroup[];
  readonly words: string;
}

/**
 * Words by which pages in many languages name common fields. A word that ends in `*` also stands for longer words; one
 * that begins with `*` for compounds such as "Jahresumsatz". An underscore joins the words of a phrase.
 */
export const FAMILIES: Readonly<Record<string, Family>> = {
  employees: {
    groups: ['count'],
    words: `henkea henkiloa_ palkkaa απασχολει απασχολουν letszam* letszama munkavallalo* numar_de_angajati numar_angajati осіб людей чисельність численность служител* работници заети zamestnanci zaposlen* radnik* djelatnik* zaposlenih tootaja* darbiniek* darbuotoj* εργαζομενους ατομα προσωπικο calisani kisi_calis* tyontekijoita henkiloston medarbejderantal antal_ansatte antall_ansatte antal_anstallda aantal_medewerkers numero_de_empleados nombre_de_salaries numero_dipendenti 職員数 従業員数 员工人数 职工人数 직원수 jumlah_karyawan nhan_vien kisiye istihdam vakmensen vakkracht* fachkraft* pracownic* team_size team_is team_counts zamestnav* lidi professionals profesionales professionnels professionisti crew payroll men_and_women equipe_de equipo_de equipa_de squadra_di team_di team_von team_van team_pa team_of kolleginnen kollegen collega_s kollegor kolleger arsanstallda arsverk etp risorse employee* employs employed employing employ staff staffers headcount workforce team_members team_of members_of_staff people personnel workers workforce colleagues full_time fte ftes associates company_size strong_team
      mitarbeiter* *mitarbeiter *mitarbeitende mitarbeitende* beschaftigt* angestellte* belegschaft* personen menschen kopfe salarie* collaborateur* employe* effectif* personnes emploie emplead* plantilla trabajador* personas colaborador* emplea dipendent* addetti organico persone collaborator*
      funcionari* trabalhador* pessoas emprega medewerker* werknemer* personeel mensen werken anstalld* medarbetar* sysselsatter ansatte medarbejder* medarbeider* beskaeftiger sysselsetter henkilosto* tyontekija* henkiloa tyollistaa
      pracownik* zatrudni* osob zamestnan* alkalmazott* dolgozo* foglalkoztat angajat* сотрудник* работник* персонал* человек штат* спiвробiтник* співробітник* працівник* calisan* personel* υπαλληλ* εργαζομεν* 従業員* 社員* 人員 員工 员工 職員 职工 雇员 人员 직원 임직원 종업원 עובדים موظف* karyawan nhân_viên พนักงาน कर्मचारी`,
  },
  customers: {
    groups: ['count'],
    words: `businesses households husstander husstande hushall haushalte foyers hogares famiglie abonnenter kunders serves shippers customer* client clients clientele kunden kunde kundinnen clients clientes clienti klanten kunder klient* asiaka* zakaznik* клиент* 顧客 客户 取引先 고객 musteri*`,
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
    words: `χωρες χωρων maihin maahan maassa maata orszag* tari tarilor ulkeye ulkede країн* країнах zemalja zemlje zemalji riiki riigis salyse salis valstis negara quoc_gia krajoch krajin länder nations nationalities zemi zemich countries markets landern lander staaten pays paises paesi landen kraje krajach krajow странах стран カ国 か国 ヶ国 个国家 개국 ulke* maissa`,
  },
  projects: {
    groups: ['count'],
    words: `projects projekte projets proyectos progetti projecten projekt* проект* patents patente brevets products produkte produits productos prodotti articles brands marken`,
  },
  reviews: {
    groups: ['count'],
    words: `velemeny* ertekeles recenzii відгук* отзива recenzija arvustus* atsauksm* atsiliepim* κριτικες yorum* danh_gia ulasan review reviews ratings votes bewertungen rezensionen avis resenas opiniones valoraciones recensioni avaliacoes beoordelingen recensioner anmeldelser opinii отзыв* レビュー 评价 리뷰`,
  },
  residents: {
    groups: ['count'],
    words: `nepesseg lakossag populatie населення stanovnistvo prebivalc* rahvaarv iedzivotaj* gyventoj* πληθυσμος nufus* dan_so penduduk vakiluku asukasluku population inhabitants residents einwohner* bevolkerung habitants habitantes poblacion abitanti popolazione populacao inwoners invanare indbyggere innbyggere mieszkanc* obyvatel* население жител* 人口 인구`,
  },
  students: {
    groups: ['count'],
    words: `hallgato* tanulo* студентів учнів ученици studenata ucenika opilas* skolenu φοιτητες μαθητες ogrenci* sinh_vien mahasiswa siswa estudantes alunos studerande studerende opiskelija* uczni* studentow studentu zaku students pupils enrolment enrollment studierende* schuler* etudiants eleves estudiantes alumnos studenti alunni studenten studenter студент* 学生 학생`,
  },
  rooms: {
    groups: ['count'],
    words: `szobak szobaszam номерів стаи istabas kambariai δωματια odasi phong kamar huoneita varelser pokoj* quartos habitacion* huonetta szoba* camera rooms room zimmer chambres habitaciones camere kamers rum hotellrum vaerelser номер* 室 床 객실`,
  },
  beds: {
    groups: ['count'],
    words:
      'luzek luzka lozka camas  beds betten lits camas posti_letto letti bedden sengeplasser bettenzahl lozek',
  },
  seats: {
    groups: ['count'],
    words:
      'sleeps seats seat seater sitzplatze platze covers couverts plazas posti_a_sedere coperti zitplaatsen stolar siddepladser sitteplasser miejsc 席',
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
    words: `vendimos vendemos vendio vendeu vendemos_por vendu_pour vendas netto_arbevetel ertekesites виручка_від доход_від дохід_від доходи обіг оборот_за приходи prihod* promet* kaive muugitulu apgrozijums apyvarta κυκλος_εργασιων τζιρος cirosu hasilati gelir* doanh_thu pendapatan penjualan vendas_anuais volum_de_afaceri 營收 年营收 销售收入 거래액 연매출 umgesetzt annual_sales takings erloste erwirtschaft* gesamtleistung produits_d_exploitation volumen_de_negocio giro_d_affari volume_d_affari omzette omsatte omsatter omsetter facturamos fatturiamo faturamos facturaba revenue* turnover sales net_sales *umsatz setzte umsatz* erlos erlose *erlose umsatzerlos* jahresumsatz chiffre_d_affaires chiffre_affaires ventes ingresos facturacion facturo factura ventas cifra_de_negocios fatturato ricavi faturamento receita* faturacao volume_de_negocios omzet* omsattning* nettoomsattning omsaetning* omsetning* liikevaihto* przychod* obrot* trzby obrat arbevetel* cifra_de_afaceri выручк* оборот* доход* дохід ciro* hasilat κυκλο_εργασιων εσοδα 売上高 売上 営業収益 营收 营业收入 收入 销售额 매출액 매출 מחזור إيرادات`,
  },
  profit: {
    groups: ['money'],
    words: `adozott_eredmeny nyereseg profit_net чистий_прибуток прибуток чистая_прибыль печалба dobit* dobicek zisk* cisty_zisk kasum* pelna grynasis_pelnas καθαρα_κερδη κερδη net_kar laba_bersih nettotulos tilikauden_tulos resultado_liquido resultado_neto risultato_netto arsresultat nettoresultat jaarresultaat net_result result_after_tax net_profit profit* earnings net_income net_loss gewinn* jahresuberschuss uberschuss ergebnis* verlust benefice* resultat resultat_net beneficio* ganancia* utile_netto lucro* winst* vinst* arets overskud* overskudd* zysk* прибыл* убыт* 純利益 利益 経常利益 净利润 利润 순이익`,
  },
  operatingProfit: {
    groups: ['money'],
    words: `ebit operating_result operating_profit operating_income operating_loss betriebsergebnis operatives_ergebnis resultat_operationnel resultat_d_exploitation resultado_de_explotacion resultado_operativo risultato_operativo resultado_operacional bedrijfsresultaat rorelseresultat driftsresultat liikevoitto liiketulos zysk_operacyjny provozni_zisk операционная_прибыль 営業利益 营业利润 영업이익`,
  },
  salary: {
    groups: ['money'],
    words: `salary salaries pay wage wages remuneration compensation gehalt* vergutung* lohn entgelt salaire* sueldo* salario* retribucion retribuzione stipendio vencimento remuneracao salaris loon lon loen palkka* wynagrodzeni* pensja mzda plat fizetes* salariu* зарплата оклад заробітна_плата maas ucret 給与 年収 月給 薪资 工资 연봉 급여`,
  },
  ebitda: { groups: ['money'], words: 'ebitda' },
  perShare: {
    groups: ['money'],
    words: `eps earnings_per_share ergebnis_je_aktie gewinn_je_aktie resultat_par_action benefice_par_action beneficio_por_accion utile_per_azione winst_per_aandeel resultat_per_aktie dividend_per_share dividend dividende dividendo`,
  },
  assets: {
    groups: ['money'],
    words: `assets total_assets under_management manages bilanzsumme vermogen verwaltet actif* activos attivo ativos activa tillgangar aktiver aktywa активы 総資産 资产 자산 liabilities debt`,
  },
  equity: {
    groups: ['money'],
    words: `equity shareholders_equity net_worth eigenkapital capitaux_propres fonds_propres patrimonio_neto fondos_propios patrimonio_netto capital_proprio eigen_vermogen egenkapital eget_kapital oma_paaoma kapital_wlasny vlastni_kapital 純資産 自己資本 净资产 자본총계`,
  },
  costs: {
    groups: ['money'],
    words: `cost_of_sales cost_of_goods cost_of_revenue operating_expenses selling_expenses deferred_revenue herstellungskosten materialaufwand personalaufwand wareneinsatz aufwendungen cout_des_ventes charges_d_exploitation coste_de_ventas gastos costo_del_venduto costi omkostninger kostnader kulut koszty naklady расходы себестоимость 売上原価 营业成本 매출원가`,
  },
  orders: {
    groups: ['money', 'count'],
    words: `order_book order_backlog backlog order_intake auftragsbestand auftragseingang carnet_de_commandes cartera_de_pedidos portafoglio_ordini orderportefeuille orderstock ordrereserve ordrebok 受注残`,
  },
  built: {
    groups: ['date'],
    words: `built constructed erbaut gebaut baujahr construit* annee_de_construction construid* costruit* gebouwd bouwjahr bouwjaar byggd byggt byggar bygget byggear opfort zbudowan* postaven* построен* 竣工 建成`,
  },
  renovated: {
    groups: ['date'],
    words: `renovated refurbished rebuilt extended expanded modernised modernized remodelled saniert renoviert* umgebaut erweitert modernisiert renove* rehabilite* reformad* renovad* ampliad* ristrutturat* ampliat* restaurat* verbouwd gerenoveerd renoverad* renoveret ombygd ombygget wyremontowan* rekonstruovan* реконструирован* 改装 改修`,
  },
  funding: {
    groups: ['money', 'date'],
    words: `invertir invirtio investit investissent investe invierte investeert investerar investerer investuje rahoitu* rahoituskierros* kerasi kerannyt kierroksen χρηματοδοτηση finantare* finansirovani* χρηματοδοτησ* kapitaltillskott nyemission kapitalforhojelse emisjon vc_investice secures secured secure bags nets lands funding funded raise raised raises raising series_a series_b series_c series_d series_e seed_round seed financing_round round investment invest invests invested investing venture finanzierung* finanzierungsrunde* kapitalerhohung investition* investiert levee leve levent leveee tour_de_table financement investissement financiacion ronda inversion levanta finanziamento raccolto raccoglie investimento rodada captou investering* opgehaald finansiering* tar_in rundfunding finansowani* inwestycj* инвестици* раунд* привлек* 調達 資金調達 出資 融资 轮融资 투자_유치`,
  },
  valuation: {
    groups: ['money'],
    words: `valuation valued bewertet bewertung valorisation valorisee valoracion valorada valutata avaliada market_cap market_capitalization market_capitalisation marktkapitalisierung borsenwert capitalisation_boursiere 時価総額 市值 시가총액 капитализаци*`,
  },
  capital: {
    groups: ['money'],
    words: `jegyzett_toke torzstoke capital_subscris статутний_капітал уставен_капитал temeljni_kapital osnovni_kapital zakladne_imanie osakapital pamatkapitals istatinis_kapitalas μετοχικο_κεφαλαιο sermaye odenmis_sermaye von_dieu_le modal_dasar cap_soc share_capital stated_capital stammkapital grundkapital capital_social capital_actions aktienkapital capitale_sociale aktiekapital* aksjekapital* anpartskapital osakepaaoma kapital_zakladowy zakladni_kapital уставный_капитал уставного_капитала 資本金 注册资本 自本金 자본금 maatschappelijk`,
  },
  price: {
    groups: ['money'],
    words: `cena_s_dph pretul ціна вартість τιμη fiyati 定価 小売価格 价钱 판매가 kainos maksaa ceny prices_from tickets from_price tarif price* priced cost costs fee rrp msrp sale_price preis* kostet prix coute precio* cuesta prezzo* costa preco* custa prijs* kost pris* kostar koster hinta* cena* kosztuje цена стоимость fiyat* 価格 税込 料金 价格 售价 가격`,
  },
  ceo: {
    groups: ['role'],
    words: `ledes_av leds_av ledes_af styres_av drivs_av drives_av drives_af bestuurder a_sa_tete an_ihrer_spitze an_seiner_spitze alla_sua_guida directrice direktorka riaditel* generalny_riaditel konatel* administrator_unic administrator izvrsni_direktor generalni_direktor predsednik_uprave predsjednik_uprave tegevjuht juhatuse_esimees valdes_priekssedetajs generalinis_direktorius изпълнителен_директор управител керівник очолює возглавляет очільник διευθυντης διευθυνουσα genel_muduru yonetici_direktor icra_kurulu_baskani giam_doc tong_giam_doc direktur_utama hauptgeschaftsfuhr* sprecher_der_geschaftsfuhrung aan_het_roer gerente_general gerente directora_gerente director_gerente at_the_top amministrator*_delegat* prezesem dyrektor*_generaln* generaln*_redit* styrer daily_management dagelijkse_leiding ceo diretta_da diretto_da generalnim_reditelem generalni_reditelkou dyrektorem_generalnym chef chefin presidente_executivo presidente_executiva presidente_da_comissao_executiva topman topvrouw directievoorzitter has_run has_led runs_the_company leads_the_company runs_the_firm leads_the_firm in_charge took_charge direktor at_the_head an_der_spitze a_la_tete aux_commandes al_frente alla_guida al_timone a_frente aan_het_hoofd i_spetsen i_spissen i_spidsen na_czele szefowa firmenchefin executive_director boss chief_exec dirigeant* presidente_ejecutivo presidenta_ejecutiva chief_executive chief_exec managing_director general_manager led_by headed_by run_by heads leads at_the_helm president_and geschaftsfuhr* geschaftsleiter* vorstandsvorsitz* vorstandssprecher* vorstandschef* geleitet leitet firmenchef* konzernchef* pdg directeur_general directrice_generale president_directeur_general presidente_directrice_generale dirigee dirige gerant gerante patron director_general directora_general consejero_delegado consejera_delegada administrador_unico administradora_unica amministratore_unico amministratrice_unica director_ejecutivo directora_ejecutiva dirige dirigida amministratore_delegato amministratrice_delegata guidata diretor_presidente diretora_presidente diretor_executivo diretora_executiva diretor_geral algemeen_directeur bestuursvoorzitter directeur verkstallande_direktor vd koncernchef administrerende_direktor adm_direktor adm_dir daglig_leder konsernsjef toimitusjohtaja* prezes* prezes dyrektor_generalny generalni_reditel generalni_reditelka jednatel* vezerigazgato* ugyvezeto* генеральн* гендиректор* глава руководит руководитель генеральний_директор genel mudur* διευθυνων_συμβουλος 代表取締役 代表取締役社長 社長 代表者 最高経営責任者 代表 首席执行官 总裁 总经理 法定代表人 대표이사 대표 최고경영자 מנכ_ל الرئيس_التنفيذي`,
  },
  cfo: {
    groups: ['role'],
    words: `gazdasagi_igazgato director_financiar фінансовий_директор finančný_riaditeľ financny_riaditel mali_isler_muduru finantsjuht talouspaallikko οικονομικος_διευθυντης dyrektor*_finansow* financni*_redit* finans*_direkt* cfo financni_reditelkou financnim_reditelem dyrektorem_finansowym chief_financial chief_finance finance_director finance_chief finanzvorstand* finanzchef* directeur_financier directrice_financiere director_financiero directora_financiera direttore_finanziario diretor_financeiro diretora_financeira financieel_directeur finansdirektor finanschef okonomidirektor talousjohtaja dyrektor_finansowy dyrektorka_finansowa financni_reditel финансов* 最高財務責任者 财务总监 首席财务官 최고재무책임자 treasurer`,
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
    words: `formand* formann* formann vorsitz* vorsitzender vorsitzende elnok* igazgatosag_elnoke presedinte* predseda_predstavenstva predsednik_nadzornega hallituksen_puheenjohtaja puheenjohtaja* nõukogu_esimees padomes_priekssedetajs голова_наглядової_ради голова_ради председател_на πρoεδρος προεδρος yonetim_kurulu_baskani chu_tich komisaris_utama chair chaired_by chairman chairwoman chairperson chairs board_chair aufsichtsratsvorsitz* aufsichtsrat* beiratsvorsitz* president_du_conseil presidente_du_conseil presidente_del_consejo presidente_del_consiglio voorzitter* ordforande* styrelseordforande* styreleder* bestyrelsesformand* przewodniczac* rady predseda председател* 会長 董事长 의장 회장`,
  },
  founder: {
    groups: ['role'],
    words: `alapitotta alapitoja fondator* fondatorul засновниц* заснував заснувала основател osnivac* zakladate* ustanovitelj* asutaja* dibinataj* ikurej* ιδρυτη ιδρυτρια kurucusu sang_lap pendiri perustaj* perusti zalozil* zalozila kurdu founder founders cofounder cofounders cofounded co_founder co_founders founded_by started_by established_by created_by founded grunder* mitgrunder* grunderin grundete gegrundet fondateur* fondatrice* cofondateur* cofondatrice* fondee_par fonde_par fundador* cofundador* fundada_por fundado_por fondatore fondatrice fondatori fondata_da fondato_da per_opera_di oprichter* grundare medgrundare grunnlegger* grundlaegger* stifter* medstifter perustaja* zalozyciel* wspolzalozyciel* zakladatel* alapito* основател* сооснователь* основал* засновник* kurucu* ιδρυτης 創業者 創設者 创始人 创办人 창업자 설립자 مؤسس`,
  },
  otherRole: {
    groups: ['role'],
    words: `prokura ehrenvorsitz* ehrenprasident* honorary_president honorary_chair* president_d_honneur presidente_honorario presidente_onorario hedersordforande kassenwart* schatzmeister* responsable responsabile ansvarlig verantwortlich* verantwoordelijke pressekontakt* ansprechpartner* media_contact press_contact contact_presse contacto_de_prensa ufficio_stampa perscontact presskontakt* kontaktperson* investor_relations directrice_commerciale directeur_commercial directeur_de directrice_de directrice_adjointe directeur_adjoint director_comercial directora_comercial direttore_commerciale direttrice_commerciale commercieel_directeur technisch_directeur marknadschef forsaljningschef salgsdirektor salgschef sales_director commercial_director director manager officer head_of vice_president vp svp evp secretary spokesman spokeswoman spokesperson analyst board_member office_manager assistant engineer chief_people chief_product chief_legal chief_revenue chief_commercial chief_information counsel professor minister mayor journalist reporter editor author written_by photo sprecher* pressesprecher* leiter leiterin vertriebsleiter* personalleiter* assistentin prokurist* responsable_directeur administrador* administrateur* amministratore amministratrice wiceprez* viceprez* vizeprasident* vicepresident* leitung_der porte_parole journaliste portavoz responsabile portavoce porta_voz woordvoerder* talsperson* talsmand rzecznik* dyrektor kierownik mluvci пресс секретарь менеджер 取締役 部長 監査役 広報 经理 主任 董事 이사 부장 successor joins investor partner`,
  },
  president: {
    groups: ['role'],
    words: `社長 代表取締役社長 president prasident* presidente presidenta voorzitter prezydent президент* 総裁`,
  },
  founded: {
    groups: ['date', 'location'],
    words: `startdato spun_out spun_off ausgegrundet essaime escindida abertura apertura ouverture eroffnung eroffnet otwarcie otwart* alapitas_eve alapitottak alapitasa alapitott an_infiintare infiintare anul_infiintarii fondata_in засноване засновано створен* рік_заснування основан_през осн osnovan* osnovano ustanovljen* zalozena zalozeny vznik_firmy datum_vzniku asutatud asutamis* dibinat* ikurt* ετος_ιδρυσης ιδρυθεισα kuruldugu thanh_lap didirikan berdiri oprichtingsdatum oprichtingsjaar stiftelsesdato stiftet_ar etableringsar registreringsar bildad 設立日 創業年 成立日期 注册时间 成立时间 설립연도 inaugur* zalozil* дата_регистрации grundete fundo otevren* opening_year year_opened oprettet oprettelse registrerat registrerad registreret registrert registrada registrado enregistree immatriculation immatriculee iscritta zarejestrowan* ersteintragung eingetragen dates_back_to goes_back_to came_into_being started_life vu_le_jour voit_le_jour remonte nacque nacida comecou ontstond ontstaan startade begyndte set_up founded founding foundation established estd est since inception started start began begun formed created opened launched launch incorporated incorporation registered_on registration_date year_founded incorporation_date date_of_incorporation gegrundet grundung* gegr besteht existiert seit fondee fonde fondation creee cree creation depuis annee_de_creation fundad* fundacion constitucion constituid* inscription eintragung operating_since active_since en_activite en_activo attiva_dal attivo_dal dziala* creada creado nacio nasceu desde fondat* costituit* nata nasce nasceva dal fondazione costituzione fundacao constituida criada opgericht* oprichting* sinds gesticht grundad* grundat* grundades startades bildades sedan grundlagt stiftet etableret etablert stiftelse startet siden perustettu perustettiin perustamis* vuodesta zalozon* zal powstal* powsta* rok_zalozenia zalozen* vznik* od_roku alapit* alapitva infiintat* fondat* основан* основана создан* образован* зарегистрирован* год_основания заснован* kurulus* kuruldu kurulan ιδρυθηκε ιδρυση 設立 創業 創立 設立年月日 成立 创立 创办 创建 注册日期 설립 창립 설립일 נוסדה تأسست تأسيس`,
  },
  acquired: {
    groups: ['date', 'money'],
    words: `repris reprend rileva rilevato rilevata overtog overtok overtar prevzal* prevzala tog_over αποκτησ* εξαγορ* achizition* megvasarol* felvasarol* osti satin_al* придбал* придба* preuzel* compro compraron adquirieron achete kauften koopt acquisto acquired acquisition acquires bought buys takeover merged merger ubernommen ubernahme ubernimmt kauft rachete rachat acquis acquise adquirida adquirio adquisicion compra acquisita acquisizione adquirida aquisicao overgenomen forvarvade kopte opkobt przejet* przejal przejeci* koupil куплен* приобрел* 買収 收购 인수`,
  },
  moved: {
    groups: ['date', 'location'],
    words: `move move_to moved relocated moves relocating umgezogen verlegt verlegte umzug demenage transfere trasladada traslado trasferita verhuisd flyttade flyttet przeniosla переехал* 移転 搬迁 이전 renamed umbenannt renommee`,
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
    words: `sted paikkakunta lugar luogo lieu ulice 市 stato 城市 所在城市 panstwo zeme orszag tara krajina riik valsts salis χωρα ulke країна държава drzava szekhelye kozpontja kozpont cime helyseg telepules sediul_social judet localitate headquarters_in юридична_адреса адреса розташован* знаходиться седалище град адрес_на sjediste sediste grad sidlo sidli asukoht asub linn aadress adrese pilseta adresas miestas buveine εδρευει πολη adresi tru_so dia_chi thanh_pho kantor_pusat 总部地址 办公地址 本部 소재 toimipaikka postitoimipaikka säte hjemby county province district parish home_base beheimatet se_trouve se_encuentra si_trova znajduje headquarter* headquartered hq based located location seat head_office main_office registered_office office_address address home town city country locality region state domiciled place street hauptsitz* firmensitz* sitz *sitz zentrale ansassig standort adresse anschrift ort stadt land siege siege_social base basee situe* situee implante* adresse ville pays localite sede ubicad* domicilio con_sede direccion ciudad pais localidad poblacion sede_legale indirizzo citta paese con_sede localizada endereco cidade pais sediada gevestigd* hoofdkantoor* vestiging* adres kantoor plaats stad huvudkontor* sate adress baserat baserad ort stad hovedkontor* hovedsaede hjemsted adresse baseret basert paakonttori* kotipaikka* osoite* kaupunki sijaitsee siedzib* adres* miasto miejscowosc kraj sidl* adresa mesto szekhely* cim varos sediul* adresa oras штаб квартир* офис* адрес* расположен* город* находится базируется страна головний_офіс місто merkez* adres sehir εδρα διευθυνση 所在地 本社 住所 本店 本社所在地 总部 地址 位于 所在地 总部位于 注册地 본사 소재지 주소 위치 משרדי المقر مقرها`,
  },
  postcode: {
    groups: ['location'],
    words: `postcode post_code zip zip_code postal_code postleitzahl plz code_postal codigo_postal postnummer postnr postinumero psc irsz kod_pocztowy posta_kodu почтовый_индекс индекс 郵便番号 邮编 우편번호`,
  },
  jurisdiction: {
    groups: ['location'],
    words: `state_of_incorporation incorporated_in jurisdiction state_of_registration country_of_incorporation country_of_registration place_of_incorporation organized_under`,
  },
  phone: {
    groups: ['contact'],
    words: `telefonszam telefon_mobil тел_факс телефонний puhelinnumero telefoninumber talrunis τηλεφωνο τηλ telefon_no dien_thoai telepon telefonnummer rufnummer phone telephone tel call telefon* fon telefono telefone telefoon tfn tlf puh puhelin тел телефон* 電話 電話番号 tel 电话 전화 ring appelez`,
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
    words: `tevekenyseg* domeniul_de_activitate вид_діяльності предмет_дейност djelatnost dejavnost predmet_podnikania tegevusala nozare veikla δραστηριοτητα faaliyet_alani sektor nganh_nghe bidang_usaha verksamhetsområde bransje næring industry industries sector sectors business category field branche* industrie gewerbe secteur activite sector actividad settore attivita setor ramo bransch toimiala branza obor отрасль сфера 業種 事業内容 行业 업종 specialises specializes maker provider manufacturer hersteller anbieter fabricant fournisseur fabricante proveedor produttore`,
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
    words: `belongs_to belonged_to ingar_i gehoren_zu fait_partie_du fa_parte_del onderdeel_van titolare inhaber* eigentumer* proprietaire* propietari* proprietari* eigenaar* agare ejer ejere eier eiere wlasciciel* majitel* владелец владельц* オーナー proprietor parent parent_company subsidiary subsidiary_of owned_by part_of division_of owner muttergesellschaft mutterkonzern tochter tochtergesellschaft gehort filiale_de maison_mere appartient filial matriz pertenece controllata capogruppo dochteronderneming dotterbolag moderbolag datterselskab moderselskab 親会社 子会社 母公司 子公司 모회사 자회사`,
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
    words: `adoszam kozossegi_adoszam cod_fiscal єдрпоу іпн ідентифікаційний_код данъчен_номер davcna_stevilka danove_cislo ic_dph km_kood kaibemaksukohustuslase_number pvn pvm_kodas αφμ vergi_no vergi_numarasi vergi_kimlik_no ma_so_thue npwp alv_numero momsnummer momsregistreringsnummer codice_fiscale numero_fiscal steuernummer ust_idnr tva_numero gstin vat vat_number vat_id tax_id tax_number ust id ustid idnr umsatzsteuer* uid ide rfc mwst tva tva_intracommunautaire nif cif p_iva partita_iva iva nipc cnpj btw moms momsreg nip dic ico инн огрн кпп cui ein gst abn`,
  },
  registration: {
    groups: ['name'],
    words: `cegjegyzekszam nr_registrul_comertului registrul_comertului єдрпоу код_єдрпоу реєстраційний_номер еик maticni_broj mbs maticna_stevilka identifikacne_cislo registrinumber registracijas_numurs imones_kodas αριθμος_γεμη γεμη ticaret_sicil_no mersis_no ma_so_doanh_nghiep ytunnus registreringsnummer cvr_nummer kvk_nummer numero_rea partita_registro nif_registro company_id 会社法人等番号 注册号码 登记号 *registernummer handelsregister* registereintrag* firmenbuch* registry_code company_registration rejstrik* registrikood firmabuch reg_nr reg_code registered_in registered_no company_reg reg_no company_number registration_number registered_number company_no crn register registernummer handelsregister hrb hra registergericht siren siret rcs rea kvk cvr org orgnr organisasjonsnummer organisationsnummer y_tunnus krs regon ico огрн 法人番号 统一社会信用代码 注册号 사업자등록번호 number`,
  },
  rating: {
    groups: ['measure'],
    words:
      'ertekeles оцінка ocjena hinnang reitings ivertinimas βαθμολογια degerlendirme danh_gia hodnocen* avaliacao avis_moyen wertung rating rated stars score bewertung note etoiles puntuacion estrellas valutazione stelle nota beoordeling betyg vurdering ocena оценка рейтинг 評価 评分 평점',
  },
  weight: {
    groups: ['measure'],
    words:
      'tomeg greutate маса тегло svars svoris βαρος agirlik trong_luong nettovekt egenvekt egenvikt weight weighs gewicht wiegt poids pese peso pesa gewicht vikt vaegt vekt paino waga hmotnost вес масса 重量 重さ 质量 무게',
  },
  height: {
    groups: ['measure'],
    words:
      'hoyde magassag inaltime висота височина visina korgus augstums υψος yukseklik chieu_cao height high tall hohe hauteur altura altezza hoogte hojd hojde korkeus wysokosc vyska высота 高さ 高度 높이',
  },
  width: {
    groups: ['measure'],
    words:
      'szelesseg latime sirina laius platums πλατος genislik chieu_rong width wide breite largeur anchura ancho larghezza largura breedte bredd bredde leveys szerokosc sirka ширина 幅 宽度 너비',
  },
  length: {
    groups: ['measure'],
    words:
      'hosszusag lungime довжина дължина duljina dolzina pikkus garums μηκος uzunluk chieu_dai length long lange longueur longitud largo lunghezza comprimento lengte langd laengde lengde pituus dlugosc delka длина 長さ 全長 长度 길이',
  },
  depth: {
    groups: ['measure'],
    words:
      'depth deep tiefe profondeur profundidad profondita diepte djup dybde syvyys glebokosc hloubka глубина 奥行 深度 깊이',
  },
  volume: {
    groups: ['measure'],
    words:
      'capacity volume holds seater seats spectators fassungsvermogen volumen inhalt kapazitat contenance capacite capacidad capienza capacita inhoud kapacitet volym kapasitet tilavuus pojemnosc objem объем емкость 容量 용량',
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
      'terulet alapterulet suprafata площа площ povrsina pindala platiba plotas εμβαδον yuzolcumu dien_tich boarea wohnflache nutzflache surface_habitable superficie_util covers covering extends_over area surface space floor flache grundstuck superficie surface area oppervlakte yta areal pinta powierzchnia plocha площадь 面積 面积 면적',
  },
  colour: {
    groups: ['kind'],
    words:
      'colour color farbe couleur color colore cor kleur farg farve farge vari kolor barva цвет 色 カラー 颜色 색상',
  },
  material: {
    groups: ['kind'],
    words:
      'fabric upper shell stoff tissu tela tessuto stof tyg material materials matiere materiau materiale materiaal materiali material материал 素材 材质 소재',
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
  headOfSchool: {
    groups: ['role'],
    words: `rektor* headteacher head_teacher headmaster headmistress principal schulleit* skoleleder proviseur* directeur_d_ecole dirigente_scolastico rector rectora rettore rettrice reitor* rehtori ректор* 校長 校长 교장 총장 学長`,
  },
  mayor: {
    groups: ['role'],
    words: `mayor burgermeister* oberburgermeister* maire alcalde alcaldesa sindaco sindaca prefeito prefeita burgemeester borgmester borgmastare borgermester burmistrz* prezydent_miasta starost* primator* polgarmester мэр* 市長 市长 시장`,
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
  auditor: {
    groups: ['name'],
    words: `auditor auditors audited_by organe_de_revision commissaire_aux_comptes commissaires_aux_comptes revisionsstelle abschlussprufer* wirtschaftsprufer* auditora auditores revisore revisori societa_di_revisione accountant* revisor revisorer tilintarkastaja* biegly_rewident auditorska аудитор* 監査法人 会計監査人 审计机构 감사인`,
  },
  site: {
    groups: ['location'],
    words: `ofisi ofis telephely* punct_de_lucru sucursala fioktelep філія філії завод_у клон podruznica pobocka prevadzka sivukonttori tehdas toimipiste fabrika υποκαταστημα εργοστασιο chi_nhanh nha_may kantor_cabang pabrik sede_operativa sede_amministrativa sede_secondaria unita_locale avdeling* afdeling* filialer kontorer offices branches depots niederlassungen standorte agences sucursales filiali vestigingen oddzial* pobock* works_at service_depot plant factory warehouse depot subsidiary laboratory research_centre branch branch_office produktionsstandort produktion fabrik* zweigstelle niederlassung* usine entrepot filiale succursale agence fabrica planta sucursal stabilimento magazzino fabriek filiaal zaklad* zavod завод* филиал* 工場 支店 工厂 分公司 공장 지점`,
  },
  origin: {
    groups: ['location'],
    words: `made_in country_of_origin origin manufactured_in produced_in hergestellt_in herkunft* ursprungsland fabrique_en pays_d_origine fabricado_en pais_de_origen prodotto_in made paese_di_origine land_van_herkomst ursprung tillverkad_i produceret_i kraj_pochodzenia страна_производства 原産国 产地 원산지`,
  },
  raised: {
    groups: ['location'],
    words: `grew_up raised_in lives lives_in resides aufgewachsen wuchs lebt wohnt grandi vit_a vive cresci* crecio vive_en cresciut* abita opgegroeid woont bor uppvuxen vokste_op mieszka wychowal*`,
  },
  listing: {
    groups: ['date'],
    words:
      'listed went_public ipo floated stock_exchange borsengang borsennotiert introduite_en_bourse cotee cotiza cotizada quotata beursgang borsnoterad borsnoteret borsnotert debut_gieldowy',
  },
  stadium: {
    groups: ['name'],
    words: 'stadium ground arena home_ground stadion stade estadio stadio estadi plays_at play_at',
  },
  acquirer: {
    groups: ['name'],
    words:
      'acquirer buyer bought_by acquired_by taken_over_by sold_to purchased_by ubernommen_von verkauft_an gekauft_von rachete_par rachetee_par vendu_a vendue_a adquirida_por comprada_por vendida_a acquisita_da venduta_a overgenomen_door verkocht_aan kopt_av forvarvad_av kobt_af solgt_til kupion* przejeta_przez',
  },
  elevation: {
    groups: ['measure'],
    words:
      'elevation altitude above_sea_level asl hohe_uber meereshohe altitud altitudine hojd_over nad_poziomem m_n_m',
  },
  deadline: {
    groups: ['date'],
    words:
      'deadline apply_by apply_before closing_date closes valid_through bewerbungsfrist bewerbungsschluss anmeldeschluss frist date_limite fecha_limite scadenza sluitingsdatum sista_ansokningsdag ansogningsfrist soknadsfrist termin_skladania',
  },
  certification: {
    groups: ['kind'],
    words:
      'certified certification certificate certificates accredited zertifiziert zertifizierung zertifikat certifie certifiee certificado certificacion certificata certificazione certificering certificerad certifikat certyfikat сертифи* 認証 认证 인증',
  },
};
