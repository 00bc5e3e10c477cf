/** Gives IPv4 addresses of a range in turn, as host-local does: one that was given back comes again only after all others. */
export class FakeAddresses {
  private readonly taken = new Set<string>();
  private first = 0;
  private count = 0;
  private next = 0;

  constructor(prefix: string) {
    this.setRange(`${prefix}.0/24`);
  }

  /** Addresses given before stay with those who have them. Throws where it is no IPv4 CIDR with room for a pod. */
  setRange(cidr: string): void {
    const [, address = '', bits = ''] = /^(\d+\.\d+\.\d+\.\d+)\/(\d+)$/.exec(cidr) ?? [];
    const size = 2 ** (32 - Number(bits));
    if (address === '' || size < 4) throw new Error(`"${cidr}" is no IPv4 range with room for a pod`);
    const base = address.split('.').reduce((sum, byte) => sum * 256 + Number(byte), 0);
    // Not the network's own, not the node's, not broadcast.
    const first = base - (base % size) + 2;
    if (first === this.first && size - 3 === this.count) return;
    [this.first, this.count, this.next] = [first, size - 3, 0];
  }

  take(): string {
    for (let tries = 0; tries < this.count; tries += 1) {
      const address = dotted(this.first + (this.next++ % this.count));
      if (this.taken.has(address)) continue;
      this.taken.add(address);
      return address;
    }
    throw new Error('no IP addresses available in range set');
  }

  giveBack(address: string): void {
    this.taken.delete(address);
  }
}

const dotted = (value: number): string => [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join('.');
