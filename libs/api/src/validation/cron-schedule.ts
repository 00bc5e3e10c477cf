interface Bounds {
  readonly least: number;
  readonly greatest: number;
  readonly names?: readonly string[];
}

const months = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const days = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];
const fields: readonly Bounds[] = [
  { least: 0, greatest: 59 }, { least: 0, greatest: 23 }, { least: 1, greatest: 31 }, { least: 1, greatest: 12, names: months }, { least: 0, greatest: 6, names: days },
];
const descriptors = ['@yearly', '@annually', '@monthly', '@weekly', '@daily', '@midnight', '@hourly'];

/**
 * What is wrong with a schedule in cron's five fields, or one of its names (`@daily`, `@every 1h30m`); undefined when nothing.
 * In the words of the parser that Kubernetes uses. A time zone in front of it (TZ=…) is left out of what is looked at.
 */
export function cronComplaint(schedule: string): string | undefined {
  if (schedule === '') return 'empty spec string';
  const spec = schedule.replace(/^(CRON_)?TZ=\S*\s+/, '').trim();
  if (spec.startsWith('@')) return descriptorComplaint(spec);
  const parts = spec.split(/\s+/).filter((part) => part !== '');
  if (parts.length !== fields.length) return `expected exactly 5 fields, found ${parts.length}: [${parts.join(' ')}]`;
  for (const [index, part] of parts.entries()) {
    const complaint = fieldComplaint(part, fields[index] as Bounds);
    if (complaint !== undefined) return complaint;
  }
  return undefined;
}

function descriptorComplaint(spec: string): string | undefined {
  if (descriptors.includes(spec)) return undefined;
  const every = /^@every (.*)$/.exec(spec)?.[1];
  if (every === undefined) return `unrecognized descriptor: ${spec}`;
  return /^\+?((\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h))+$/.test(every) ? undefined : `failed to parse duration ${spec}: time: invalid duration "${every}"`;
}

function fieldComplaint(field: string, bounds: Bounds): string | undefined {
  for (const part of field.split(',').filter((one) => one !== '')) {
    const complaint = rangeComplaint(part, bounds);
    if (complaint !== undefined) return complaint;
  }
  return undefined;
}

/** `*`, `a`, `a-b`, each with or without `/step`. */
function rangeComplaint(text: string, { least, greatest, names }: Bounds): string | undefined {
  const [range = '', step, ...moreSteps] = text.split('/');
  const [low = '', high, ...moreLimits] = range.split('-');
  let [first, last] = [least, greatest];
  if (low !== '*' && low !== '?') {
    if (moreLimits.length > 0) return `too many hyphens: ${text}`;
    const [from, to] = [numberOf(low, names), high === undefined ? undefined : numberOf(high, names)];
    if (typeof from === 'string') return from;
    if (typeof to === 'string') return to;
    first = from;
    last = to ?? (step === undefined ? from : greatest);
  }
  if (moreSteps.length > 0) return `too many slashes: ${text}`;
  const size = step === undefined ? 1 : numberOf(step);
  if (typeof size === 'string') return size;
  if (first < least) return `beginning of range (${first}) below minimum (${least}): ${text}`;
  if (last > greatest) return `end of range (${last}) above maximum (${greatest}): ${text}`;
  if (first > last) return `beginning of range (${first}) beyond end of range (${last}): ${text}`;
  return size === 0 ? `step of range should be a positive number: ${text}` : undefined;
}

/** The number, or why it is none. */
function numberOf(text: string, names: readonly string[] = []): number | string {
  const named = names.indexOf(text.toLowerCase());
  if (named >= 0) return named + (names === months ? 1 : 0);
  if (/^\+?\d{1,15}$/.test(text)) return Number(text);
  if (/^-\d{1,15}$/.test(text)) return `negative number (${text}) not allowed: ${text}`;
  return `failed to parse int from ${text}: strconv.Atoi: parsing ${JSON.stringify(text)}: invalid syntax`;
}
