import { readdirSync } from 'node:fs';
import { join } from 'node:path';

import { run } from '../host/exec';
import { cgroupMounts, mountsBelow } from '../host/mounts';
import { commandLine, findProcesses, identify } from '../host/proc';
import { markVariable, type Places } from '../cluster/places';

/** What clusters could leave on the machine: everything that `down` promises to take away, by kind. */
export async function machineTraces(clusters: readonly Places[]): Promise<Record<string, string[]>> {
  const ids = clusters.map(({ id }) => id);
  const mine = (text: string): boolean => ids.some((id) => text.includes(id));
  const links = JSON.parse(await run(['ip', '-json', 'link'])) as { ifname: string }[];
  const addresses = JSON.parse(await run(['ip', '-json', 'address'])) as { addr_info: { local: string }[] }[];
  return {
    namespaces: namesIn('/run/netns').filter(mine),
    mounts: clusters.flatMap(({ directory, runDirectory }) => [...mountsBelow(directory), ...mountsBelow(runDirectory)]),
    cgroups: cgroupMounts().flatMap((mount) => namesIn(mount).map((name) => join(mount, name))).filter(mine),
    processes: findProcesses(({ environment, cgroups }) => ids.some((id) => environment.includes(`${markVariable}=${id}`) || cgroups.includes(`navarch-${id}`)))
      .filter(({ pid }) => identify(pid)).map(({ pid }) => `${pid} ${commandLine(pid)}`),
    tables: (await run(['nft', 'list', 'tables'])).split('\n').filter(mine),
    links: links.map(({ ifname }) => ifname).filter(mine),
    clusterAddresses: addresses.flatMap(({ addr_info: infos }) => infos.map(({ local }) => local)).filter((address) => address.startsWith('10.89.') || address.startsWith('10.244.')),
    sockets: namesIn('/run/navarch').filter(mine),
    directories: clusters.flatMap(({ home, cluster }) => namesIn(home).filter((name) => name === cluster || name === `.${cluster}.lock`)),
  };
}

export const noTraces = { namespaces: [], mounts: [], cgroups: [], processes: [], tables: [], links: [], clusterAddresses: [], sockets: [], directories: [] };

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}
