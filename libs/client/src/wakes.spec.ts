import type { ObjectChange } from './informer';
import { wakeOf, Wakes } from './wakes';

const traceparent = (n: number): string => `00-${String(n).padStart(32, '0')}-${String(n).padStart(16, '0')}-01`;
const [spec, status, other] = [traceparent(1), traceparent(2), traceparent(3)];
const change = (over: Partial<ObjectChange<string>>): ObjectChange<string> => ({ type: 'MODIFIED', object: 'x', initial: false, headers: { commitTimeMs: 5 }, ...over });

describe('what an event means for the trace', () => {
  it.each<[string, Partial<ObjectChange<string>>, ((object: string) => boolean) | undefined, object | undefined]>([
    ['a write of what is wanted is the parent', { headers: { traceparent: spec, origin: spec, commitTimeMs: 5 } }, undefined, { parent: spec, links: [] }],
    ['a create met at start is the parent: the trace goes on after a restart', { type: 'ADDED', initial: true, headers: { traceparent: spec, origin: spec, commitTimeMs: 5 } }, undefined, { parent: spec, links: [] }],
    ['a status write is never a parent, only linked', { headers: { traceparent: status, origin: spec, commitTimeMs: 5 } }, undefined, { links: [spec, status] }],
    ['a status write of an unfinished object leads to its origin, not to itself', { headers: { traceparent: status, origin: spec, commitTimeMs: 5 } }, () => true, { parent: spec, links: [] }],
    ['the same after a restart', { type: 'ADDED', initial: true, headers: { traceparent: status, origin: spec, commitTimeMs: 5 } }, () => true, { parent: spec, links: [] }],
    ['a finished object met at start wakes without a trace', { type: 'ADDED', initial: true, headers: { traceparent: status, origin: spec, commitTimeMs: 5 } }, undefined, undefined],
    ['a delete is the parent of what it causes', { type: 'DELETED', headers: { traceparent: other, origin: spec, commitTimeMs: 5 } }, undefined, { parent: other, links: [] }],
    ['a made-up delete wakes without a trace', { type: 'DELETED', initial: true, headers: { commitTimeMs: 0 } }, undefined, undefined],
    ['an event without headers wakes without parent and links', {}, undefined, { links: [] }],
  ])('%s', (_name, over, unfinished, expected) => {
    expect(wakeOf(change(over), unfinished)).toEqual(expected && { ...expected, commitTimeMs: 5 });
  });

  it('of several events the first parent stays, the others are linked once each', () => {
    const wakes = new Wakes();
    wakes.add('k', { links: [status], commitTimeMs: 0 });
    wakes.add('k', { parent: spec, links: [], commitTimeMs: 7 });
    wakes.add('k', { parent: other, links: [status], commitTimeMs: 9 });
    wakes.add('k', { parent: spec, links: [], commitTimeMs: 9 });
    expect(wakes.take('k')).toEqual({ parent: spec, links: [status, other], commitTimeMs: 7 });
    expect(wakes.take('k')).toBeUndefined();
  });

  it('keeps at most 32 links', () => {
    const wakes = new Wakes();
    for (let n = 10; n < 100; n++) wakes.add('k', { parent: traceparent(n), links: [], commitTimeMs: 1 });
    expect(wakes.take('k')?.links).toHaveLength(32);
  });
});
