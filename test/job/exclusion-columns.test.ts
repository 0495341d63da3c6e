import { describe, expect, test } from 'vitest';
import type { EnrichHooks } from '../../src/enrich.js';
import { openJobBench } from '../helpers/job.js';
import { script } from '../helpers/truthful-agent.js';

interface Case {
  readonly list: string;
  readonly input: string;
  readonly on?: readonly string[];
}

/** Fills a file with a list, and returns the input lines that were excluded, with the notes. */
async function exclude({ list, input, on }: Case) {
  const bench = await openJobBench(script((rows) => ({ rows })));
  const path = bench.write('customers.csv', `${list.replaceAll(' | ', '\n')}\n`);
  bench.write('in.csv', `${input.replaceAll(' | ', '\n')}\n`);
  const notes = new Map<string, string>();
  const hooks: EnrichHooks = {
    onEvent: (event) =>
      void (event.type === 'note' && notes.set(event.code, event.message.replaceAll(path, 'customers.csv'))),
  };
  const { rows } = await bench.run({ exclude: path, ...(on === undefined ? {} : { excludeOn: on }) }, hooks);
  const lines = rows.flatMap((row, index) => (row.enrichment_status === 'excluded' ? [index + 2] : []));
  return { lines, notes };
}

describe('without --exclude-on', () => {
  test.each<[string, string, string, number[]]>([
    [
      'an equal domain excludes, whatever the names are',
      'company,domain | BMW,www.bmwgroup.com',
      'company,domain | BMW Group,bmwgroup.com | Orbelin,orbelin.example',
      [2],
    ],
    [
      'an equal name excludes if a domain is missing',
      'company,domain | Orbelin GmbH, | Zeta,zeta.example',
      'company,domain | ORBELIN,orbelin.example | Zeta Inc., | BMW,',
      [2, 3],
    ],
    ['a longer name does not exclude', 'company | BMW', 'company | BMW Group | BMW AG', [3]],
    [
      'an equal name with another domain does not exclude',
      'company,domain | Delta,delta.example',
      'company,domain | Delta,deltafaucet.example | Delta,delta.example',
      [3],
    ],
    [
      'an equal name with the same domain in another country excludes',
      'company,domain | Orbelin,orbelin.de',
      'company,domain | Orbelin,orbelin.com | Other,orbelin.com',
      [2],
    ],
    [
      'an equal email excludes, even if all else differs',
      'company,email | Orbelin,ann@orbelin.example',
      'company,email | Zeta,ANN@orbelin.example | Zeta,bo@orbelin.example',
      [2],
    ],
    [
      'other persons of a domain are not excluded',
      'contact,domain | Ann Lee,orbelin.example',
      'contact,domain | Bo Ray,orbelin.example | Dr. Ann Lee,www.orbelin.example | ,orbelin.example',
      [3, 4],
    ],
    [
      'persons are compared under other headers, and with first and last name',
      'first_name,last_name,website | Ann,Lee,orbelin.example',
      'full_name,website | Bo Ray,orbelin.example | Ann Lee,orbelin.example',
      [3],
    ],
    [
      'a bare name beside a company is a person',
      'name,company | Ann Lee,Orbelin Inc.',
      'name,company | Ann Lee,Orbelin | Bo Ray,Orbelin | Ann Lee,Zeta',
      [2],
    ],
    [
      'persons of one name with different emails are not the same',
      'full_name,email | John Smith,john@orbelin.example',
      'full_name,email | John Smith,john@zeta.example | John Smith,',
      [3],
    ],
    [
      'bare names with different profiles are not the same',
      'name,linkedin_url | John Smith,https://linkedin.com/in/john1',
      'name,linkedin_url | John Smith,https://linkedin.com/in/john2 | J. Smith,https://de.linkedin.com/in/john1/',
      [3],
    ],
    [
      'a link to a site of profiles names nobody',
      'company,linkedin_url | Orbelin,https://www.linkedin.com',
      'company,linkedin_url | Zeta,https://www.linkedin.com/ | Beta,',
      [],
    ],
    [
      'a person counts only if both files name one',
      'contact,domain | Ann Lee,orbelin.example',
      'title,domain | CEO,orbelin.example',
      [2],
    ],
    [
      'columns of other names are found by what they hold',
      'Firma,Homepage,E-Mail | Orbelin,https://orbelin.example/de,ann@orbelin.example',
      'company,domain,email | Other,orbelin.example, | Else,else.example,ann@orbelin.example | Orbelin,,',
      [2, 3, 4],
    ],
    [
      'the owner of a row at our side does not count',
      'domain,owner_email | orbelin.example,me@we.example',
      'domain,owner_email | zeta.example,me@we.example | orbelin.example,you@we.example',
      [3],
    ],
    [
      'a supplier that is a customer does not exclude its buyers',
      'company | BMW',
      'company,supplier | Zeta,BMW | BMW,Zeta',
      [3],
    ],
    [
      'text that is not an address does not count as one',
      'company,email,domain | Orbelin,see notes,not yet',
      'company,email,domain | Zeta,see notes,not yet | Orbelin,other,text',
      [3],
    ],
    [
      'several addresses in a cell each count',
      'company,domain,email | Orbelin,orbelin.example; orbelin-group.example,ann@orbelin.example / bo@orbelin.example',
      'company,domain,email | A,orbelin-group.example (old), | B,,bo@orbelin.example | C,x.example and www.orbelin.example, | D,d.example,',
      [2, 3, 4],
    ],
    [
      'all columns of the same name must agree if none is an address or a name',
      'sku,city | A1,Rome',
      'sku,city | a1,Rome | A1,Oslo | A1,',
      [2, 4],
    ],
    [
      'a mail provider is not a domain of customers',
      'company,domain | Orbelin,gmail.com',
      'company,domain | Zeta,gmail.com | Orbelin,gmail.com',
      [3],
    ],
  ])('%s', async (_, list, input, lines) => {
    expect((await exclude({ list, input })).lines).toEqual(lines);
  });

  test('the job says what decides, and which records matched no row', async () => {
    const { notes } = await exclude({
      list: 'Firma,Website,Ansprechpartner,contact | BMW,bmwgroup.com,,Ann | Zeta,zeta.example,, | Beta,beta.example,,',
      input: 'company,website,contact | BMW Group,www.bmwgroup.com,Ann',
    });
    expect(notes.get('EXCLUSION_READ')).toBe(
      'customers.csv: 3 records read, compared by website=Website or company=Firma, if contact does not differ.',
    );
    expect(notes.get('EXCLUSION_MATCHED')).toBe(
      '2 of 3 records of customers.csv matched no row: lines 3, 4.',
    );
  });

  test('names with another domain are reported', async () => {
    const { notes } = await exclude({
      list: 'company,domain | Delta,delta.example',
      input: 'company,domain | Delta Inc.,deltafaucet.example | Other,other.example',
    });
    expect(notes.get('EXCLUSION_NAMESAKES')).toBe(
      'customers.csv: 1 name of the list is in the input with another domain, and not excluded: Delta Inc. (line 2). To exclude by name, use --exclude-on company.',
    );
  });

  test('files without a column in common are refused, with both headers', async () => {
    await expect(exclude({ list: 'Farbe | A', input: 'product,city | B,C' })).rejects.toMatchObject({
      code: 'NO_SHARED_COLUMN',
      hint: expect.stringMatching(
        /^The input has product, city; .*customers\.csv has Farbe\. Name the columns to compare: --exclude-on product=Farbe\.$/,
      ),
    });
  });
});

