/**
 * Legal forms by country, as they are written after a name. Written from general knowledge of company registers:
 * no maintained npm package has such a list, and GLEIF's list of entity legal forms is not packaged for npm.
 * Abbreviations may be written with or without dots. Forms that are also common words or place names, such as PC, NA
 * and CA, are missing on purpose: removing them would make different companies equal.
 */
export const FORMS_BEHIND: Readonly<Record<string, string>> = {
  international: 'SE; Societas Europaea; EEIG; SCE',
  'US, Canada': `Inc; Incorporated; Corp; Corporation; Co; Company; LLC; L L C; LP; LLP; LLLP; PLLC; PBC; ULC
    Limited Liability Company; Limited Liability Co; Limited Liability Partnership; Limited Partnership
    Professional Corporation; Professional Limited Liability Company; Public Benefit Corporation
    Benefit Corporation; Unlimited Liability Company; National Association; Ltée; Limitée; Incorporée; SENC; Enr`,
  'Britain, Ireland': `Ltd; Limited; PLC; Public Limited Company; Private Limited Company; Private Company Limited by Shares
    CIC; Community Interest Company; DAC; Designated Activity Company; CLG; Company Limited by Guarantee
    Unlimited Company; Teoranta; Cyf; Cyfyngedig; Private Unlimited Company`,
  'Germany, Austria, Switzerland': `GmbH; mbH; gGmbH; GesmbH; Ges mbH; Ges m b H; Gesellschaft mbH; Gesellschaft m b H
    Gesellschaft mit beschränkter Haftung; gemeinnützige GmbH; AG; gAG; Aktiengesellschaft; KG; Kommanditgesellschaft; KGaA
    Kommanditgesellschaft auf Aktien; oHG; Offene Handelsgesellschaft; OG; Offene Gesellschaft; GbR
    Gesellschaft bürgerlichen Rechts; UG; UG haftungsbeschränkt; Unternehmergesellschaft; haftungsbeschränkt
    Unternehmergesellschaft haftungsbeschränkt; eV; e V; eingetragener Verein; eG; eingetragene Genossenschaft
    Genossenschaft; e K; eK; eKfm; eKfr; eingetragener Kaufmann; eingetragene Kauffrau; PartG; PartGmbB; PartG mbB; Sagl`,
  'France, Belgium, Luxembourg': `SA; SAS; SASU; SARL; SARLU; EURL; EIRL; SNC; SCI; SCA; SCS; SC; SCOP; SELARL; SELAS; GIE
    Société Anonyme; Société à Responsabilité Limitée; Société par Actions Simplifiée
    Société par Actions Simplifiée Unipersonnelle; Société en Nom Collectif; Société Civile Immobilière
    Société en Commandite par Actions; Société en Commandite Simple; Société Coopérative
    Entreprise Unipersonnelle à Responsabilité Limitée; Cie; Compagnie; SPRL; SCRL; SRL; BVBA; CVBA; ASBL; VZW
    Société Privée à Responsabilité Limitée; Société Européenne`,
  Netherlands: `NV; BV; VOF; CV; Naamloze Vennootschap; Besloten Vennootschap; Vennootschap onder Firma
    Besloten Vennootschap met beperkte aansprakelijkheid; Commanditaire Vennootschap; Coöperatie UA; Coöperatieve UA`,
  Italy: `SpA; Srl; Srls; SApA; Snc; Sas; Scarl; S c a r l; Scpa; Società per Azioni; Società a Responsabilità Limitata
    Società a Responsabilità Limitata Semplificata; Società in Nome Collettivo; Società in Accomandita Semplice
    Società Cooperativa; Soc Coop; Soc Coop a r l; Soc Coop a r.l.; Soc Coop arl; Società Benefit`,
  Spain: `SA; SL; SLU; SAU; SLL; SAL; SLNE; SLP; Sociedad Anónima; Sociedad Limitada; Sociedad de Responsabilidad Limitada
    Sociedad Limitada Unipersonal; Sociedad Anónima Unipersonal; Sociedad Limitada Nueva Empresa; Sociedad Cooperativa
    S Coop; Compañía; Cía`,
  'Portugal, Brazil': `Lda; Ltda; Limitada; SGPS; SA; Unipessoal Lda; Unipessoal Limitada; Sociedade Unipessoal Lda
    Sociedade Anônima; Sociedade Anónima; Sociedade Limitada; Ltda ME; Ltda EPP; EIRELI; EIRELI ME; EIRELI EPP; Cia; Companhia`,
  'Spanish America': `SA de CV; SAB de CV; SAPI de CV; SAB; SAPI; S de RL; S de RL de CV; S en C; SC de RL de CV; SAC; SAA; SAS
    Sociedad Anónima de Capital Variable; Sociedad de Responsabilidad Limitada de Capital Variable; EIRL; SpA; Cía Ltda; CV
    Sociedad Anónima Bursátil de Capital Variable; Sociedad por Acciones Simplificada; Sociedad Anónima Cerrada
    Sociedad por Acciones; Compañía Anónima; SA ESP; SA CV; SA de CV SOFOM ENR; RL; SRL de CV`,
  Sweden:
    'AB; AB publ; publ; Aktiebolag; Aktiebolaget; HB; Handelsbolag; KB; Kommanditbolag; Ek för; Ekonomisk förening',
  Norway: 'AS; ASA; A S; Aksjeselskap; Allmennaksjeselskap; ANS; NUF',
  Denmark: 'A/S; ApS; IVS; I/S; K/S; P/S; Aktieselskab; Anpartsselskab; Amba; A m b a; Fmba',
  Finland: `Oy; Oyj; Oy Ab; Oyj Abp; Abp; Ky; Tmi; Osk; Osakeyhtiö; Julkinen Osakeyhtiö; Osuuskunta
    Kommandiittiyhtiö; Ab Oy`,
  Iceland: 'hf; ehf; ohf; slf; Hlutafélag; Einkahlutafélag',
  'Estonia, Latvia, Lithuania': `OÜ; Osaühing; Aktsiaselts; FIE; SIA; Sabiedrība ar ierobežotu atbildību; Akciju sabiedrība
    UAB; Uždaroji akcinė bendrovė; Akcinė bendrovė`,
  Poland: `Sp z o o; Sp z o.o.; Sp zoo; Spzoo; Spółka z o o; Spółka z o.o.; Spółka z ograniczoną odpowiedzialnością; SA; Spółka Akcyjna; Sp k; Sp j; Sp p
    Spółka komandytowa; Spółka jawna; Spółka partnerska; Spółka cywilna; S K A; Prosta Spółka Akcyjna
    Spółka komandytowo akcyjna`,
  'Czechia, Slovakia': `sro; s r o; spol s r o; spol sro; Společnost s ručením omezeným; Spoločnosť s ručením obmedzeným
    a s; akciová společnost; akciová spoločnosť; v o s; k s; spol; státní podnik`,
  Hungary: `Kft; Zrt; Nyrt; Rt; Bt; Kkt; Korlátolt Felelősségű Társaság; Zártkörűen Működő Részvénytársaság
    Nyilvánosan Működő Részvénytársaság; Részvénytársaság; Betéti Társaság`,
  Romania: 'SRL; SRL D; SA; PFA; Societate cu Răspundere Limitată; Societate pe Acțiuni',
  'Slovenia, Croatia, Serbia, Bosnia, North Macedonia': `doo; d o o; jdoo; j d o o; dd; d d; dno; dooel; AD
    Družba z omejeno odgovornostjo; Delniška družba; Društvo s ograničenom odgovornošću
    Društvo sa ograničenom odgovornošću; Dioničko društvo; Akcionarsko društvo; д о о; доо; а д; дооел`,
  Bulgaria: 'OOD; EOOD; AD; EAD; ООД; ЕООД; АД; ЕАД; ЕТ',
  'Greece, Cyprus': `ΑΕ; ΕΠΕ; ΙΚΕ; ΟΕ; ΕΕ; Ανώνυμη Εταιρεία; Ανώνυμος Εταιρεία; Εταιρεία Περιορισμένης Ευθύνης
    Ιδιωτική Κεφαλαιουχική Εταιρεία; ΑΒΕΕ; Α Β Ε Ε; EPE; ABEE; Societe Anonyme`,
  Turkey: `AŞ; A Ş; Anonim Şirketi; Ltd Şti; Limited Şirketi; Şti; Ltd Şirketi; San ve Tic AŞ; San ve Tic Ltd Şti
    Sanayi ve Ticaret AŞ; Sanayi ve Ticaret Anonim Şirketi; Sanayi ve Ticaret Limited Şirketi; San Tic Ltd Şti; San Tic AŞ
    Sanayi ve Ticaret Ltd Şti; San ve Tic A Ş; Sanayi ve Ticaret A Ş; San Tic A Ş`,
  Israel: 'בע"מ; בעמ',
  'Russia, Ukraine, Belarus, Kazakhstan': `ООО; ОАО; ЗАО; ПАО; АО; НАО; ОДО; ТОО; ИП; ТОВ; ТзОВ; ПАТ; ПрАТ; АТ; ФОП; ЧАО
    Общество с ограниченной ответственностью; Акционерное общество; Публичное акционерное общество
    Закрытое акционерное общество; Открытое акционерное общество; Непубличное акционерное общество
    Товариство з обмеженою відповідальністю; Приватне акціонерне товариство; Публічне акціонерне товариство
    Акціонерне товариство; OOO; OAO; ZAO; PAO; AO; TOV; JSC; PJSC; OJSC; CJSC
    Joint Stock Company; Public Joint Stock Company; Open Joint Stock Company; Closed Joint Stock Company; MMC`,
  'Gulf, Egypt, Lebanon': `WLL; W L L; FZE; FZCO; FZC; FZ LLC; FZ Co; LLC FZ; FZLLC; DMCC; DWC LLC; KSC; KSCP; KSCC; BSC; BSC Closed
    SAOG; SAOC; PSC; QSC; QPSC; QFZ LLC; SAL; SAE; S A E; ذ م م; ش م م; ش م ع; ش ذ م م`,
  'India, Pakistan, Bangladesh, Sri Lanka': `Pvt; Pvt Ltd; Pvt Limited; Private Limited; Private Ltd; P Ltd; P Limited
    OPC Pvt Ltd; OPC Private Limited; SMC Pvt Ltd; SMC Private Limited; Pvt Ltd Co`,
  'Singapore, Malaysia, Indonesia, Philippines': `Pte; Pte Ltd; Sdn Bhd; Bhd; Sendirian Berhad; Berhad; PLT; Tbk; Persero; OPC`,
  'Thailand, Vietnam': `PCL; Public Company Limited; Public Co Ltd; Co Ltd; JSC; TNHH
    One Member Limited Liability Company; One Member Co Ltd`,
  'Japan, China, Korea':
    'KK; K K; GK; Kabushiki Kaisha; Kabushiki Gaisha; Godo Kaisha; Yugen Kaisha; Chusik Hoesa; Jusik Hoesa',
  'Australia, New Zealand, South Africa': `Pty; Pty Ltd; Pty Limited; Proprietary Limited; Proprietary Ltd; No Liability
    SOC Ltd; NPC; Close Corporation; RF Ltd`,
  'North and West Africa': 'SUARL; SARL AU; SA AU',
};

