import type { PageKind, TextBlock } from './page-text.js';
import type { WalkedPage } from './walk-html.js';

interface Kind {
  readonly kind: PageKind;
  readonly reason: string;
}

/** Decides of what kind a page is, by its status and by what it says. Words alone never decide on a long page. */
export function judgePageKind(page: WalkedPage, status: number): Kind {
  const byStatus = findKindByStatus(status);
  if (byStatus !== null) return byStatus;
  const text = page.blocks.filter(({ role }) => role !== 'option').map((block) => block.text);
  const all = text.join('\n').slice(0, 20_000);
  const own = page.blocks.filter(isOwnText);
  const length = own.reduce((sum, block) => sum + block.text.length, 0);
  const heads = [
    page.title,
    ...page.blocks
      .filter(({ role }) => role === 'heading')
      .slice(0, 2)
      .map((block) => block.text),
  ];
  if (isChallenge(page, all, heads, length)) return { kind: 'blocked', reason: 'a check for robots' };
  if (length < 1_500 && heads.some((head) => REFUSED.test(head.trim())))
    return { kind: 'blocked', reason: 'access refused' };
  if (isMissing(heads, all, own, length))
    return { kind: 'gone', reason: 'the page says that it does not exist' };
  if (length < 2_500 && PARKED.test(all)) return { kind: 'gone', reason: 'the domain is for sale' };
  if (isLogin(page, heads, length)) return { kind: 'blocked', reason: 'a login form' };
  if (isConsentWall(own, page)) return { kind: 'unreadable', reason: 'a consent wall' };
  if (isPaywalled(page, all, length)) return { kind: 'paywalled', reason: 'only a part is free to read' };
  if (isShell(page, all)) return { kind: 'unreadable', reason: 'no text without running scripts' };
  return { kind: 'readable', reason: '' };
}

function findKindByStatus(status: number): Kind | null {
  const reason = `status ${status}`;
  if (status === 404 || status === 410) return { kind: 'gone', reason };
  if (status === 402) return { kind: 'paywalled', reason };
  if ([401, 403, 407, 429, 451].includes(status)) return { kind: 'blocked', reason };
  return status >= 400 ? { kind: 'unreadable', reason } : null;
}

function isOwnText({ region, role }: TextBlock): boolean {
  return region !== 'nav' && region !== 'footer' && region !== 'header' && role !== 'option';
}

function isChallenge({ marks }: WalkedPage, all: string, heads: readonly string[], length: number): boolean {
  if (length > 1_500) return false;
  return (
    heads.some((head) => CHALLENGE_TITLE.test(head.trim())) ||
    (CHALLENGE_TEXT.test(all) && (marks.hasChallenge || length < 600))
  );
}

const CHALLENGE_TITLE =
  /^(?:just a moment|attention required|are you (?:a )?(?:robot|human)|(?:please )?verify(?:ing)? (?:that )?you are (?:a )?human|security check|robot check|bot (?:check|verification)|checking your browser|human verification|ddos[- ]?guard|pardon our interruption|un momento|einen moment|un instant|request unsuccessful|captcha)/i;
const CHALLENGE_TEXT =
  /verify(?:ing)? (?:that )?you(?:'|’)?(?: a)?re (?:a )?(?:not a robot|human)|verify you are human|checking (?:if the site connection is secure|your browser)|enable javascript and cookies to continue|unusual traffic|not a robot|confirm (?:that )?you are (?:a )?human|complete the (?:captcha|security check)|press (?:&|and) hold|kein roboter|n['’]êtes pas un robot|no (?:es|eres) un robot|ロボットではありません|не робот|security of your connection|sicherheitsüberprüfung|browser wird überprüft/i;
const REFUSED =
  /^(?:(?:error )?40[13]\b|access (?:to this page has been )?denied|forbidden|you have been blocked|sorry, you have been blocked|access blocked|blocked$|zugriff verweigert|accès (?:refusé|interdit)|acceso denegado|accesso negato|too many requests|rate limit|(?:not|un)available in your (?:country|region)|451\b)/i;

