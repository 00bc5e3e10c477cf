/** Reads docs/features.md: one row per clause, whose last column names the tests that prove it, or says `open`. */
export interface FeatureRow {
  readonly line: number;
  readonly clause: string;
  /** Empty where the row is open. */
  readonly tests: readonly TestReference[];
  readonly open: boolean;
}

/** A test as the table names it: a file, and words that its full name contains. */
export interface TestReference {
  readonly file: string;
  readonly name: string;
}

export interface TestResult {
  /** Relative to the repository. */
  readonly file: string;
  readonly fullName: string;
  readonly status: string;
}

/** Rows look like: | clause | `path/x.spec.ts` › words of the test's name; `other.spec.ts` › … | */
export function parseFeatures(markdown: string): FeatureRow[] {
  return markdown.split('\n').flatMap((text, index) => {
    const cells = /^\|(.*)\|\s*$/.exec(text)?.[1]?.split(/(?<!\\)\|/).map((cell) => cell.trim());
    if (!cells || cells.length < 2 || /^:?-+:?$/.test(cells.at(-1) ?? '') || cells.at(-1) === 'proof') return [];
    const proof = cells.at(-1) ?? '';
    const tests = [...proof.matchAll(/`([^`]+\.spec\.ts)`\s*›\s*([^;]+)/g)].map((match) => ({ file: match[1] ?? '', name: (match[2] ?? '').trim() }));
    return [{ line: index + 1, clause: cells.slice(0, -1).join(' | '), tests, open: /^open\b/.test(proof) }];
  });
}

/** What is wrong with the table, one line each: rows without a proof, and proofs that no passed test gives. */
export function checkFeatures(rows: readonly FeatureRow[], results: readonly TestResult[]): string[] {
  return rows.flatMap((row) => {
    if (row.open) return [];
    if (row.tests.length === 0) return [`line ${row.line}: neither a test nor "open": ${row.clause}`];
    return row.tests.flatMap(({ file, name }) => {
      const found = results.filter((result) => result.file === file && result.fullName.includes(name));
      if (found.length === 0) return [`line ${row.line}: no such test: ${file} › ${name}`];
      return found.some(({ status }) => status === 'passed') ? [] : [`line ${row.line}: did not pass: ${file} › ${name}`];
    });
  });
}
