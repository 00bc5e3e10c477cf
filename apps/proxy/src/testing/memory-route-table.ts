import { parse, parseCIDR } from 'ipaddr.js';

import type { Route, RouteChanges, RouteTable } from '../route-table';

/** A RouteTable that stands for the kernel's; passes `routeTableContract`. */
export class MemoryRouteTable implements RouteTable {
  readonly own = new Map<string, string>();
  readonly others = new Map<string, string>();
  /** Calls of `apply` so far. */
  applied = 0;

  constructor(private readonly links: readonly string[]) {}

  async list(): Promise<Route[]> {
    return Array.from(this.own, ([destination, gateway]) => ({ destination, gateway }));
  }

  async apply({ add, change, remove }: RouteChanges): Promise<void> {
    this.applied++;
    const failed = [
      ...remove.filter(({ destination }) => !this.own.delete(destination)),
      ...[...change, ...add].filter((route) => !this.set(route, change.includes(route))),
    ];
    if (failed.length > 0) throw new Error(`cannot set routes: ${failed.map(({ destination }) => destination).join('; ')}`);
  }

  private set({ destination, gateway }: Route, mayExist: boolean): boolean {
    if (this.others.has(destination) || (!mayExist && this.own.has(destination)) || !this.isOnLink(gateway)) return false;
    this.own.set(destination, gateway);
    return true;
  }

  private isOnLink(gateway: string): boolean {
    const address = parse(gateway);
    return this.links.some((link) => parseCIDR(link)[0].kind() === address.kind() && address.match(parseCIDR(link)));
  }
}
