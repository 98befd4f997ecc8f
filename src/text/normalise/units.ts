interface Unit {
  readonly one: string;
  readonly many: string;
  /** Only right after the number: `5s`, not `5 s`. */
  readonly attached?: boolean;
}

const table = `
km kilometer|m meter|cm centimeter|mm millimeter|nm nanometer|μm micrometer|mi mile|yd yard|yds yard|ft foot feet
in inch inches|kg kilogram|g gram|mg milligram|μg microgram|mcg microgram|lb pound|lbs pound|oz ounce|t ton!
l liter|L liter|ml milliliter|mL milliliter|cl centiliter|dl deciliter|gal gallon|pt pint!|qt quart|tsp teaspoon|tbsp tablespoon
ha hectare|ac acre!|sq_ft square_foot square_feet|sq_m square_meter|sq_mi square_mile|sq_km square_kilometer
m^2 square_meter|km^2 square_kilometer|cm^2 square_centimeter|mm^2 square_millimeter|ft^2 square_foot square_feet
m^3 cubic_meter|cm^3 cubic_centimeter|cc cubic_centimeter!|ft^3 cubic_foot cubic_feet
km/h kilometer_per_hour kilometers_per_hour|kmh kilometer_per_hour kilometers_per_hour|kph kilometer_per_hour kilometers_per_hour
mph mile_per_hour miles_per_hour|m/s meter_per_second meters_per_second|m/s^2 meter_per_second_squared meters_per_second_squared
km/s kilometer_per_second kilometers_per_second|mpg mile_per_gallon miles_per_gallon|rpm revolution_per_minute revolutions_per_minute
bpm beat_per_minute beats_per_minute|fps frame_per_second frames_per_second|dpi dot_per_inch dots_per_inch
Mbps megabit_per_second megabits_per_second|Gbps gigabit_per_second gigabits_per_second|kbps kilobit_per_second kilobits_per_second
MB/s megabyte_per_second megabytes_per_second|GB/s gigabyte_per_second gigabytes_per_second
s second!|sec second|secs second|ms millisecond|μs microsecond|ns nanosecond|min minute|mins minute|h hour!|hr hour|hrs hour|d day!|wk week|wks week|yr year|yrs year|mo month!
Hz hertz hertz|kHz kilohertz kilohertz|MHz megahertz megahertz|GHz gigahertz gigahertz|THz terahertz terahertz
B byte!|kB kilobyte|KB kilobyte|MB megabyte|GB gigabyte|TB terabyte|PB petabyte|KiB kibibyte|MiB mebibyte|GiB gibibyte|Mb megabit|Gb gigabit|kbit kilobit|Mbit megabit|Gbit gigabit
V volt|kV kilovolt|mV millivolt|A ampere!|mA milliampere|mAh milliampere_hour|Ah ampere_hour|W watt|kW kilowatt|MW megawatt|GW gigawatt|mW milliwatt|Wh watt_hour|kWh kilowatt_hour|MWh megawatt_hour
J joule!|kJ kilojoule|MJ megajoule|cal calorie|kcal kilocalorie|N newton!|kN kilonewton|Nm newton_meter|Pa pascal|hPa hectopascal|kPa kilopascal|MPa megapascal|bar bar bar|psi P_S_I P_S_I
dB decibel|dBFS D_B_F_S D_B_F_S|Ω ohm|kΩ kilohm|K kelvin|mol mole|px pixel|MP megapixel|hp horsepower horsepower
°C degree_celsius degrees_celsius|°F degree_fahrenheit degrees_fahrenheit|° degree
`;

/** Unit → how one and many of it are called. */
export const units: ReadonlyMap<string, Unit> = new Map(
  table
    .trim()
    .split(/[|\n]/)
    .map((entry) => {
      const attached = entry.endsWith('!');
      const [name, one, many] = entry.replace('!', '').split(' ');
      const spoken = (words: string) => words.replaceAll('_', ' ');
      return [spoken(name), { one: spoken(one), many: spoken(many ?? `${one}s`), attached }];
    }),
);

/** Currency sign or code → its units, singular and plural, and those of its hundredth. */
export const currencies: ReadonlyMap<string, readonly [string, string, string?, string?]> = new Map(
  Object.entries({
    $: ['dollar', 'dollars', 'cent', 'cents'],
    US$: ['dollar', 'dollars', 'cent', 'cents'],
    A$: ['australian dollar', 'australian dollars', 'cent', 'cents'],
    C$: ['canadian dollar', 'canadian dollars', 'cent', 'cents'],
    '£': ['pound', 'pounds', 'penny', 'pence'],
    '€': ['euro', 'euros', 'cent', 'cents'],
    '¥': ['yen', 'yen'],
    '₹': ['rupee', 'rupees', 'paisa', 'paise'],
    '₩': ['won', 'won'],
    '₽': ['ruble', 'rubles', 'kopeck', 'kopecks'],
    '₪': ['shekel', 'shekels'],
    '₺': ['lira', 'lira'],
    '₿': ['bitcoin', 'bitcoins'],
    USD: ['U S dollar', 'U S dollars', 'cent', 'cents'],
    EUR: ['euro', 'euros', 'cent', 'cents'],
    GBP: ['pound', 'pounds', 'penny', 'pence'],
    JPY: ['yen', 'yen'],
    CHF: ['swiss franc', 'swiss francs', 'centime', 'centimes'],
    CAD: ['canadian dollar', 'canadian dollars', 'cent', 'cents'],
    AUD: ['australian dollar', 'australian dollars', 'cent', 'cents'],
    INR: ['rupee', 'rupees', 'paisa', 'paise'],
  } as Record<string, [string, string, string?, string?]>),
);

/** Signs that are said, where no rule for numbers takes them. */
export const symbols: ReadonlyMap<string, string> = new Map(
  Object.entries({
    '&': 'and',
    '%': 'percent',
    '‰': 'per mille',
    '@': 'at',
    '+': 'plus',
    '=': 'equals',
    '×': 'times',
    '÷': 'divided by',
    '±': 'plus or minus',
    '−': 'minus',
    '<': 'less than',
    '>': 'greater than',
    '≤': 'less than or equal to',
    '≥': 'greater than or equal to',
    '≠': 'not equal to',
    '≈': 'approximately',
    '°': 'degrees',
    '§': 'section',
    '¶': 'paragraph',
    '©': 'copyright',
    '∞': 'infinity',
    '√': 'square root of',
    '→': 'to',
    '⇒': 'implies',
    '∑': 'sum',
    '∂': 'partial',
    '∫': 'integral',
    '∆': 'delta',
    '¢': 'cents',
    '^': 'to the power of',
    '\\': 'backslash',
    '#': 'hash',
  }),
);

const greekNames =
  'alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho sigma sigma tau upsilon phi ' +
  'chi psi omega';
/** Single Greek letters, as formulas have them. */
export const greek: ReadonlyMap<string, string> = new Map(
  [...'αβγδεζηθικλμνξοπρςστυφχψω'].flatMap((letter, i): [string, string][] => {
    const name = greekNames.split(' ')[i];
    return [
      [letter, name],
      [letter.toUpperCase(), name],
    ];
  }),
);
