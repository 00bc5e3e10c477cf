import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { parse } from 'yaml';

const root = join(__dirname, '../..');
const read = (name: string): string => readFileSync(join(root, 'k8s-manifests/monitoring', name), 'utf8');

interface Dashboard { readonly panels: readonly { readonly id: number; readonly title: string; readonly targets: readonly { readonly expr: string }[] }[] }
interface Alerts { readonly groups: readonly { readonly rules: readonly { readonly alert: string; readonly expr: string; readonly annotations: { readonly summary: string } }[] }[] }

const dashboard = JSON.parse(read('dashboard.json')) as Dashboard;
const rules = (parse(read('alerts.yaml')) as Alerts).groups.flatMap(({ rules: own }) => own);
const queries = [
  ...dashboard.panels.flatMap(({ title, targets }) => targets.map(({ expr }) => [title, expr] as const)),
  ...rules.map(({ alert, expr }) => [alert, expr] as const),
];

/** All that is said in the source of the processes, tests left out. */
const source = execFileSync('grep', ['-rh', '--include=*.ts', '--exclude=*.spec.ts', '', 'apps', 'libs/service', 'libs/client', 'libs/store-nats'], { cwd: root, encoding: 'utf8', maxBuffer: 100_000_000 });

describe('the Grafana dashboard and the alert rules', () => {
  it.each(queries)('%s asks for metrics that a process tells: %s', (_title, expr) => {
    const names = (expr.match(/\b(?:navarch|apiserver|process|workqueue)_[a-z_]+/g) ?? []).map((name) => name.replace(/_(bucket|sum|count)$/, ''));
    expect(names.filter((name) => !source.includes(`'${name}'`) && !source.includes(` ${name} `))).toEqual([]);
    expect(names.length > 0 || expr.startsWith('up{')).toBe(true);
  });

  it.each(queries.filter(([, expr]) => expr.includes('span=')))('%s asks for spans that a process makes: %s', (_title, expr) => {
    const spans = [...expr.matchAll(/span=~?"([^"]+)"/g)].flatMap(([, names = '']) => names.split('|'));
    expect(spans.length).toBeGreaterThan(0);
    expect(spans.filter((span) => !source.includes(`'${span}'`))).toEqual([]);
  });

  it('show pod start by hop, request latency, watch lag and the processes themselves, each panel once', () => {
    expect(new Set(dashboard.panels.map(({ id }) => id)).size).toBe(dashboard.panels.length);
    expect(dashboard.panels.map(({ title }) => title)).toEqual(expect.arrayContaining(['Pod start by hop, p95', 'Watch lag, p99', 'API request latency, p99', 'Memory of each process', 'Queue depth of controllers', 'Size of the logs']));
  });

  it('every alert says what to do or where to look', () => {
    expect(rules.map(({ alert }) => alert).length).toBeGreaterThan(0);
    for (const { annotations } of rules) expect(annotations.summary).toMatch(/\S.*\.$/);
  });
});
