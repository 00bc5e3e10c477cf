/**
 * Judges the suites' results together: counts, skipped tests with their listed reasons, and docs/features.md against the
 * tests that ran. Its last line is the count that continuous integration reads.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';

import { checkFeatures, parseFeatures, type TestResult } from '../checks/features';

const root = join(__dirname, '..', '..');
const suites = ['unit', 'integration', 'simulation', 'end-to-end'];

interface JestReport {
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly message: string;
    readonly assertionResults: readonly { readonly fullName: string; readonly status: string }[];
  }[];
}

/** Why a test may be skipped: tools/checks/skipped.json maps "file › full name" to the reason. */
function listedSkips(): Readonly<Record<string, string>> {
  return JSON.parse(readFileSync(join(root, 'tools/checks/skipped.json'), 'utf8')) as Record<string, string>;
}

function readSuite(directory: string, suite: string): { results: TestResult[]; problems: string[] } {
  const path = join(directory, `${suite}.json`);
  if (!existsSync(path)) return { results: [], problems: [`the ${suite} suite left no results`] };
  const report = JSON.parse(readFileSync(path, 'utf8')) as JestReport;
  const broken = report.testResults.filter(({ status, assertionResults }) => status === 'failed' && assertionResults.length === 0);
  return {
    results: report.testResults.flatMap(({ name, assertionResults }) =>
      assertionResults.map(({ fullName, status }) => ({ file: relative(root, name), fullName, status }))),
    problems: [
      ...broken.map(({ name }) => `${relative(root, name)} could not run`),
      ...(report.testResults.length === 0 ? [`the ${suite} suite ran no test`] : []),
    ],
  };
}

function main(directory: string): void {
  const parts = suites.map((suite) => readSuite(directory, suite));
  const results = parts.flatMap((part) => part.results);
  const problems = parts.flatMap((part) => part.problems);
  const failed = results.filter(({ status }) => status === 'failed');
  const passed = results.filter(({ status }) => status === 'passed');
  const skipped = results.filter(({ status }) => status !== 'failed' && status !== 'passed');

  const reasons = listedSkips();
  for (const { file, fullName } of skipped) {
    const reason = reasons[`${file} › ${fullName}`];
    console.log(`skipped: ${file} › ${fullName}: ${reason ?? 'NOT LISTED in tools/checks/skipped.json'}`);
    if (!reason) problems.push(`skipped without a listed reason: ${file} › ${fullName}`);
  }
  const rows = parseFeatures(readFileSync(join(root, 'docs/features.md'), 'utf8'));
  problems.push(...checkFeatures(rows, results).map((problem) => `docs/features.md ${problem}`));
  console.log(`features: ${rows.length} rows, ${rows.filter(({ open }) => open).length} open`);

  for (const { file, fullName } of failed) console.log(`failed: ${file} › ${fullName}`);
  for (const problem of problems) console.log(`problem: ${problem}`);
  if (problems.length > 0 || failed.length > 0) process.exitCode = 1;
  console.log(`${passed.length} passed, ${failed.length} failed, ${skipped.length} skipped`);
}

const directory = process.argv[2];
if (!directory || readdirSync(directory).length === 0) throw new Error('usage: report.ts RESULTS_DIRECTORY');
main(directory);