describe('with --exclude-on', () => {
  test('all named columns must agree', async () => {
    const list = 'company,domain | BMW,bmwgroup.com';
    const input = 'company,domain | BMW Group,bmwgroup.com | BMW,www.bmwgroup.com | BMW,';
    expect((await exclude({ list, input, on: ['company', 'domain'] })).lines).toEqual([3, 4]);
    expect((await exclude({ list, input, on: ['domain'] })).lines).toEqual([2, 3]);
  });

  test('Website=Homepage compares columns of different names', async () => {
    const list = 'Homepage,Kunde | https://orbelin.example/,x';
    const input = 'Website,company | orbelin.example,A | zeta.example,B';
    const { lines, notes } = await exclude({ list, input, on: ['Website=Homepage'] });
    expect(lines).toEqual([2]);
    expect(notes.get('EXCLUSION_READ')).toContain('compared by Website=Homepage.');
  });

  test('email=domain excludes every person of a customer', async () => {
    const list = 'domain | orbelin.example';
    const input = 'email | ann@mail.orbelin.example | ann@gmail.com | bo@zeta.example';
    expect((await exclude({ list, input, on: ['email=domain'] })).lines).toEqual([2]);
  });

  test('a column whose name has an equals sign is that column', async () => {
    const list = 'a=b,c | 1,2';
    const input = 'a=b,c | 1,3 | 2,2';
    expect((await exclude({ list, input, on: ['a=b'] })).lines).toEqual([2]);
  });

  test.each([
    [['Website'], /names Website, which .*customers\.csv does not have$/],
    [['Website=Homepag'], /names Homepag, which .*customers\.csv does not have$/],
    [['Websit=Homepage'], /names Websit, which the input does not have$/],
  ])('an unknown column in %j is refused, with both headers', async (on, message) => {
    const running = exclude({
      list: 'Homepage,Kunde | a.example,b',
      input: 'Website,company | a.example,b',
      on,
    });
    await expect(running).rejects.toMatchObject({
      code: 'UNKNOWN_COLUMN',
      message: expect.stringMatching(message),
      hint: expect.stringMatching(
        /The input has Website, company; .*customers\.csv has Homepage, Kunde\. If the names differ, write --exclude-on Website=Homepage\.$/,
      ),
    });
  });
});

