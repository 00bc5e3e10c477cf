import { isHeldBy, type Holder } from './reservations';

/** A unit (an address, a node port) as it is reserved. `holder` is absent where it is not a Service's. */
export interface Reserved {
  readonly unit: string;
  readonly uid: string;
  readonly holder?: Holder;
  readonly ageMs: number;
}

export type RepairAction =
  | { readonly type: 'release'; readonly reserved: Reserved & { readonly holder: Holder } }
  | { readonly type: 'reserve'; readonly unit: string; readonly holder: Holder }
  | { readonly type: 'report'; readonly what: 'taken' | 'lost' | 'out of range'; readonly unit: string; readonly holder: Holder };

export interface RepairInput {
  /** What Services say they have, oldest Service first. */
  readonly claims: readonly { readonly unit: string; readonly holder: Holder }[];
  readonly reserved: readonly Reserved[];
  readonly isInRange: (unit: string) => boolean;
  /** A younger reservation may be that of a write under way. */
  readonly graceMs: number;
}

/**
 * What makes reservations and Services agree again. A Service never loses what it has, whatever is reserved: of two that
 * claim one unit the elder keeps it, and both hear of it.
 */
export function planRepair({ claims, reserved, isInRange, graceMs }: RepairInput): RepairAction[] {
  const present = new Map(reserved.map((one) => [one.unit, one]));
  const claimants = new Map<string, Holder[]>();
  for (const { unit, holder } of claims) claimants.set(unit, [...(claimants.get(unit) ?? []), holder]);
  const stale = reserved.flatMap((one): RepairAction[] => {
    const { unit, holder, ageMs } = one;
    const wanted = holder && claimants.get(unit)?.some((each) => isHeldBy(holder, each));
    return holder && !wanted && ageMs >= graceMs ? [{ type: 'release', reserved: { ...one, holder } }] : [];
  });
  const released = new Set(stale.flatMap((action) => (action.type === 'release' ? [action.reserved.unit] : [])));
  return [...stale, ...[...claimants].flatMap(([unit, holders]) => {
    const held = released.has(unit) ? undefined : present.get(unit);
    return [...settleUnit(unit, holders, held), ...(isInRange(unit) ? [] : holders.map((holder): RepairAction => ({ type: 'report', what: 'out of range', unit, holder })))];
  })];
}

function settleUnit(unit: string, holders: readonly Holder[], held: Reserved | undefined): RepairAction[] {
  const report = (what: 'taken' | 'lost', ...to: readonly Holder[]): RepairAction[] => to.map((holder) => ({ type: 'report', what, unit, holder }));
  const [first, ...others] = holders;
  if (!first) return [];
  if (!held) return [{ type: 'reserve', unit, holder: first }, ...report('lost', first), ...(others.length > 0 ? report('taken', ...holders) : [])];
  const owner = held.holder && holders.find((each) => held.holder && isHeldBy(held.holder, each));
  // Somebody else's, or that of a write under way which took what this Service lost: nobody is thrown out.
  if (!owner) return report('taken', ...holders);
  return holders.length > 1 ? report('taken', ...holders) : [];
}
