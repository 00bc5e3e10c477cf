import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

import { allResources, reviewResources } from '@navarch/api';

import { repairGenerated } from './repair';
import { servedResources } from './served';

const root = join(__dirname, '..', '..');

describe('the wire', () => {
  it('has a typed service for every kind of the registry, and for no other', () => {
    expect([...servedResources].sort()).toEqual([...new Set([...allResources, ...reviewResources].map(({ plural, group }) => `${plural}.${group}`))].sort());
  });

  it('is freshly made from the facts', () => {
    expect(() => execFileSync(join(root, 'node_modules/.bin/tsx'), [join(__dirname, 'main.ts'), '--check'], { cwd: root, stdio: 'pipe' })).not.toThrow();
  }, 60_000);

  it('notices when ts-proto writes other code than the repairs expect', () => {
    expect(() => repairGenerated(new Map([['a.ts', 'return message;']]))).toThrow("ts-proto's output has changed");
  });
});