describe('a site of many owners that is on no list', () => {
  test('is noticed in the input: the whole address is compared, and the job says so', async () => {
    const { lines, notes } = await exclude({
      list: 'company,website | Bern Garage,https://makers.example/shop/bern-garage',
      input:
        'company,website | Aare Bakery,makers.example/shop/aare-bakery | Garage Bern,makers.example/shop/bern-garage/ | Cafe Oltre,makers.example/shop/oltre',
    });
    expect(lines).toEqual([3]);
    expect(notes.get('EXCLUSION_SHARED_DOMAINS')).toBe(
      'customers.csv: 1 domain has pages of several companies, so the whole address is compared: makers.example (input, lines 2, 3).',
    );
  });

  test('is noticed in the list, and with --exclude-on', async () => {
    const { lines, notes } = await exclude({
      list: 'company,website | Bern Garage,makers.example/shop/bern | Aare Bakery,makers.example/shop/aare',
      input: 'company,website | Cafe Oltre,makers.example/shop/oltre | The Garage,makers.example/shop/bern',
      on: ['website'],
    });
    expect(lines).toEqual([3]);
    expect(notes.get('EXCLUSION_SHARED_DOMAINS')).toContain('makers.example (customers.csv, lines 2, 3)');
  });

  test('is noticed without names by three pages', async () => {
    const list = 'website | makers.example/shop/a';
    const input =
      'website | makers.example/shop/b | makers.example/shop/c | makers.example/shop/d | makers.example/shop/a';
    expect((await exclude({ list, input })).lines).toEqual([5]);
  });

  test('is not a company with pages of its own, its countries and its brands', async () => {
    const { lines, notes } = await exclude({
      list: 'company,website | Orbelin,orbelin.example',
      input:
        'company,website | Orbelin Germany,orbelin.example/germany-site | Orbelin France,orbelin.example/france-site | Orbelin Group,https://www.orbelin.example/en/about | Orb,orbelin.example/de',
    });
    expect(lines).toEqual([2, 3, 4, 5]);
    expect(notes.has('EXCLUSION_SHARED_DOMAINS')).toBe(false);
    expect(notes.has('EXCLUSION_BROAD')).toBe(false);
  });

  test('a line that excludes rows of many names is reported', async () => {
    const { lines, notes } = await exclude({
      list: 'company,website | Makers,makers.example',
      input:
        'company,website | Aare Bakery,makers.example | Bern Garage,www.makers.example | Cafe Oltre,makers.example/de | Makers,makers.example | Dent Lab,makers.example',
    });
    expect(lines).toEqual([2, 3, 4, 5, 6]);
    expect(notes.get('EXCLUSION_BROAD')).toBe(
      'customers.csv: line 2 excludes rows of 4 different names (Aare Bakery, Bern Garage, Cafe Oltre, …). If they are not one company, correct the line.',
    );
  });
});
