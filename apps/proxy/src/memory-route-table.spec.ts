import { MemoryRouteTable } from './testing/memory-route-table';
import { routeTableContract } from './testing/route-table-contract';

routeTableContract('the table in memory', async () => {
  const table = new MemoryRouteTable(['192.0.2.0/24', '2001:db8::/64']);
  return {
    table,
    addForeign: async ({ destination, gateway }) => void table.others.set(destination, gateway),
    foreign: async () => [...table.others.keys()],
    close: async () => undefined,
  };
});
