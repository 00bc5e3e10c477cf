/**
 * What benchmarks share: candidates measured in turns within one run, so that what the machine does meanwhile hits all alike,
 * and medians of their ratios. A figure of this repository is a ratio; absolute numbers stand beside it.
 */
export interface Candidate {
  readonly name: string;
  /** One measurement; larger is better (a rate) or smaller (a time), the same for all candidates. */
  measure(): Promise<number>;
}

export interface Measured {
  readonly name: string;
  readonly values: readonly number[];
  readonly median: number;
  /** Median over the rounds of this candidate's value by the first candidate's of the same round. */
  readonly ratio: number;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((left, right) => left - right);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? (sorted[middle] ?? NaN) : ((sorted[middle - 1] ?? NaN) + (sorted[middle] ?? NaN)) / 2;
}

/** Measures every candidate once per round, in an order that turns with the rounds; the first one is the reference. One round more warms up. */
export async function measureInTurns(candidates: readonly Candidate[], rounds: number, onRound?: (round: number) => void): Promise<Measured[]> {
  const values = candidates.map((): number[] => []);
  for (let round = 0; round <= rounds; round++) {
    onRound?.(round);
    for (let turn = 0; turn < candidates.length; turn++) {
      const index = (turn + round) % candidates.length;
      const value = await candidates[index]?.measure() ?? NaN;
      if (round > 0) values[index]?.push(value);
    }
  }
  return candidates.map(({ name }, index) => {
    const own = values[index] ?? [];
    return { name, values: own, median: median(own), ratio: median(own.map((value, round) => value / (values[0]?.[round] ?? NaN))) };
  });
}

/** Columns of text, the first to the left, the others to the right. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...all.map((row) => (row[column] ?? '').length)));
  return all.map((row) => row.map((cell, column) => (column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0))).join('  ')).join('\n');
}

/** The table of a run, then one line of JSON for whoever keeps figures. */
export function printResults(title: string, unit: string, results: readonly Measured[]): void {
  const rows = results.map(({ name, median: middle, ratio, values }) => [name, middle.toFixed(0), Math.min(...values).toFixed(0), Math.max(...values).toFixed(0), `${(ratio * 100).toFixed(1)} %`]);
  console.log(`${title} (${unit})\n${table(['', 'median', 'least', 'most', 'of the first'], rows)}`);
  console.log(JSON.stringify({ title, unit, results }));
}
