import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';

import { createIpRouteTable } from './ip-route-table';
import { routeTableContract, type RouteTableUnderTest } from './testing/route-table-contract';

const sh = (...command: string[]): string => execFileSync(command[0] ?? '', command.slice(1), { encoding: 'utf8' });

/** A network namespace with one link and no way out. */
async function inNamespace(): Promise<RouteTableUnderTest> {
  const name = `nvtest-${randomBytes(4).toString('hex')}`;
  sh('ip', 'netns', 'add', name);
  const inside = ['nsenter', `--net=/run/netns/${name}`, 'ip'];
  try {
    sh(...inside, 'link', 'add', 'wire', 'type', 'veth', 'peer', 'name', 'far');
    sh(...inside, 'link', 'set', 'far', 'up');
    sh(...inside, 'link', 'set', 'wire', 'up');
    sh(...inside, 'addr', 'add', '192.0.2.100/24', 'dev', 'wire');
    sh(...inside, 'addr', 'add', '2001:db8::100/64', 'dev', 'wire', 'nodad');
  } catch (thrown) {
    sh('ip', 'netns', 'del', name);
    throw thrown;
  }
  return {
    table: createIpRouteTable({ command: inside }),
    addForeign: async ({ destination, gateway }) => void sh(...inside, 'route', 'add', destination, 'via', gateway, 'proto', 'static'),
    foreign: async () => (JSON.parse(sh(...inside, '-j', 'route', 'show', 'proto', 'static')) as { dst: string }[]).map(({ dst }) => dst),
    close: async () => void sh('ip', 'netns', 'del', name),
  };
}

routeTableContract('the kernel by iproute2', inNamespace);

describe('the kernel by iproute2', () => {
  it('a machine without ip is told by name', async () => {
    await expect(createIpRouteTable({ command: ['no-such-ip'] }).list()).rejects.toThrow('cannot run no-such-ip');
  });
});
