/** Factors to the first unit of each measure. */
const MEASURES: readonly Readonly<Record<string, number>>[] = [
  {
    g: 1,
    gram: 1,
    grams: 1,
    gramm: 1,
    grammes: 1,
    gramos: 1,
    mg: 1e-3,
    kg: 1e3,
    kgs: 1e3,
    kilo: 1e3,
    kilos: 1e3,
    kilogram: 1e3,
    kilograms: 1e3,
    kilogramm: 1e3,
    t: 1e6,
    tonnes: 1e6,
    tonne: 1e6,
    tons: 1e6,
    tonnen: 1e6,
    lb: 453.59237,
    lbs: 453.59237,
    pounds: 453.59237,
    oz: 28.349523125,
    г: 1,
    кг: 1e3,
  },
  {
    m: 1,
    meter: 1,
    meters: 1,
    metre: 1,
    metres: 1,
    mètres: 1,
    metros: 1,
    metri: 1,
    cm: 0.01,
    centimeters: 0.01,
    mm: 1e-3,
    km: 1e3,
    kilometers: 1e3,
    kilometres: 1e3,
    ft: 0.3048,
    feet: 0.3048,
    in: 0.0254,
    inch: 0.0254,
    inches: 0.0254,
    zoll: 0.0254,
    mi: 1609.344,
    miles: 1609.344,
    м: 1,
    см: 0.01,
    мм: 1e-3,
    км: 1e3,
  },
  {
    l: 1,
    liter: 1,
    liters: 1,
    litre: 1,
    litres: 1,
    litros: 1,
    litri: 1,
    ml: 1e-3,
    cl: 0.01,
    dl: 0.1,
    hl: 100,
    л: 1,
    мл: 1e-3,
    gal: 3.785411784,
    gallons: 3.785411784,
  },
  { w: 1, watt: 1, watts: 1, kw: 1e3, mw: 1e6, gw: 1e9, hp: 745.69987, ps: 735.49875, вт: 1, квт: 1e3 },
  { wh: 1, kwh: 1e3, mwh: 1e6, gwh: 1e9 },
  { mb: 1, gb: 1e3, tb: 1e6 },
  { days: 1, day: 1, tage: 1, jours: 1, días: 1, giorni: 1, weeks: 7, week: 7, wochen: 7, semaines: 7 },
  {
    months: 1,
    month: 1,
    monate: 1,
    monat: 1,
    mois: 1,
    meses: 1,
    mesi: 1,
    månader: 1,
    years: 12,
    year: 12,
    jahre: 12,
    jahr: 12,
    ans: 12,
    años: 12,
    anni: 12,
    anos: 12,
    jaar: 12,
    år: 12,
    лет: 12,
    года: 12,
  },
  {
    hours: 60,
    hour: 60,
    h: 60,
    stunden: 60,
    heures: 60,
    horas: 60,
    ore: 60,
    minutes: 1,
    minute: 1,
    min: 1,
    minuten: 1,
    minutos: 1,
    minuti: 1,
  },
  {
    sqm: 1,
    m2: 1,
    'm²': 1,
    qm: 1,
    ha: 1e4,
    hectares: 1e4,
    hektar: 1e4,
    sqft: 0.09290304,
    km2: 1e6,
    'km²': 1e6,
  },
];

const SQUARE_METRES =
  /^\s?(?:metros? cuadrad|mètres? carr|metri quadr|metros? quadrad|quadratmeter|vierkante meter|kvadratmeter|neliömetri|metrów kwadrat|metrů čtver|平方米|平米|㎡)/iu;

/** The unit that stands right after a number. Null if that is no unit. */
export function readUnit(after: string, behind: string): string | null {
  const word = /^\s?(\p{L}+[²2]?)/u.exec(behind)?.[1] ?? /^(\p{L}+[²2]?)/u.exec(after)?.[1];
  const unit = word?.toLowerCase() ?? '';
  if (SQUARE_METRES.test(behind) || SQUARE_METRES.test(after)) return 'sqm';
  if (unit === 'square' || unit === 'sq')
    return /^\s?(?:square|sq\.?)\s?(?:met|m)/i.test(behind) ? 'sqm' : 'sqft';
  return MEASURES.some((units) => units[unit] !== undefined) ? unit : null;
}

/** True for a unit of length, weight, volume, power, energy, memory or area, but not of time. */
export function isMeasure(unit: string): boolean {
  return MEASURES.some(
    (units) =>
      units[unit] !== undefined &&
      units.days === undefined &&
      units.months === undefined &&
      units.hours === undefined,
  );
}

/** A number with a unit in another unit of the same measure. Null if that is not possible, or needs no conversion. */
export function convertUnit(value: number, from: string | null, to: string | null): number | null {
  if (from === null || to === null || from === to) return null;
  const units = MEASURES.find((each) => each[from] !== undefined && each[to] !== undefined);
  return units === undefined ? null : (value * (units[from] ?? 1)) / (units[to] ?? 1);
}

/** True if both are units, and mean something else. */
export function isOtherUnit(found: string | null, wanted: string | null): boolean {
  if (found === null || wanted === null) return false;
  const [a, b] = [found, wanted].map((unit) => MEASURES.findIndex((units) => units[unit] !== undefined));
  if (a === -1 || b === -1) return false;
  return a !== b || MEASURES[a ?? 0]?.[found] !== MEASURES[b ?? 0]?.[wanted];
}
