import { planRepair, type RepairAction, type Reserved } from './plan-repair';
import type { Holder } from './reservations';

const service = (name: string, uid = `uid-${name}`): Holder => ({ namespace: 'default', name, uid });
const reserved = (unit: string, holder: Holder | undefined, ageMs = 1_000): Reserved => ({ unit, uid: `r-${unit}`, ageMs, ...(holder && { holder }) });
const show = (action: RepairAction): string => {
  switch (action.type) {
    case 'release': return `release ${action.reserved.unit} of ${action.reserved.holder.name}`;
    case 'reserve': return `reserve ${action.unit} for ${action.holder.name}`;
    case 'report': return `tell ${action.holder.name}: ${action.unit} ${action.what}`;
  }
};
const plan = (claims: [string, Holder][], present: Reserved[]): string[] =>
  planRepair({ claims: claims.map(([unit, holder]) => ({ unit, holder })), reserved: present, isInRange: (unit) => unit !== 'far', graceMs: 500 }).map(show);

describe('repair of reservations', () => {
  it.each<[string, [string, Holder][], Reserved[], string[]]>([
    ['what agrees stays', [['1', service('a')]], [reserved('1', service('a'))], []],
    ['a reservation made by hand names no uid, and counts', [['1', service('a')]], [reserved('1', service('a', ''))], []],
    ['a leak is released', [], [reserved('1', service('gone'))], ['release 1 of gone']],
    ['a leak is left alone while its write may still be under way', [], [reserved('1', service('coming'), 499)], []],
    ['a reservation of an earlier Service of the same name is a leak', [['2', service('a')]], [reserved('1', service('a', 'old')), reserved('2', service('a'))], ['release 1 of a']],
    ['a lost reservation is made again', [['1', service('a')]], [], ['reserve 1 for a', 'tell a: 1 lost']],
    ['what a dead Service holds goes to who has it', [['1', service('a')]], [reserved('1', service('gone'))], ['release 1 of gone', 'reserve 1 for a', 'tell a: 1 lost']],
    ['two with one unit both hear of it, and keep it', [['1', service('a')], ['1', service('b')]], [reserved('1', service('b'))], ['tell a: 1 taken', 'tell b: 1 taken']],
    ['of two that lost it the elder gets it', [['1', service('a')], ['1', service('b')]], [], ['reserve 1 for a', 'tell a: 1 lost', 'tell a: 1 taken', 'tell b: 1 taken']],
    ['what belongs to something else than a Service is not touched', [['1', service('a')]], [reserved('1', undefined), reserved('2', undefined)], ['tell a: 1 taken']],
    ['out of every range is told, and kept', [['far', service('a')]], [reserved('far', service('a'))], ['tell a: far out of range']],
  ])('%s', (_, claims, present, expected) => {
    expect(plan(claims, present)).toEqual(expected);
  });
});
