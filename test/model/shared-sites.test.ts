import { describe, expect, it } from 'vitest';
import { createEntityKey } from '../../src/model/entity-key.js';
import { isMailProvider, isOrdinaryPath } from '../../src/model/shared-sites.js';

/** Sites on which each X is another owner. */
const SITES = `
  linkedin.com/company/X linkedin.com/in/X facebook.com/X fb.com/X instagram.com/X x.com/X twitter.com/X threads.net/@X
  youtube.com/@X tiktok.com/@X xing.com/pages/X pinterest.com/X snapchat.com/add/X reddit.com/r/X vk.com/X t.me/X wa.me/X
  discord.gg/X twitch.tv/X vimeo.com/X flickr.com/people/X behance.net/X dribbble.com/X soundcloud.com/X bsky.app/profile/X
  about.me/X linktr.ee/X bio.link/X beacons.ai/X
  crunchbase.com/organization/X wellfound.com/company/X angel.co/company/X g2.com/products/X capterra.com/p/X getapp.com/a/X
  trustpilot.com/review/X producthunt.com/products/X glassdoor.com/Overview/X indeed.com/cmp/X kununu.com/de/X
  yelp.com/biz/X yelp.de/biz/X tripadvisor.com/Restaurant_Review-X bbb.org/profile/X dnb.com/business-directory/X
  zoominfo.com/c/X pitchbook.com/profiles/company/X clutch.co/profile/X opencorporates.com/companies/X northdata.com/X
  yellowpages.com/X houzz.com/pro/X europages.com/X alibaba.com/X X.en.alibaba.com indiamart.com/X justdial.com/X
  github.com/X gitlab.com/X huggingface.co/X npmjs.com/package/X en.wikipedia.org/wiki/X imdb.com/title/X
  apps.apple.com/us/app/X play.google.com/store/apps/details?id=X google.com/maps/place/X maps.google.com/?cid=X
  sites.google.com/view/X docs.google.com/document/d/X goo.gl/maps/X g.page/X forms.gle/X
  amazon.com/stores/X amazon.de/stores/X ebay.com/str/X etsy.com/shop/X X.etsy.com airbnb.com/h/X booking.com/hotel/X
  patreon.com/X kickstarter.com/projects/X eventbrite.com/o/X meetup.com/X calendly.com/X tinyurl.com/X bit.ly/X lnkd.in/X
  boards.greenhouse.io/X jobs.lever.co/X jobs.ashbyhq.com/X apply.workable.com/X X.wd1.myworkdayjobs.com X.jobs.personio.de
  X.squarespace.com X.wordpress.com X.wixsite.com X.weebly.com X.webflow.io X.blogspot.com X.myshopify.com X.bandcamp.com
  X.medium.com medium.com/@X X.substack.com X.tumblr.com X.github.io X.netlify.app X.vercel.app X.notion.site X.business.site
  X.carrd.co X.godaddysites.com X.zendesk.com X.teachable.com X.typeform.com X.hs-sites.com X.odoo.com notion.so/X
  appsource.microsoft.com/product/X apps.shopify.com/X open.spotify.com/artist/X issuu.com/X`
  .trim()
  .split(/\s+/);

describe('sites of many owners', () => {
  it('are at least 91', () => {
    expect(SITES.length).toBeGreaterThanOrEqual(91);
  });

  it.each(SITES)('%s is another owner for each X', (site) => {
    const [orbelin, zeta] = ['orbelin', 'zeta'].map((name) =>
      createEntityKey('website', `https://${site.replace('X', name)}`),
    );
    expect(orbelin).toMatch(/orbelin/);
    expect(orbelin).not.toBe(zeta);
    expect(createEntityKey('website', site.replace('X', 'orbelin'))).toBe(orbelin);
    const spelled = site.includes('?') ? site.replace('X', 'orbelin') : `${site.replace('X', 'Orbelin')}/`;
    expect(createEntityKey('website', `http://www.${spelled}`)).toBe(orbelin);
  });

  it.each([
    ['https://twitter.com/orbelin', 'x.com/Orbelin/'],
    ['https://mobile.twitter.com/orbelin?lang=en', 'x.com/orbelin'],
    ['instagram.com/orbelin/?hl=en', 'instagram.com/orbelin'],
    ['https://www.instagram.com/orbelin?igshid=abc', 'instagram.com/orbelin/reels/'],
    ['https://de.linkedin.com/company/orbelin/about/', 'linkedin.com/company/orbelin?trk=x'],
    ['https://fb.com/orbelin', 'https://de-de.facebook.com/orbelin/photos?fref=ts'],
    ['angel.co/company/orbelin', 'wellfound.com/company/orbelin'],
    ['https://apps.apple.com/us/app/orbelin/id12', 'https://apps.apple.com/de/app/orbelin/id12?l=en'],
    [
      'https://play.google.com/store/apps/details?id=orbelin&hl=de',
      'play.google.com/store/apps/details?id=orbelin',
    ],
    ['https://orbelin.squarespace.com/about-us', 'orbelin.squarespace.com'],
    ['https://orbelin.medium.com/a-story', 'https://orbelin.medium.com'],
    ['https://uk.trustpilot.com/review/orbelin', 'trustpilot.com/review/orbelin'],
    ['www.google.com', 'https://about.google.com'],
    ['https://www.booking.com/index.html', 'booking.com'],
    ['https://www.amazon.com/', 'amazon.com'],
  ])('%s is the same as %s', (one, other) => {
    expect(createEntityKey('website', one)).toBe(createEntityKey('website', other));
  });

  it.each([
    ['https://facebook.com/profile.php?id=1', 'https://facebook.com/profile.php?id=2'],
    ['https://play.google.com/store/apps/details?id=a', 'https://play.google.com/store/apps/details?id=b'],
    ['linkedin.com/company/orbelin', 'linkedin.com/in/orbelin'],
    ['x.com/orbelin', 'instagram.com/orbelin'],
    ['amazon.com', 'amazon.com/stores/orbelin'],
    ['apple.com', 'apps.apple.com/us/app/orbelin'],
    ['x.com/me', 'x.com/it'],
    ['orbelin.wordpress.com', 'wordpress.com'],
  ])('%s is not the same as %s', (one, other) => {
    expect(createEntityKey('website', one)).not.toBe(createEntityKey('website', other));
  });

  it('do not include sites of one company', () => {
    for (const site of [
      'orbelin.com/company/x',
      'shop.orbelin.com/p/1',
      'apple.com/iphone',
      'microsoft.com/office',
    ])
      expect(createEntityKey('website', site)).toMatch(/^domain:/);
  });
});

it('recognizes mail providers, but not companies with similar names', () => {
  expect(['gmail.com', 'hotmail.co.uk', 'web.de'].every(isMailProvider)).toBe(true);
  expect(['acme.com', 'gmailer.com', 'web.com'].some(isMailProvider)).toBe(false);
});

it('knows paths that every site may have', () => {
  for (const path of ['/', '/de', '/en-us/', '/index.html', '/de/about-us/team', '/Careers'])
    expect(isOrdinaryPath(path)).toBe(true);
  for (const path of ['/orbelin', '/c/orbelin', '/hotels/1', '/~ann', '/company/orbelin', '/shop/orbelin'])
    expect(isOrdinaryPath(path)).toBe(false);
});
