import { formatRange, parseRange } from './ip-range';
import { clusterRangeProblem, RangePool } from './range-pool';

describe('IP ranges', () => {
  it.each([['10.244.1.0/24', '10.244.1.0/24'], ['10.244.1.77/24', '10.244.1.0/24'], ['0.0.0.0/0', '0.0.0.0/0'], ['fd00:10:244::/64', 'fd00:10:244::/64'], ['FD00:0010:244:0:1::1/64', 'fd00:10:244::/64']])('%s is %s', (text, expected) => {
    const range = parseRange(text);
    expect(range && formatRange(range)).toBe(expected);
  });

  it.each(['', '10.244.0.0', '10.244.0.0/33', 'node', 'fd00::/129'])('"%s" is no range', (text) => expect(parseRange(text)).toBeUndefined());
});

describe('cluster ranges', () => {
  it.each([
    [{ cidr: 'nonsense', nodeMaskSize: 24 }, 'is not a CIDR'],
    [{ cidr: '10.0.0.0/8', nodeMaskSize: 7 }, 'from 8 to 32'],
    [{ cidr: '10.0.0.0/8', nodeMaskSize: 33 }, 'from 8 to 32'],
    [{ cidr: '10.0.0.0/8', nodeMaskSize: 25 }, 'more than 65536 ranges'],
    [{ cidr: 'fd00::/32', nodeMaskSize: 64 }, 'more than 65536 ranges'],
  ])('%j is refused with a reason', (range, reason) => {
    expect(clusterRangeProblem(range)).toContain(reason);
    expect(() => new RangePool(range)).toThrow(reason);
  });

  it.each([{ cidr: '10.244.0.0/16', nodeMaskSize: 24 }, { cidr: 'fd00:10:244::/48', nodeMaskSize: 64 }, { cidr: '10.0.0.0/24', nodeMaskSize: 24 }])('%j is accepted', (range) => {
    expect(clusterRangeProblem(range)).toBeUndefined();
  });
});

describe('range pool', () => {
  it('gives each range once, from where it is told, going round', () => {
    const pool = new RangePool({ cidr: '10.244.0.0/22', nodeMaskSize: 24 });
    expect([2, 0, 0, 0, 0].map((from) => pool.take(from)?.range)).toEqual(['10.244.2.0/24', '10.244.0.0/24', '10.244.1.0/24', '10.244.3.0/24', undefined]);
  });

  it('works in IPv6 as in IPv4', () => {
    const pool = new RangePool({ cidr: 'fd00:10:244::/62', nodeMaskSize: 64 });
    pool.occupy('fd00:10:244:1::/64');
    expect([0, 0, 0, 0].map((from) => pool.take(from)?.range)).toEqual(['fd00:10:244::/64', 'fd00:10:244:2::/64', 'fd00:10:244:3::/64', undefined]);
  });

  it.each([
    ['a larger range blocks all it covers', '10.244.0.0/23', ['10.244.2.0/24', '10.244.3.0/24']],
    ['a smaller range blocks the one around it', '10.244.1.128/25', ['10.244.0.0/24', '10.244.2.0/24', '10.244.3.0/24']],
    ['a range around the whole cluster range blocks all', '10.0.0.0/8', []],
    ['a range below blocks nothing', '10.243.255.0/24', ['10.244.0.0/24', '10.244.1.0/24', '10.244.2.0/24', '10.244.3.0/24']],
    ['a range above blocks nothing', '10.244.4.0/24', ['10.244.0.0/24', '10.244.1.0/24', '10.244.2.0/24', '10.244.3.0/24']],
    ['a range of the other family blocks nothing', 'fd00::/64', ['10.244.0.0/24', '10.244.1.0/24', '10.244.2.0/24', '10.244.3.0/24']],
    ['nonsense blocks nothing', 'nonsense', ['10.244.0.0/24', '10.244.1.0/24', '10.244.2.0/24', '10.244.3.0/24']],
  ])('%s', (_name, range, expected) => {
    const pool = new RangePool({ cidr: '10.244.0.0/22', nodeMaskSize: 24 });
    pool.occupy(range);
    expect([0, 0, 0, 0].flatMap((from) => pool.take(from)?.range ?? [])).toEqual(expected);
  });
});
