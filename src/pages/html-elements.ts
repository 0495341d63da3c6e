import type { BlockRole, Region } from './page-text.js';

/** Which part of a table an element is. */
export type TablePart = 'table' | 'row' | 'cell' | 'header' | null;

/** What an element means for the text around it. */
export interface ElementKind {
  readonly isBlock: boolean;
  /** True if its content is not text of the page. */
  readonly isSkipped: boolean;
  readonly isStruck: boolean;
  readonly region: Region | null;
  readonly role: BlockRole | null;
  readonly level: number;
  readonly table: TablePart;
}

type Attributes = Readonly<Record<string, string>>;

const BLOCKS = new Set(
  `address article aside blockquote body button caption center dd details dialog dir div dl dt fieldset figcaption figure
   footer form frameset h1 h2 h3 h4 h5 h6 head header hgroup hr html label legend li main menu nav noscript ol optgroup option
   p pre search section select summary table tbody td textarea tfoot th thead title tr ul video audio`.split(
    /\s+/,
  ),
);
const SKIPPED = new Set(
  'script style template svg canvas iframe noembed noframes object applet math'.split(' '),
);
const STRUCK = new Set(['del', 's', 'strike']);

const ROLES: Readonly<Record<string, BlockRole>> = {
  ...Object.fromEntries(['h1', 'h2', 'h3', 'h4', 'h5', 'h6'].map((name) => [name, 'heading' as const])),
  li: 'item',
  td: 'cell',
  th: 'cell',
  dt: 'term',
  dd: 'detail',
  caption: 'caption',
  figcaption: 'caption',
  legend: 'caption',
  option: 'option',
};

const REGIONS: Readonly<Record<string, Region>> = {
  header: 'header',
  nav: 'nav',
  menu: 'nav',
  aside: 'aside',
  footer: 'footer',
  main: 'main',
  article: 'main',
};

const ARIA_REGIONS: Readonly<Record<string, Region>> = {
  banner: 'header',
  navigation: 'nav',
  menubar: 'nav',
  complementary: 'aside',
  contentinfo: 'footer',
  main: 'main',
};

/** Boxes of facts about the page's subject, which some sites put into an aside. */
const FACTS =
  /\b(?:portable-infobox|infobox|factbox|facts|key-?facts|company-?(?:info|details|profile|facts))\b/i;
/** Parts of class names and ids that name a region. */
const CLASSES: readonly (readonly [Region, RegExp])[] = [
  [
    'nav',
    /^(?:(?:main|top|site|global|primary|secondary)?[-_]?(?:nav|navbar|navigation|menu)|breadcrumbs?|menu[-_](?:main|top)|pagination)$/i,
  ],
  ['footer', /^(?:(?:site|page|main|global|article)?[-_]?footer|colophon|footer[-_]?\w*)$/i],
  [
    'aside',
    /^(?:sidebar|side[-_]?bar\w*|related(?:[-_]\w+)*|recommend\w*|more[-_]\w+|most[-_]?(?:read|popular)|trending|teasers?|advert\w*|promo\w*|sponsor\w*|newsletter\w*|(?:cookie|consent|gdpr|cmp)(?:[-_]\w+)*|onetrust[-_]\w+|also[-_]\w+|you[-_]may[-_]\w+)$/i,
  ],
];

/** Classifies an element by its name, role, class and id. In XML every element is a block. */
export function classifyElement(name: string, attributes: Attributes, isXml: boolean): ElementKind {
  const aria = attributes.role?.toLowerCase() ?? '';
  const table = findTablePart(name, aria, attributes);
  const level = /^h[1-6]$/.test(name)
    ? Number(name[1])
    : aria === 'heading'
      ? Number(attributes['aria-level'] ?? 2) || 2
      : 0;
  return {
    isBlock: isXml || BLOCKS.has(name) || name.includes('-') || level > 0 || table !== null,
    isSkipped: SKIPPED.has(name),
    isStruck: STRUCK.has(name),
    region: findRegion(name, aria, attributes),
    role: level > 0 ? 'heading' : table === 'cell' || table === 'header' ? 'cell' : (ROLES[name] ?? null),
    level: Math.min(level, 6),
    table,
  };
}

/** True if an element is not shown: by attribute or inline style. Style sheets are not read. */
export function isHidden(name: string, attributes: Attributes): boolean {
  if (attributes.hidden !== undefined && attributes.hidden !== 'until-found') return true;
  if (name === 'dialog' && attributes.open === undefined) return true;
  if (name === 'input' && attributes.type?.toLowerCase() === 'hidden') return true;
  return attributes.style !== undefined && HIDDEN_STYLE.test(attributes.style.slice(0, 2_000));
}

const HIDDEN_STYLE =
  /(?:^|[;\s])(?:display\s*:\s*none|visibility\s*:\s*(?:hidden|collapse)|opacity\s*:\s*0(?:\.0+)?\s*(?:;|!|$)|font-size\s*:\s*0(?:px|em|pt)?\s*(?:;|!|$))/i;

function findTablePart(name: string, aria: string, { scope }: Attributes): TablePart {
  if (name === 'table' || aria === 'table' || aria === 'grid') return 'table';
  if (name === 'tr' || aria === 'row') return 'row';
  if (
    name === 'th' ||
    aria === 'columnheader' ||
    aria === 'rowheader' ||
    (name === 'td' && scope !== undefined)
  )
    return 'header';
  return name === 'td' || aria === 'cell' || aria === 'gridcell' ? 'cell' : null;
}

function findRegion(name: string, aria: string, attributes: Attributes): Region | null {
  const names = `${attributes.class ?? ''} ${attributes.id ?? ''}`.slice(0, 500);
  if (name === 'aside' && FACTS.test(names)) return 'main';
  const region = ARIA_REGIONS[aria] ?? REGIONS[name];
  if (region !== undefined) return region;
  if (names === ' ' || !/^(?:div|section|ul|ol|table|p|form|td)$/.test(name) || FACTS.test(names))
    return null;
  for (const part of names.split(/\s+/))
    for (const [found, pattern] of CLASSES) if (pattern.test(part)) return found;
  return null;
}
