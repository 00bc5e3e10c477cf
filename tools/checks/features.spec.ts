import { checkFeatures, parseFeatures } from './features';

const table = [
  '| clause | proof |', '|---|---|',
  '| it counts | `libs/a.spec.ts` › counts to ten |',
  '| it waits | open |',
  '| it promises | |',
].join('\n');

describe('the features table', () => {
  it('reads rows with their tests, and open rows', () => {
    expect(parseFeatures(table).map(({ clause, open, tests }) => [clause, open, tests.length])).toEqual([
      ['it counts', false, 1], ['it waits', true, 0], ['it promises', false, 0],
    ]);
  });

  it('accepts a row whose test passed', () => {
    const results = [{ file: 'libs/a.spec.ts', fullName: 'a counts to ten', status: 'passed' }];
    expect(checkFeatures(parseFeatures(table).slice(0, 2), results)).toEqual([]);
  });

  it.each([
    ['does not exist', [], 'no such test'],
    ['is in another file', [{ file: 'libs/b.spec.ts', fullName: 'a counts to ten', status: 'passed' }], 'no such test'],
    ['failed', [{ file: 'libs/a.spec.ts', fullName: 'a counts to ten', status: 'failed' }], 'did not pass'],
    ['was skipped', [{ file: 'libs/a.spec.ts', fullName: 'a counts to ten', status: 'pending' }], 'did not pass'],
  ])('names a row whose test %s', (_what, results, message) => {
    expect(checkFeatures(parseFeatures(table).slice(0, 1), results).join()).toContain(message);
  });

  it('names a row that has neither test nor "open"', () => {
    expect(checkFeatures(parseFeatures(table).slice(2), []).join()).toContain('it promises');
  });
});
