/**
 * A set of completion indexes, held as ascending intervals: a job may have 2^31 of them. Written as Kubernetes does: `1,3-5,7`; two
 * neighbours are a list, three an interval (KEP-2214).
 */
export class IndexSet {
  private constructor(private readonly intervals: readonly (readonly [first: number, last: number])[]) {}

  static readonly none = new IndexSet([]);

  static of(indexes: Iterable<number>): IndexSet {
    return IndexSet.joined([...indexes].map((index) => [index, index]));
  }

  /** What a status says, without what lies beyond `completions`: an indexed job can have shrunk since. What is no interval is left out. */
  static parse(text: string | undefined, completions: number): IndexSet {
    const intervals = (text ?? '').split(',').flatMap((part): [number, number][] => {
      const [first = Number.NaN, last = first] = part === '' ? [] : part.split('-').map(Number);
      return Number.isInteger(first) && Number.isInteger(last) && first < completions ? [[first, Math.min(last, completions - 1)]] : [];
    });
    return IndexSet.joined(intervals);
  }

  private static joined(intervals: [number, number][]): IndexSet {
    const joined: [number, number][] = [];
    for (const [first, last] of intervals.sort(([a], [b]) => a - b)) {
      const previous = joined.at(-1);
      if (previous && first <= previous[1] + 1) previous[1] = Math.max(previous[1], last);
      else joined.push([first, last]);
    }
    return new IndexSet(joined);
  }

  get size(): number {
    return this.intervals.reduce((total, [first, last]) => total + last - first + 1, 0);
  }

  has(index: number): boolean {
    return this.intervals.some(([first, last]) => first <= index && index <= last);
  }

  union(other: IndexSet): IndexSet {
    return IndexSet.joined([...this.intervals, ...other.intervals].map(([first, last]) => [first, last]));
  }

  /** How many of the other's indexes are here. */
  countOf(other: IndexSet): number {
    let count = 0;
    for (const [first, last] of this.intervals) {
      for (const [from, to] of other.intervals) count += Math.max(0, Math.min(last, to) - Math.max(first, from) + 1);
    }
    return count;
  }

  /** The lowest `count` indexes below `completions` that are not here. */
  firstMissing(count: number, completions: number): number[] {
    const missing: number[] = [];
    let next = 0;
    for (const [first, last] of [...this.intervals, [completions, completions] as const]) {
      for (; next < Math.min(first, completions) && missing.length < count; next++) missing.push(next);
      next = Math.max(next, last + 1);
    }
    return missing;
  }

  toString(): string {
    return this.intervals.map(([first, last]) => (first === last ? `${first}` : last === first + 1 ? `${first},${last}` : `${first}-${last}`)).join(',');
  }
}
