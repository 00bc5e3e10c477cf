/** Every regular expression of the request's path, found in the sources themselves, against inputs made to make it backtrack. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';

import ts from 'typescript';

const root = join(__dirname, '..', '..', '..', '..');
const folders = ['libs/api/src', 'libs/base/src', 'libs/service/src/tls', 'libs/service/src/grpc', 'libs/service/src/tokens', 'libs/streaming/src', 'apps/apiserver/src/core', 'apps/apiserver/src/rest', 'apps/apiserver/src/grpc'];

function sources(): string[] {
  return folders.flatMap((folder) => readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map((file) => join(root, folder, file)))
    .filter((file) => file.endsWith('.ts') && !/\.spec\.ts$|\/(testing|documentation)\//.test(file));
}

function expressionsOf(file: string): [where: string, expression: RegExp][] {
  const tree = ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.Latest, true);
  const found: [string, RegExp][] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isRegularExpressionLiteral(node)) {
      const end = node.text.lastIndexOf('/');
      found.push([`${relative(root, file)}: ${node.text}`, new RegExp(node.text.slice(1, end), node.text.slice(end + 1).replace('g', ''))]);
    }
    ts.forEachChild(node, visit);
  };
  visit(tree);
  return found;
}

/** What repeats: single characters and pairs, those of the expression itself among them. */
function pumpsOf({ source }: RegExp): string[] {
  const own = [...new Set(source.replace(/[\\^$()[\]{}?*+|]/g, ''))].filter((character) => /[^A-Za-z0-9]/.test(character)).slice(0, 6);
  const singles = [...new Set(['a', 'A', '0', '-', '.', ' ', ...own])];
  return [...singles, ...own.flatMap((character) => [`a${character}`, `0${character}`])];
}

/** Least time of several, in nanoseconds: what else the machine does only adds. */
function leastTime(expression: RegExp, text: string, times: number): number {
  let least = Infinity;
  for (let turn = 0; turn < times; turn++) {
    const began = process.hrtime.bigint();
    expression.lastIndex = 0;
    expression.test(text);
    least = Math.min(least, Number(process.hrtime.bigint() - began));
  }
  return least;
}

/** Small steps, so that the first length at which an exponential one shows is still short. */
const lengths = [4, 8, 16, 32, 64, 128, 256, 512, 1_024, 2_048, 4_096, 8_192];
/** Four times the length costs four times as much where work is linear, 16 times where it is quadratic, and 10^40 times where it is exponential. */
const quadratic = 11;
/** Shorter than this nothing is told apart from the clock's own grain. */
const measurableNs = 100_000;

function superlinear(expression: RegExp): string | undefined {
  for (const pump of pumpsOf(expression)) {
    for (const [head, tail] of [['', '\n!'], ['a', '\u0000']] as const) {
      const text = (length: number): string => head + pump.repeat(length / pump.length) + tail;
      for (let step = 2; step < lengths.length; step++) {
        const [shorter, longer] = [text(lengths[step - 2] ?? 0), text(lengths[step] ?? 0)];
        if (leastTime(expression, longer, 1) < measurableNs) continue;
        const ratio = leastTime(expression, longer, 7) / Math.max(leastTime(expression, shorter, 7), measurableNs / 100);
        if (leastTime(expression, longer, 7) >= measurableNs && ratio > quadratic) return `${JSON.stringify(pump)} × ${lengths[step]}: ${ratio.toFixed(0)} times as long as a quarter of it`;
      }
    }
  }
  return undefined;
}

describe('regular expressions that judge what clients send', () => {
  const found = sources().flatMap(expressionsOf);

  it('are found in the sources', () => {
    expect(found.length).toBeGreaterThan(100);
  });

  it('take no more than linear time on inputs made to make them backtrack', () => {
    expect(found.flatMap(([where, expression]) => superlinear(expression)?.concat(' at ', where) ?? [])).toEqual([]);
  }, 120_000);

  it('would be told apart from catastrophic ones by this measure', () => {
    expect([/^(a+)+$/, /^(a|a)*$/, /\s+$/, /^(?:\d+\.?)+x/].map((expression) => superlinear(expression) !== undefined)).toEqual([true, true, true, true]);
  }, 60_000);
});
