import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { parseCount, parseDuration, parseTargets } from './arguments';
import { parseManifests, readManifests } from './manifests';
import { columnWidths, formatAge, formatTable, tableHeader, tableRow } from './table';

describe('manifests', () => {
  it('are read from every document of a file, Lists taken apart, empty documents left out', () => {
    const text = 'apiVersion: v1\nkind: Pod\nmetadata: { name: a }\n---\n---\napiVersion: v1\nkind: List\nitems:\n- { apiVersion: v1, kind: Secret, metadata: { name: b, namespace: x } }\n';
    expect(parseManifests(text, 'f').map(({ kind, name, namespace }) => [kind, name, namespace])).toEqual([['Pod', 'a', undefined], ['Secret', 'b', 'x']]);
  });

  it.each([
    ['broken YAML', 'a: [', 'f#1'],
    ['no object', '- 1', 'an object is wanted'],
    ['no kind', 'apiVersion: v1\nmetadata: { name: a }', 'kind is missing'],
    ['no name', 'apiVersion: v1\nkind: Pod', 'metadata.name is missing'],
    ['a field twice', 'apiVersion: v1\napiVersion: v1', 'f#1'],
  ])('with %s are refused with the place', (_what, text, message) => {
    expect(() => parseManifests(text, 'f')).toThrow(message);
  });

  it('of a directory are read in the order of their names', () => {
    const directory = mkdtempSync(join(tmpdir(), 'navarch-manifests-'));
    try {
      expect(() => readManifests(directory)).toThrow('has no .yaml');
      for (const name of ['b', 'a']) writeFileSync(join(directory, `${name}.yaml`), `{ apiVersion: v1, kind: Pod, metadata: { name: ${name} } }`);
      writeFileSync(join(directory, 'README.md'), 'no manifest');
      expect(readManifests(directory).map(({ name }) => name)).toEqual(['a', 'b']);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});

describe('arguments', () => {
  it.each([
    [['pods'], [{ kind: 'pods' }]],
    [['pods,nodes'], [{ kind: 'pods' }, { kind: 'nodes' }]],
    [['pod', 'a', 'b'], [{ kind: 'pod', name: 'a' }, { kind: 'pod', name: 'b' }]],
    [['pod/a', 'node/b'], [{ kind: 'pod', name: 'a' }, { kind: 'node', name: 'b' }]],
  ])('%j name their objects', (words, targets) => expect(parseTargets(words)).toEqual(targets));

  it.each([[[]], [['pod/']], [['pod/a', 'b']], [['a/b/c']]])('%j are refused', (words) => expect(() => parseTargets(words)).toThrow());

  it.each([['30s', 30_000], ['1h30m', 5_400_000], ['500ms', 500], ['2d', 172_800_000], ['1.5s', 1_500]])('the duration %s is %d ms', (text, ms) => expect(parseDuration(text)).toBe(ms));
  it.each(['', '5', 'm', '5 m', '-5s', '5x'])('the duration "%s" is refused', (text) => expect(() => parseDuration(text)).toThrow('duration'));
  it('counts are whole numbers', () => {
    expect(parseCount('12')).toBe(12);
    expect(() => parseCount('1.5')).toThrow();
  });
});

describe('tables', () => {
  const columns = [
    { name: 'Name', type: 'string', format: 'name', value: (object: { metadata?: { name?: string } }) => object.metadata?.name ?? '' },
    { name: 'Node', type: 'string', priority: 1, value: () => 'node-1' },
  ] as const;
  const object = { metadata: { name: 'web', namespace: 'shop' } } as never;

  it('have wide columns, namespaces and prefixes when asked', () => {
    expect(tableRow(object, columns, { wide: false, withNamespace: false, nowMs: 0 })).toEqual(['web']);
    const options = { wide: true, withNamespace: true, prefix: 'pod', nowMs: 0 };
    expect([tableHeader(columns, options), tableRow(object, columns, options)]).toEqual([['NAMESPACE', 'NAME', 'NODE'], ['shop', 'pod/web', 'node-1']]);
  });

  it('are aligned, without blanks at line ends', () => {
    const rows = [['NAME', 'AGE'], ['long-name', '']];
    expect(columnWidths(rows)).toEqual([9, 3]);
    expect(formatTable(rows)).toBe('NAME        AGE\nlong-name');
  });

  it.each([[0, '0s'], [119_000, '119s'], [200_000, '3m20s'], [900_000, '15m'], [14_700_000, '4h5m'], [40 * 3_600_000, '40h'], [5 * 86_400_000, '5d']])('say %d ms as %s', (ms, text) => expect(formatAge(ms)).toBe(text));
});
