import type { CorpusPage } from './case.js';

const NAV =
  '<nav><ul><li><a href="/">Home</a></li><li><a href="/careers">Careers</a></li><li><a href="/offices">Oslo</a></li></ul></nav>';
const FILLER =
  '<p>Our newsletter appears four times a year. It tells readers what has been tried, what has worked and what has not, and who to write to with a question.</p>';

export const ENGLISH: readonly CorpusPage[] = [
  {
    url: 'https://www.pellworth.example/about-us',
    row: { company: 'Pellworth Bearings Ltd', domain: 'pellworth.example' },
    html: `<html lang="en"><title>About us | Pellworth Bearings</title><body>${NAV}<main><h1>About Pellworth</h1>
      <p>Pellworth Bearings was set up in Sheffield in 1954 and makes bearings for ships. We employ 640 people at three sites and turned over £87.4m in 2024, up from £81.0m a year earlier.</p>
      <p>In 2019 we bought Hallam Castings Ltd, which had 120 staff and was founded in 1931.</p>
      <h2>Board</h2><table><tr><th>Name</th><th>Role</th><th>Since</th></tr><tr><td>Moira Tansley</td><td>Chief Executive</td><td>2016</td></tr><tr><td>Desmond Achebe</td><td>Finance Director</td><td>2021</td></tr><tr><td>Ruth Okafor-Lyle</td><td>Chair</td><td>2011</td></tr></table>
      <h2>Former directors</h2><ul><li>Harold Pell, Chief Executive until 2016</li></ul>${FILLER}</main>
      <footer>Pellworth Bearings Limited, Registered in England No. 00531277. Unit 9, Attercliffe Road, Sheffield S9 3QS. VAT GB 173 2204 81. <a href="tel:+441144960187">0114 496 0187</a> <a href="mailto:info@pellworth.example">Email</a> <a href="https://www.linkedin.com/company/pellworth-bearings/">LinkedIn</a></footer></body></html>`,
    pairs: [
      ['employees:integer', 640, 'yes'],
      ['employees:integer', 120, 'trap'],
      ['revenue_gbp:number', 87400000, 'yes'],
      ['revenue_gbp:number', 81000000, 'trap'],
      ['founded_year:integer', 1954, 'yes'],
      ['founded_year:integer', 1931, 'trap'],
      ['founded_year:integer', 2016, 'trap'],
      ['ceo', 'Moira Tansley', 'yes'],
      ['ceo', 'Harold Pell', 'trap'],
      ['ceo', 'Desmond Achebe', 'trap'],
      ['cfo', 'Desmond Achebe', 'yes'],
      ['chairperson', 'Ruth Okafor Lyle', 'yes'],
      ['headquarters', 'Sheffield', 'yes'],
      ['headquarters', 'Oslo', 'trap'],
      ['company_number', '531277', 'yes'],
      ['vat_number', 'GB173220481', 'yes'],
      ['phone:phone', '+44 114 496 0187', 'yes'],
      ['email:email', 'info@pellworth.example', 'yes'],
      ['linkedin:url', 'https://linkedin.com/company/pellworth-bearings', 'yes'],
      ['linkedin:url', 'https://linkedin.com/company/pellworth', 'no'],
      ['employees:integer', 460, 'no'],
      ['ceo', 'Moira Tarnsley', 'no'],
      ['address', 'Unit 9, Attercliffe Rd, Sheffield S9 3QS, UK', 'yes'],
    ],
  },
  {
    url: 'https://daily.trade-herald.example/2024/05/21/orrin-buys-castle',
    row: { company: 'Orrin Foods' },
    html: `<html lang="en"><title>Orrin Foods buys bakery chain | Trade Herald</title><body><main><article><h1>Orrin Foods buys bakery chain</h1>
      <p>DUNDEE, 21 May 2024 – Orrin Foods said on Tuesday that it will pay $41 million for Castle Crumb, a bakery chain with 212 shops and 3,100 employees.</p>
      <p>Orrin, which employs 5,450 people, reported sales of $1.2bn last year. Castle Crumb had sales of $96 million.</p>
      <p>Chief executive Ailsa Drummond, who replaced Gordon Peat in 2022, said the two businesses would keep their names. Castle Crumb is run by Leonie Vass.</p>
      <p>Orrin plans to open 30 more factories by 2030. Its rival Marram Mills employs 7,200 people.</p>
      <p>Analysts at Corrie Bank expect the combined group to employ 9,000 people within two years.</p></article></main>
      <aside><h3>Most read</h3><ul><li>Haverhill names Tom Birkett chief executive</li><li>Mill closes with loss of 800 jobs</li></ul></aside>
      <footer>Trade Herald, 14 Quay Street, Bristol. Founded 1988. news@trade-herald.example, 0117 496 0112</footer></body></html>`,
    pairs: [
      ['employees:integer', 5450, 'yes'],
      ['employees:integer', 3100, 'trap'],
      ['employees:integer', 7200, 'trap'],
      ['employees:integer', 9000, 'trap'],
      ['revenue_usd:number', 1200000000, 'yes'],
      ['revenue_usd:number', 96000000, 'trap'],
      ['revenue_usd:number', 41000000, 'trap'],
      ['ceo', 'Ailsa Drummond', 'yes'],
      ['ceo', 'Gordon Peat', 'trap'],
      ['ceo', 'Leonie Vass', 'trap'],
      ['ceo', 'Tom Birkett', 'trap'],
      ['founded_year:integer', 1988, 'trap'],
      ['phone:phone', '+441174960112', 'trap'],
      ['headquarters', 'Bristol', 'trap'],
      ['article_date:date', '2024-05-21', 'yes'],
      ['factories:integer', 30, 'trap'],
      ['stores:integer', 212, 'yes', { company: 'Castle Crumb' }],
      ['employees:integer', 3100, 'yes', { company: 'Castle Crumb' }],
      ['employees:integer', 5450, 'trap', { company: 'Castle Crumb' }],
      ['acquired_by', 'Orrin Foods', 'yes', { company: 'Castle Crumb' }],
    ],
  },
  {
    url: 'https://filings.example/nordlys/annual-2023',
    row: { company: 'Nordlys Shipping ASA' },
    html: `<html lang="en"><title>Nordlys Shipping – annual report 2023</title><body><main><h1>Nordlys Shipping ASA</h1><p>All amounts in USD thousands unless stated.</p>
      <table><caption>Key figures (USD thousands)</caption><tr><th></th><th>2021</th><th>2022</th><th>2023</th></tr><tr><th>Operating revenue</th><td>412,880</td><td>498,105</td><td>523,667</td></tr><tr><th>Net profit</th><td>(3,410)</td><td>22,915</td><td>31,204</td></tr><tr><th>Total assets</th><td>1,410,900</td><td>1,502,330</td><td>1,611,708</td></tr><tr><th>Employees (average)</th><td>1,112</td><td>1,190</td><td>1,245</td></tr></table>
      <table><tr><th>Segment</th><th>Revenue</th></tr><tr><td>Tankers</td><td>301,220</td></tr><tr><td>Bulk</td><td>222,447</td></tr></table>${FILLER}</main></body></html>`,
    pairs: [
      ['revenue_usd:number', 523667000, 'yes'],
      ['revenue_usd:number', 498105000, 'trap'],
      ['revenue_usd:number', 523667, 'trap'],
      ['revenue_usd:number', 301220000, 'trap'],
      ['net_income_usd:number', 31204000, 'yes'],
      ['net_income_usd:number', -3410000, 'trap'],
      ['net_income_2021_usd:number', -3410000, 'yes'],
      ['total_assets_usd:number', 1611708000, 'yes'],
      ['total_assets_usd:number', 523667000, 'trap'],
      ['employees:integer', 1245, 'yes'],
      ['employees:integer', 1190, 'trap'],
      ['revenue_2022_usd:number', 498105000, 'yes'],
      ['revenue_usd_millions:number', 523.667, 'yes'],
      ['revenue_usd:number', 532667000, 'no'],
    ],
  },
  {
    url: 'https://www.shipmaps.example/list/ferries',
    row: { ship: 'MV Corrievale' },
    html: `<html lang="en"><title>Ferries of the western isles</title><body><main><h1>Ferries of the western isles</h1>
      <ul class="cards"><li><h3>MV Aldersay</h3><p>Built 1998</p><p>Length 84.2 m</p><p>Capacity 530 passengers</p></li><li><h3>MV Corrievale</h3><p>Built 2007</p><p>Length 92.7 m</p><p>Capacity 610 passengers</p></li><li><h3>MV Strathnaver</h3><p>Built 2015</p><p>Length 102 m</p><p>Capacity 700 passengers</p></li></ul></main></body></html>`,
    pairs: [
      ['built_year:integer', 2007, 'yes'],
      ['built_year:integer', 2015, 'trap'],
      ['length_m:number', 92.7, 'yes'],
      ['length_m:number', 102, 'trap'],
      ['length_cm:number', 9270, 'yes'],
      ['capacity:integer', 610, 'yes'],
      ['capacity:integer', 530, 'trap'],
      ['capacity:integer', 601, 'no'],
    ],
  },
  {
    url: 'https://shop.kettlecroft.example/p/travel-lamp-t4',
    row: { product: 'Kettlecroft Travel Lamp T4' },
    html: `<html lang="en"><head><title>Travel Lamp T4 – Kettlecroft</title><script type="application/ld+json">{"@context":"https://schema.org","@type":"Product","name":"Kettlecroft Travel Lamp T4","sku":"KC-T4-220","gtin13":"5012345678900","brand":{"@type":"Brand","name":"Kettlecroft"},"offers":{"@type":"Offer","price":34.5,"priceCurrency":"GBP"},"aggregateRating":{"@type":"AggregateRating","ratingValue":4.4,"reviewCount":318}}</script></head><body><main><h1>Kettlecroft Travel Lamp T4</h1>
      <p><s>£49.00</s> <b>£34.50</b></p><dl><dt>Weight</dt><dd>1 lb 3 oz (540 g)</dd><dt>Battery life</dt><dd>up to 18 hours</dd><dt>Warranty</dt><dd>24 months</dd><dt>Colour</dt><dd>Moss green</dd><dt>Material</dt><dd>Aluminium and cork</dd></dl>
      <h2>Customers also bought</h2><div class="related"><div><h4>Desk Lamp D9</h4><p>£62.00</p><p>Weight 2,100 g</p></div></div></main></body></html>`,
    pairs: [
      ['price_gbp:number', 34.5, 'yes'],
      ['price_gbp:number', 49, 'trap'],
      ['price_gbp:number', 62, 'trap'],
      ['weight_kg:number', 0.54, 'yes'],
      ['weight_g:number', 540, 'yes'],
      ['weight_g:number', 2100, 'trap'],
      ['warranty_years:integer', 2, 'yes'],
      ['colour', 'moss green', 'yes'],
      ['colour:enum(green|red|blue)', 'green', 'yes'],
      ['sku', 'KC-T4-220', 'yes'],
      ['ean', '5 012345 678900', 'yes'],
      ['rating:number', 4.4, 'yes'],
      ['reviews:integer', 318, 'yes'],
      ['material', 'cork and aluminium', 'yes'],
      ['is_dimmable:boolean', true, 'no'],
    ],
  },
  {
    url: 'https://people.ansty-college.example/staff/h-verrall',
    row: { name: 'Dr Hester Verrall', university: 'Ansty College' },
    html: `<html lang="en"><title>Hester Verrall – Ansty College</title><body><main><h1>Dr Hester Verrall</h1><p>Reader in Soil Science</p><p>Hester M. Verrall joined Ansty College in 2012. She took her doctorate at Leuven in 2009. Before that she worked for Tillage Partners in Ghent.</p><p>hester.verrall (at) ansty-college (dot) example · Room 2.14 · ext. 4471</p><p>Her research assistant is Owen Pruett, owen.pruett@ansty-college.example.</p><h2>Publications</h2><ul><li>Verrall, H. and Imbert, J. (2021) Clay and memory.</li></ul></main></body></html>`,
    pairs: [
      ['title', 'Reader in Soil Science', 'yes'],
      ['email:email', 'hester.verrall@ansty-college.example', 'yes'],
      ['email:email', 'owen.pruett@ansty-college.example', 'trap'],
      ['joined_year:integer', 2012, 'yes'],
      ['joined_year:integer', 2009, 'trap'],
      ['office_room', '2.14', 'yes'],
      ['research_assistant', 'Owen Pruett', 'yes'],
    ],
  },
  {
    url: 'https://app.tallybird.example/company',
    row: { company: 'Tallybird' },
    html: `<!doctype html><html><head><title>Tallybird</title></head><body><div id="app"></div><script>window.__STATE__ = {"company":{"name":"Tallybird Inc.","headquarters":{"city":"Tucson","state":"AZ"},"stats":[{"label":"Employees","value":"214"},{"label":"Customers","value":"9,800"}],"leadership":[{"name":"Inez Calloway","title":"CEO"},{"name":"Bram Odell","title":"CTO"}]},"partner":{"name":"Ledgerfox","employees":77}};</script></body></html>`,
    pairs: [
      ['employees:integer', 214, 'yes'],
      ['employees:integer', 9800, 'trap'],
      ['employees:integer', 77, 'trap'],
      ['ceo', 'Inez Calloway', 'yes'],
      ['ceo', 'Bram Odell', 'trap'],
      ['headquarters', 'Tucson, Arizona', 'yes'],
    ],
  },
  {
    url: 'https://www.brackenhall.example/contact',
    row: { company: 'Bracken Hall Hotel', website: 'https://www.brackenhall.example/' },
    html: `<html lang="en"><title>Contact – Bracken Hall</title><body><main><h1>Find us</h1><p>Bracken Hall Hotel<br>Moor Lane 3<br>Keswick CA12 5TT<br>Cumbria</p><p>Reservations: <a href="mailto:stay@brackenhall.example">stay@brackenhall.example</a><br>Press: <a href="mailto:press@brackenhall.example">press@brackenhall.example</a></p><p>Tel: 017687 55501 · Fax: 017687 55502</p><p>We have 46 rooms and a dining room for 80 guests.</p><select><option>Afghanistan</option><option>Germany</option><option>United Kingdom</option></select></main><footer><a href="https://www.instagram.com/brackenhall">Instagram</a> <a href="https://www.webworks.example">Site by Webworks</a></footer></body></html>`,
    pairs: [
      ['rooms:integer', 46, 'yes'],
      ['rooms:integer', 80, 'trap'],
      ['press_email:email', 'press@brackenhall.example', 'yes'],
      ['press_email:email', 'stay@brackenhall.example', 'trap'],
      ['phone:phone', '+44 17687 55501', 'yes'],
      ['phone:phone', '+44 17687 55502', 'trap'],
      ['fax:phone', '017687-55502', 'yes'],
      ['website:url', 'https://brackenhall.example', 'yes'],
      ['instagram:url', 'https://instagram.com/brackenhall/', 'yes'],
      ['country', 'Germany', 'trap'],
      ['city', 'Keswick', 'yes'],
      ['postcode', 'CA125TT', 'yes'],
    ],
  },
  {
    url: 'https://news.mediaboard.example/talks',
    row: { company: 'Sorrel Robotics' },
    html: `<html lang="en"><title>Sorrel Robotics denies sale</title><body><article><h1>Sorrel Robotics denies sale</h1><p>Sorrel Robotics is not for sale and has never had an office in Austin, its founder Kemi Adeyinka said. Reports that it employs 900 people were wrong; the figure is 350.</p><p>The Boise company raised $18 million in a Series B led by Gannet Capital in March 2023. Gannet Capital, of Zurich, manages $2.1 billion.</p><p>Ms Adeyinka will hand over to Ludo Brandt, who is to become chief executive in January. Sorrel aims for revenue of $60 million in 2026; it was $22 million in 2023.</p></article></body></html>`,
    pairs: [
      ['employees:integer', 350, 'yes'],
      ['employees:integer', 900, 'trap'],
      ['office_city', 'Austin', 'trap'],
      ['headquarters', 'Boise', 'yes'],
      ['headquarters', 'Zurich', 'trap'],
      ['funding_usd:number', 18000000, 'yes'],
      ['funding_usd:number', 2100000000, 'trap'],
      ['founder', 'Kemi Adeyinka', 'yes'],
      ['revenue_usd:number', 22000000, 'yes'],
      ['revenue_usd:number', 60000000, 'trap'],
      ['lead_investor', 'Gannet Capital', 'yes'],
      ['ceo', 'Ludo Brandt', 'trap'],
      ['funding_date', '2023-03', 'yes'],
    ],
  },
  {
    url: 'https://reports.example/estuary/2022.pdf',
    row: { company: 'Estuary Water plc' },
    html: '',
    pdf: [
      'Estuary Water plc\nAnnual report 2022\n',
      'Highlights\nThe group employed 2,318 people at the year end, and served 1.9 mil-\nlion customers in three counties.\n\nConsolidated income statement (£m)\nRevenue 411.6 398.2\nOperating profit 88.1 90.4\n',
      'Directors\nPriscilla Noakes was appointed chief execu-\ntive on 4 July 2020. Sir Alan Tope retired as chairman in May.\n',
    ],
    pairs: [
      ['employees:integer', 2318, 'yes'],
      ['customers:integer', 1900000, 'yes'],
      ['ceo', 'Priscilla Noakes', 'yes'],
      ['chairman', 'Alan Tope', 'trap'],
      ['ceo_since:date', '2020-07-04', 'yes'],
      ['employees:integer', 2381, 'no'],
    ],
  },
  {
    url: 'https://www.regional-press.example/news/4471',
    row: { company: 'Gamma AS' },
    html: `<html lang="en"><title>News</title><body><main><h1>News</h1><p>Delta has 1,250 employees and its CEO is Kari Dahl, founded in 1976. Its rival is Gamma, which makes cranes.</p><p>Gamma, based in Molde, has 310 employees. Its chief executive is Per Aune.</p></main></body></html>`,
    pairs: [
      ['employees:integer', 1250, 'trap'],
      ['founded:integer', 1976, 'trap'],
      ['ceo', 'Kari Dahl', 'trap'],
      ['employees:integer', 310, 'yes'],
      ['ceo', 'Per Aune', 'yes'],
    ],
  },
];
