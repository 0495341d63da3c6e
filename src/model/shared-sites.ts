/** How pages of a site relate to owners: all to one, or each first part of the host or each path to another. */
export type SiteKind = 'own' | 'by-subdomain' | 'by-path';

/**
 * Tells whose pages a site has. `host` is the whole host without `www.`, `domain` its registrable part. Hosts such as
 * `acme.github.io` are not listed here: the Public Suffix List has them.
 */
export function resolveSiteKind(host: string, domain: string): SiteKind {
  const parent = host.slice(host.indexOf('.') + 1);
  if ((SUBDOMAIN_SITES.has(domain) && host !== domain) || SUBDOMAIN_SITES.has(parent)) return 'by-subdomain';
  const isListed = PATH_SITES.has(domain) || SUBDOMAIN_SITES.has(domain) || PATH_HOSTS.has(host);
  return isListed || PATH_SITE_NAMES.has(domain.slice(0, domain.indexOf('.'))) ? 'by-path' : 'own';
}

/** True for the domain of a public mail provider, which does not identify a company. */
export function isMailProvider(domain: string): boolean {
  return MAIL_DOMAINS.has(domain) || MAIL_NAMES.has(domain.slice(0, domain.indexOf('.')));
}

/** The usual name of a host that has several. */
export function resolveHostAlias(host: string): string {
  return HOST_ALIASES.get(host) ?? host;
}

/** True for the last part of a path that names a section of a profile, not another profile. */
export function isProfileSection(part: string): boolean {
  return PROFILE_SECTIONS.has(part);
}

/**
 * True for a path that every company's site may have: the start page, a language, or usual sections. It says nothing
 * about whose site it is.
 */
export function isOrdinaryPath(path: string): boolean {
  const parts = path.toLowerCase().split('/').filter(Boolean);
  while (LANGUAGE.test(parts[0] ?? '')) parts.shift();
  return parts.every((part) => ORDINARY_SECTIONS.has(part.replace(/\.(?:html?|php|aspx?|jsp)$/, '')));
}

const MAIL_NAMES = new Set(
  'gmail googlemail hotmail outlook live msn icloud gmx protonmail ymail rocketmail tutanota'.split(' '),
);
const MAIL_DOMAINS = toSet(`
  me.com mac.com web.de proton.me pm.me qq.com 163.com 126.com mail.ru mail.com fastmail.com hushmail.com hey.com naver.com
  hanmail.net t-online.de freenet.de wanadoo.fr laposte.net libero.it bluewin.ch rediffmail.com`);

/** Sites on which each path belongs to another owner, by registrable domain. */
const PATH_SITES = toSet(`
  linkedin.com facebook.com instagram.com x.com threads.net youtube.com youtu.be tiktok.com xing.com pinterest.com snapchat.com
  reddit.com vk.com ok.ru weibo.com t.me wa.me discord.gg discord.com twitch.tv vimeo.com dailymotion.com flickr.com
  behance.net dribbble.com soundcloud.com mastodon.social bsky.app quora.com about.me linktr.ee beacons.ai bio.link lnk.bio
  campsite.bio taplink.cc solo.to allmylinks.com viadeo.com line.me kakao.com truthsocial.com
  crunchbase.com wellfound.com g2.com capterra.com getapp.com softwareadvice.com sourceforge.net trustpilot.com trustradius.com
  producthunt.com kununu.com foursquare.com bbb.org dnb.com zoominfo.com rocketreach.co apollo.io pitchbook.com owler.com
  cbinsights.com clutch.co goodfirms.co designrush.com sortlist.com opencorporates.com northdata.com northdata.de
  yellowpages.com yell.com manta.com houzz.com thumbtack.com angi.com europages.com kompass.com wlw.de gelbeseiten.de
  pagesjaunes.fr paginegialle.it local.ch societe.com pappers.fr zaubacorp.com tofler.in justdial.com
  alibaba.com made-in-china.com indiamart.com tradeindia.com globalsources.com aliexpress.com thomasnet.com f6s.com
  github.com gitlab.com bitbucket.org codeberg.org npmjs.com pypi.org huggingface.co kaggle.com
  wikipedia.org wikidata.org wikimedia.org fandom.com imdb.com discogs.com goodreads.com archive.org researchgate.net academia.edu
  orcid.org issuu.com scribd.com slideshare.net prezi.com docsend.com figma.com canva.com notion.so airtable.com trello.com
  dropbox.com coda.io miro.com
  etsy.com gumroad.com patreon.com ko-fi.com buymeacoffee.com kickstarter.com indiegogo.com gofundme.com meetup.com
  opentable.com doordash.com ubereats.com lieferando.de grubhub.com resy.com bookatable.com treatwell.de
  calendly.com cal.com doodle.com forms.gle bit.ly tinyurl.com goo.gl t.co lnkd.in ow.ly buff.ly rebrand.ly cutt.ly is.gd amzn.to
  g.page rb.gy shorturl.at t.ly tiny.cc s.id dub.sh lnk.to
  welcometothejungle.com join.com ycombinator.com remoteok.com stepstone.de monster.com ziprecruiter.com otta.com builtin.com`);

