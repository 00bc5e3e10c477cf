import type { Route, RouteTable } from '../route-table';

export interface RouteTableUnderTest {
  /** A table on whose link lie 192.0.2.0/24 and 2001:db8::/64. */
  readonly table: RouteTable;
  /** Sets and lists a route that is not ours, by the same destination rules. */
  addForeign(route: Route): Promise<void>;
  foreign(): Promise<string[]>;
  close(): Promise<void>;
}

const nothing = { add: [], change: [], remove: [] };
const a: Route = { destination: '10.244.1.0/24', gateway: '192.0.2.1' };
const b: Route = { destination: '10.244.2.0/24', gateway: '192.0.2.2' };
const six: Route = { destination: 'fd00:10:244:1::/64', gateway: '2001:db8::1' };
const sorted = (routes: readonly Route[]): Route[] => [...routes].sort((left, right) => (left.destination < right.destination ? -1 : 1));

/** What every RouteTable keeps: the kernel's, and the fake that stands for it. */
export function routeTableContract(name: string, makeTable: () => Promise<RouteTableUnderTest>): void {
  describe(`${name} keeps the contract of RouteTable`, () => {
    let subject: RouteTableUnderTest;
    let table: RouteTable;
    beforeEach(async () => {
      subject = await makeTable();
      table = subject.table;
    });
    afterEach(() => subject.close());

    it('is empty at first, and an empty change does nothing', async () => {
      await table.apply(nothing);
      expect(await table.list()).toEqual([]);
    });

    it('adds, changes and removes routes of both families', async () => {
      await table.apply({ ...nothing, add: [a, b, six] });
      expect(sorted(await table.list())).toEqual([a, b, six]);
      const moved = { ...b, gateway: '192.0.2.9' };
      await table.apply({ add: [], change: [moved], remove: [a, six] });
      expect(await table.list()).toEqual([moved]);
    });

    it('neither lists nor removes routes of others', async () => {
      await subject.addForeign({ destination: '198.51.100.0/24', gateway: '192.0.2.3' });
      await table.apply({ ...nothing, add: [a] });
      expect(await table.list()).toEqual([a]);
      await expect(table.apply({ ...nothing, remove: [{ destination: '198.51.100.0/24', gateway: '192.0.2.3' }] })).rejects.toThrow('198.51.100.0/24');
      expect(await subject.foreign()).toContain('198.51.100.0/24');
    });

    it('does not take over a destination that someone else routes, says so, and sets the others', async () => {
      await subject.addForeign({ ...b, gateway: '192.0.2.7' });
      await expect(table.apply({ ...nothing, add: [b, a] })).rejects.toThrow('10.244.2.0/24');
      expect(await table.list()).toEqual([a]);
      expect(await subject.foreign()).toContain('10.244.2.0/24');
    });

    it('a gateway on no link fails by name and holds up no other route', async () => {
      const unreachable = { destination: '10.244.3.0/24', gateway: '203.0.113.1' };
      await expect(table.apply({ ...nothing, add: [unreachable, a] })).rejects.toThrow('10.244.3.0/24');
      expect(await table.list()).toEqual([a]);
    });

    it('removing what is gone already fails by name', async () => {
      await expect(table.apply({ ...nothing, remove: [a] })).rejects.toThrow('10.244.1.0/24');
    });
  });
}
