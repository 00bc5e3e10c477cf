import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

const root = join(__dirname, '..', '..');
const nx = (...args: string[]): string => execFileSync(join(root, 'node_modules/.bin/nx'), args, {
  cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'], env: { ...process.env, NX_DAEMON: 'false', NX_TUI: 'false' },
});

describe('the Nx workspace', () => {
  it('has the apps and libraries of the layout, each in its layer', () => {
    const tags = (name: string): string[] => (JSON.parse(nx('show', 'project', name, '--json')) as { tags: string[] }).tags;
    expect((JSON.parse(nx('show', 'projects', '--json')) as string[]).sort()).toEqual(expect.arrayContaining(
      ['api', 'apiserver', 'base', 'client', 'cluster', 'controllers', 'cri', 'kubelet', 'proto', 'proxy', 'scheduler', 'service', 'store', 'store-nats']));
    expect([tags('base'), tags('store-nats'), tags('kubelet')]).toEqual([['layer:base'], ['layer:adapter'], ['layer:app']]);
  }, 60_000);

  it('builds, tests and lints from the cache what has not changed, and serves without it', () => {
    const { targets } = JSON.parse(nx('show', 'project', 'proxy', '--json')) as { targets: Record<string, { cache?: boolean; continuous?: boolean }> };
    expect(Object.entries(targets).map(([name, { cache = false }]) => [name, cache]).sort()).toEqual([['build', true], ['lint', true], ['serve', false], ['test', true]]);
    nx('run', 'proxy:build', '--outputStyle=static');
    expect(nx('run', 'proxy:build', '--outputStyle=static')).toMatch(/existing outputs match the cache|local cache|read the output from the cache/i);
  }, 120_000);
});