/** Sites of that kind which have a domain for each country, by the first part of the domain. */
const PATH_SITE_NAMES = toSet(`
  google amazon ebay yelp tripadvisor glassdoor indeed eventbrite airbnb booking shopee lazada deliveroo just-eat mercadolibre
  mercadolivre groupon craigslist gumtree`);

/** Hosts of that kind whose domain is a company's own. */
const PATH_HOSTS = toSet(`
  apps.apple.com itunes.apple.com podcasts.apple.com music.apple.com maps.apple.com apps.microsoft.com appsource.microsoft.com
  azuremarketplace.microsoft.com marketplace.visualstudio.com teams.microsoft.com apps.shopify.com appexchange.salesforce.com
  open.spotify.com hub.docker.com boards.greenhouse.io job-boards.greenhouse.io boards.eu.greenhouse.io jobs.lever.co
  jobs.eu.lever.co jobs.ashbyhq.com apply.workable.com jobs.workable.com careers.smartrecruiters.com jobs.smartrecruiters.com
  meetings.hubspot.com blog.naver.com smartstore.naver.com cafe.naver.com maps.yandex.com marketplace.atlassian.com
  ecosystem.hubspot.com store.steampowered.com`);

/** Sites that give each owner a subdomain, by registrable domain. */
const SUBDOMAIN_SITES = toSet(`
  medium.com substack.com tumblr.com wordpress.com etsy.com squarespace.com weebly.com webflow.io wixsite.com wix.com blogspot.com
  myshopify.com bigcartel.com bandcamp.com jimdo.com jimdosite.com jimdofree.com strikingly.com mystrikingly.com webnode.com
  webnode.page site123.me godaddysites.com business.site carrd.co ueniweb.com typepad.com livejournal.com tilda.ws yolasite.com
  tripod.com over-blog.com canalblog.com tistory.com zendesk.com freshdesk.com atlassian.net sharepoint.com myworkdayjobs.com
  recruitee.com personio.de personio.com bamboohr.com teamtailor.com breezy.hr applytojob.com icims.com gumroad.com itch.io
  podbean.com buzzsprout.com libsyn.com typeform.com hs-sites.com hubspotpagebuilder.com mailchimpsites.com mykajabi.com
  teachable.com thinkific.com podia.com notion.site framer.website super.site gitbook.io odoo.com slack.com salesforce.com force.com
  acuityscheduling.com zohosites.com mercadoshops.com cargo.site format.com pixieset.com smugmug.com deviantart.com newgrounds.com
  fandom.com en.alibaba.com`);

const HOST_ALIASES = new Map([
  ['twitter.com', 'x.com'],
  ['fb.com', 'facebook.com'],
  ['fb.me', 'facebook.com'],
  ['instagr.am', 'instagram.com'],
  ['threads.com', 'threads.net'],
  ['angel.co', 'wellfound.com'],
  ['telegram.me', 't.me'],
  ['telegram.dog', 't.me'],
  ['vk.ru', 'vk.com'],
  ['discordapp.com', 'discord.com'],
]);

const PROFILE_SECTIONS = toSet(`
  about posts jobs people life photos videos reviews info home overview insights products reels tagged featured shorts streams
  community events followers following mycompany with_replies media`);

const LANGUAGE = /^(?:[a-z]{2}|[a-z]{2}[-_][a-z]{2,4}|english|deutsch|francais|espanol|int|intl|global)$/;

const ORDINARY_SECTIONS = toSet(`
  index home default start main welcome about about-us aboutus company unternehmen ueber-uns contact contact-us contacts kontakt
  impressum imprint legal privacy terms careers career jobs karriere team products product produkte services service leistungen
  solutions pricing news blog press presse media investors investor-relations ir shop store support help faq login portal web site
  locations customers partners industries resources events sustainability`);

function toSet(text: string): ReadonlySet<string> {
  return new Set(text.split(/\s+/).filter(Boolean));
}
