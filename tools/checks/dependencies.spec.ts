import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(__dirname, '..', '..');
const page = readFileSync(join(root, 'docs/dependencies.md'), 'utf8');
const { dependencies, devDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Record<'dependencies' | 'devDependencies', Record<string, string>>;
const [runtime = '', development = ''] = page.split('## For development');
const named = (part: string): string[] => [...part.matchAll(/^\| (`.+?`) \|/gm)].flatMap((row) => [...(row[1] ?? '').matchAll(/`([^`]+)`/g)].map((match) => match[1] ?? '')).sort();

describe('docs/dependencies.md', () => {
  it('gives a reason for every package, and names none that is not used', () => {
    expect(named(runtime)).toEqual(Object.keys(dependencies).sort());
    expect(named(development)).toEqual(Object.keys(devDependencies).sort());
  });

  it('every version is exact', () => {
    expect(Object.values({ ...dependencies, ...devDependencies }).filter((version) => !/^(npm:typescript@)?\d+\.\d+\.\d+$/.test(version))).toEqual([]);
  });
});
