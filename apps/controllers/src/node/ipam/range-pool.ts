import { bitsOf, formatRange, parseRange, type IpRange } from './ip-range';

/** Where nodes' pod ranges are cut from. */
export interface ClusterRange {
  /** CIDR, such as 10.244.0.0/16. */
  readonly cidr: string;
  /** Prefix length of a node's range, such as 24. */
  readonly nodeMaskSize: number;
}

/** Kubernetes' own limit: more than 65,536 ranges need a shorter node mask. */
const maxSlotBits = 16;

/** What is wrong with a cluster range, in words; undefined where nothing is. */
export function clusterRangeProblem({ cidr, nodeMaskSize }: ClusterRange): string | undefined {
  const range = parseRange(cidr);
  if (!range) return `"${cidr}" is not a CIDR such as 10.244.0.0/16`;
  if (!Number.isInteger(nodeMaskSize) || nodeMaskSize < range.prefix || nodeMaskSize > bitsOf(range.family)) {
    return `the node mask size must be an integer from ${range.prefix} to ${bitsOf(range.family)} for ${cidr}, not ${nodeMaskSize}`;
  }
  if (nodeMaskSize - range.prefix > maxSlotBits) return `${cidr} with node mask size ${nodeMaskSize} has more than ${2 ** maxSlotBits} ranges: take a smaller node mask size`;
  return undefined;
}

/** Which of a cluster range's node ranges (slots) are taken. */
export class RangePool {
  private readonly range: IpRange;
  private readonly slotBits: bigint;
  private readonly taken = new Set<number>();
  readonly slots: number;

  constructor({ cidr, nodeMaskSize }: ClusterRange) {
    const problem = clusterRangeProblem({ cidr, nodeMaskSize });
    if (problem !== undefined) throw new Error(problem);
    this.range = parseRange(cidr) as IpRange;
    this.slotBits = BigInt(bitsOf(this.range.family) - nodeMaskSize);
    this.slots = 2 ** (nodeMaskSize - this.range.prefix);
  }

  /** Marks all slots that overlap the range, which may be of any size or not from here at all. */
  occupy(text: string): void {
    const other = parseRange(text);
    if (!other || other.family !== this.range.family) return;
    const bits = BigInt(bitsOf(other.family));
    const first = Number((other.base - this.range.base) >> this.slotBits);
    const last = Number((other.base + (1n << (bits - BigInt(other.prefix))) - 1n - this.range.base) >> this.slotBits);
    for (let slot = Math.max(0, first); slot <= Math.min(this.slots - 1, last); slot++) this.taken.add(slot);
  }

  /** Takes the first free slot at or after `from`, going round; undefined where none is free. */
  take(from: number): { readonly slot: number; readonly range: string } | undefined {
    for (let step = 0; step < this.slots; step++) {
      const slot = (from + step) % this.slots;
      if (this.taken.has(slot)) continue;
      this.taken.add(slot);
      const prefix = bitsOf(this.range.family) - Number(this.slotBits);
      return { slot, range: formatRange({ family: this.range.family, base: this.range.base + (BigInt(slot) << this.slotBits), prefix }) };
    }
    return undefined;
  }

  contains(text: string): boolean {
    const other = parseRange(text);
    return other !== undefined && other.family === this.range.family && other.prefix >= this.range.prefix
      && other.base >= this.range.base && other.base < this.range.base + (1n << BigInt(bitsOf(other.family) - this.range.prefix));
  }
}
