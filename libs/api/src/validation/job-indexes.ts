/** A job's index lists, such as `1,3-5,7`: ascending, each interval's end no less than its beginning (KEP-2214). */
export interface IndexInterval {
  readonly first: number;
  readonly last: number;
}

/** The intervals, or Kubernetes' complaint. Indexes are below `completions`. */
export function parseIndexes(text: string, completions: number): readonly IndexInterval[] | string {
  if (text === '') return [];
  const intervals: IndexInterval[] = [];
  for (const part of text.split(',')) {
    const interval = parseInterval(part, completions);
    if (typeof interval === 'string') return interval;
    const previous = intervals.at(-1)?.last;
    if (previous !== undefined && previous >= interval.first) return `non-increasing order, previous: ${previous}, current: ${interval.first}`;
    intervals.push(interval);
  }
  return intervals;
}

export function countIndexes(intervals: readonly IndexInterval[]): number {
  return intervals.reduce((total, { first, last }) => total + last - first + 1, 0);
}

/** The lowest index that both have, if any. */
export function firstOverlap(left: readonly IndexInterval[], right: readonly IndexInterval[]): number | undefined {
  const starts = left.flatMap((a) => right.filter((b) => a.first <= b.last && b.first <= a.last).map((b) => Math.max(a.first, b.first)));
  return starts.length === 0 ? undefined : Math.min(...starts);
}

function parseInterval(text: string, completions: number): IndexInterval | string {
  const limits = text.split('-');
  if (limits.length > 2) return `the fragment "${text}" violates the requirement that an index interval can have at most two parts separated by '-'`;
  const numbers: number[] = [];
  for (const limit of limits) {
    if (!/^\+?\d{1,15}$/.test(limit)) return `cannot convert string to integer for index: "${limit}"`;
    const index = Number(limit);
    if (index >= completions) return `too large index: "${limit}"`;
    numbers.push(index);
  }
  const [first = 0, last = first] = numbers;
  return limits.length === 2 && first >= last ? `non-increasing order, previous: ${first}, current: ${last}` : { first, last };
}