function isMissing(
  heads: readonly string[],
  all: string,
  own: readonly TextBlock[],
  length: number,
): boolean {
  if (length > 2_000) return false;
  if (heads.some((head) => MISSING_HEAD.test(head.trim()))) return true;
  const first = own
    .slice(0, 4)
    .map((block) => block.text)
    .join('\n');
  return MISSING_TEXT.test(length < 600 ? all : first);
}

const MISSING_HEAD =
  /^(?:.{0,40}\b)?(?:404(?![\d.,]*\s*\p{L})(?:\s*(?:[-–—:|]|error|fehler|not|page)|$)|error 404|(?:page|site|file|document|content|article|job|listing|product|profile|company) (?:was |is |could )?(?:not|n['’]t)(?: be)? (?:found|exist|available)|not found(?:$|\s*[-–—|:])|(?:page|seite|inhalt|dokument|artikel) (?:wurde |konnte )?nicht (?:gefunden|vorhanden|verfügbar|mehr verfügbar)|page (?:introuvable|non trouvée|inexistante)|página (?:no|não) (?:encontrada|existe|disponible)|pagina non (?:trovata|disponibile)|pagina niet gevonden|sidan (?:hittades inte|finns inte)|siden (?:blev )?(?:ikke fundet|finnes ikke|ble ikke funnet)|sivua ei löy|nie znaleziono|strona nie (?:istnieje|została)|stránka (?:nenalezena|nebyla nalezena)|страница не найдена|не найдена?$|oldal nem található|sayfa bulunamadı)|ページが見つかりません|お探しのページ|页面不存在|找不到(?:页面|頁面)|未找到|페이지를 찾을 수 없|sorry, we (?:can|could)(?:['’]|no|n['’])?t find|(?:we|oops)[^.]{0,30}can['’]?t (?:seem to )?find|no longer (?:available|exists)$/iu;
const MISSING_TEXT =
  /(?:the |this )?(?:page|article|document|profile|listing|job|posting|product)(?: that)?(?: you(?:['’]re| are| were)? (?:looking|searching) for| you requested)?(?: has| may have| might have)?(?: been| is| was| does| could)? ?(?:not be found|not found|n['’]t (?:exist|found)|no longer (?:exists?|available)|not exist|been removed|been deleted|moved or no longer exists|been moved or deleted)|diese seite (?:existiert|gibt es) nicht|seite (?:ist )?nicht mehr verfügbar|cette page n['’]existe (?:pas|plus)|esta página (?:no existe|ya no)|questa pagina non esiste|deze pagina bestaat niet|お探しのページは|您访问的页面|존재하지 않는 페이지/i;
const PARKED =
  /\b(?:this|the) domain (?:name )?(?:is|may be) (?:for sale|available for purchase|parked)|buy this domain|domain (?:is )?parking|diese domain (?:steht zum verkauf|kaufen)|ce (?:nom de )?domaine est à vendre|este dominio está en venta/i;

function isLogin({ marks, title }: WalkedPage, heads: readonly string[], length: number): boolean {
  if (length > 1_200) return false;
  const says = heads.some((head) => LOGIN_HEAD.test(head.trim()));
  return (
    (marks.hasPassword && (says || length < 500)) || (says && length < 300 && LOGIN_HEAD.test(title.trim()))
  );
}

const LOGIN_HEAD =
  /^(?:.{0,60}[-–—|:]\s*)?(?:please )?(?:sign[- ]?in|log[- ]?in|log ?in or sign up|member login|sign[- ]?up|join (?:now|linkedin)|anmelden|einloggen|anmeldung|se connecter|connexion|identifiez-vous|iniciar sesión|inicia sesión|acceso|accedi|login|entrar|iniciar sessão|inloggen|logga in|log ind|logg inn|kirjaudu|zaloguj|přihlášení|вход|войти|ログイン|登录|登入|로그인|authwall)/i;

function isConsentWall(own: readonly TextBlock[], { data, links }: WalkedPage): boolean {
  const asks = own.filter(({ text }) => CONSENT.test(text));
  if (asks.length < 2 || data.some(({ source }) => source === 'json-ld')) return false;
  const asking = new Set(asks.map(({ group }) => group));
  const rest = own.filter(
    (block) => !CONSENT.test(block.text) && !asking.has(block.group) && block.role !== 'heading',
  );
  return rest.reduce((sum, { text }) => sum + text.length, 0) < 250 && links.length < 40;
}

const CONSENT =
  /\bcookies?\b|\bconsent\b|privacy|privatsphäre|datenschutz|einwilligung|accept all|reject all|manage (?:options|preferences)|\bpartners?\b.{0,40}(?:store|access|data)|alle (?:akzeptieren|ablehnen)|akzeptieren|ablehnen|zustimmen|tout (?:accepter|refuser)|accepter|refuser|vie privée|aceptar|rechazar|privacidad|accett|rifiut|riservatezza|aceitar|rejeitar|privacidade|accepteren|weigeren|godkänn|acceptera|samtykke|integritet|zaakceptuj|akceptuj|prywatno|souhlas|согласи|конфиденциальност|同意|プライバシー|隐私|동의/i;

function isPaywalled({ data }: WalkedPage, all: string, length: number): boolean {
  const isPaid = data.some(
    ({ source, path, value }) =>
      source === 'json-ld' && path.at(-1) === 'isAccessibleForFree' && /^false$/i.test(value),
  );
  return isPaid || (length < 6_000 && TEASER.test(all));
}

const TEASER =
  /subscribe (?:now )?to (?:keep|continue|read|unlock)|(?:to (?:continue|keep) reading|to read (?:the (?:full|rest)|this) (?:article|story|of)?)|(?:for|only for|exclusive to|available to) (?:our )?subscribers(?: only)?|subscribers[- ]only|already a (?:subscriber|member)\?|(?:this|the) (?:article|content|story) is (?:for|reserved for|available to|exclusively for) (?:paying |premium )?(?:subscribers|members)|unlock this (?:article|story)|you(?:['’]ve| have) reached your (?:free )?(?:article )?limit|jetzt weiterlesen|weiterlesen mit|(?:nur )?für abonnent|nur mit abo|artikel ist (?:nur )?für abonnent|mit [\w+ ]{2,20}(?:\+|plus|abo) weiterlesen|sie haben bereits ein abo|réservée? (?:à nos|aux) abonnés|il vous reste .{1,20} de cet article|pour lire la suite|déjà abonné|(?:exclusivo|solo) para (?:suscriptores|abonados)|para seguir leyendo|(?:riservato|contenuto riservato) (?:agli|ai) abbonati|per continuare a leggere|(?:exclusivo|só) para assinantes|(?:alleen )?voor abonnees|verder lezen met|(?:endast )?för prenumeranter|kun for abonnenter|tylko dla (?:prenumeratorów|subskrybentów)|только для подписчиков|会員限定|有料会員|続きを読むには|订阅后|仅限会员|구독자 전용/i;

function isShell({ blocks, data, marks }: WalkedPage, all: string): boolean {
  const hasData = data.some(({ source }) => source === 'json-ld' || source === 'json');
  const described = data.some(
    ({ source, path, value }) => source === 'meta' && /description/i.test(path[0] ?? '') && value.length > 40,
  );
  if (hasData || described) return false;
  if (
    all.length < 400 &&
    /(?:enable|requires?|activate|turn on|need) (?:to enable )?javascript|javascript (?:is )?(?:required|disabled|aktivieren)|activer javascript|habilit\w+ javascript|javascriptを有効/i.test(
      all,
    )
  )
    return true;
  return all.replace(/\s/g, '').length < (marks.hasScript ? 60 : 1) || blocks.length === 0;
}