/** Forms that are written before a name. */
export const FORMS_IN_FRONT = `
  The; Firma; Aktiebolaget; UAB; SIA; OÜ; AB; Oy; PT; PPHU; PHU; FHU; SARL; EURL; SASU
  OOO; OAO; ZAO; PAO; TOV; JSC; PJSC; OJSC; CJSC; ООО; ОАО; ЗАО; ПАО; АО; НАО; ТОО; ИП; ТОВ; ТзОВ; ПАТ; ПрАТ; АТ; ФОП
  Общество с ограниченной ответственностью; Акционерное общество; Публичное акционерное общество
  Закрытое акционерное общество; Открытое акционерное общество; Товариство з обмеженою відповідальністю
  Приватне акціонерне товариство; Публічне акціонерне товариство; Акціонерне товариство
  Uždaroji akcinė bendrovė; Akcinė bendrovė; Sabiedrība ar ierobežotu atbildību; Akciju sabiedrība; Osaühing
  Công ty Cổ phần; Công ty TNHH; Công ty TNHH MTV; Công ty TNHH Một Thành Viên; CTCP; Công ty CP
  شركة; חברת; Perseroan Terbatas; შპს; სს`;

/** Forms written both before and after a name: the one in front counts only if the one behind is there too. */
export const FORMS_AROUND: readonly (readonly [front: string, behind: string])[] = [
  ['SC', 'SRL'],
  ['SC', 'SA'],
];

/** Forms in front that are also initials or names: they count only before a name in quotation marks. */
export const FORMS_BEFORE_QUOTES =
  'AS; AO; SA; SC; IK; MB; VšĮ; ZS; TOO; Ltd; Company; Corporation; ЧП; АД; ООД; ЕООД';

/** Forms that are written without a space. */
export const UNSPACED_FORM =
  /株式会社|有限会社|合同会社|合資会社|合名会社|\(株\)|\(有\)|\(同\)|股份有限公司|有限责任公司|有限責任公司|有限公司|주식회사|유한회사|유한책임회사|\(주\)|\(유\)|บริษัท|จ\u0e4d\u0e32กัด|\(มหาชน\)/g;
