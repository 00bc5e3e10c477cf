import { hasReason } from '@navarch/base';
import fc from 'fast-check';

import type { JsonObject, JsonValue } from '../resource';
import { applyJsonPatch } from './json-patch';

const object: JsonObject = { metadata: { labels: { 'a/b': '1' } }, spec: { list: [1, 2, 3] } };

describe('JSON patch', () => {
  it.each<[string, JsonValue, JsonValue]>([
    ['adds a member', [{ op: 'add', path: '/metadata/labels/c', value: '2' }], { ...object, metadata: { labels: { 'a/b': '1', c: '2' } } }],
    ['replaces by an escaped pointer', [{ op: 'replace', path: '/metadata/labels/a~1b', value: '2' }], { ...object, metadata: { labels: { 'a/b': '2' } } }],
    ['inserts and appends in a list', [{ op: 'add', path: '/spec/list/0', value: 0 }, { op: 'add', path: '/spec/list/-', value: 4 }], { ...object, spec: { list: [0, 1, 2, 3, 4] } }],
    ['removes, moves and copies', [{ op: 'remove', path: '/spec/list/1' }, { op: 'copy', from: '/spec/list', path: '/spec/copy' }, { op: 'move', from: '/spec/list', path: '/spec/moved' }],
      { ...object, spec: { copy: [1, 3], moved: [1, 3] } }],
    ['tests and goes on', [{ op: 'test', path: '/spec/list', value: [1, 2, 3] }, { op: 'remove', path: '/spec' }], { metadata: { labels: { 'a/b': '1' } } }],
    ['replaces the whole document', [{ op: 'replace', path: '', value: { x: 1 } }], { x: 1 }],
  ])('%s', (_what, patch, expected) => {
    const before = structuredClone(object);
    expect(applyJsonPatch(object, patch)).toEqual(expected);
    expect(object).toEqual(before);
  });

  it.each<[string, JsonValue, string, RegExp]>([
    ['what is no list', {}, 'BadRequest', /must be a list/],
    ['an unknown operation', [{ op: 'explode', path: '/a' }], 'BadRequest', /operation 0: unknown op "explode"/],
    ['a path that is no pointer', [{ op: 'remove', path: 'a' }], 'BadRequest', /path must be a JSON pointer/],
    ['a way to the prototype', [{ op: 'add', path: '/__proto__/x', value: 1 }], 'Invalid', /does not fit the object/],
    ['a way to inherited members', [{ op: 'replace', path: '/metadata/toString', value: 1 }], 'Invalid', /does not fit the object/],
    ['an index beyond the list', [{ op: 'add', path: '/spec/list/4', value: 1 }], 'Invalid', /does not fit the object/],
    ['an index that is no number of JSON', [{ op: 'replace', path: '/spec/list/01', value: 1 }], 'Invalid', /does not fit the object/],
    ['copies that double the object', Array.from({ length: 60 }, (_, index) => ({ op: 'copy', from: '/spec', path: `/spec/c${index}` })), 'RequestEntityTooLarge', /copy operations/],
    ['an add without a value', [{ op: 'add', path: '/a' }], 'BadRequest', /add needs a value/],
    ['a move into itself', [{ op: 'move', from: '/spec', path: '/spec/list' }], 'BadRequest', /into itself/],
    ['a path that is not there', [{ op: 'remove', path: '/nowhere' }], 'Invalid', /operation 0 \(remove "\/nowhere"\)/],
    ['a failed test', [{ op: 'test', path: '/spec/list/0', value: 9 }], 'Invalid', /failed its test/],
  ])('refuses %s', (_what, patch, reason, message) => {
    const attempt = (): unknown => applyJsonPatch(object, patch);
    expect(attempt).toThrow(message);
    try { attempt(); } catch (error) { expect(hasReason(error, reason as 'Invalid')).toBe(true); }
  });

  it('quotes no value of the object in an error', () => {
    try {
      applyJsonPatch({ data: { password: 'hidden' } }, [{ op: 'test', path: '/data/password', value: 'guess' }]);
      throw new Error('the test held');
    } catch (error) {
      expect(JSON.stringify([(error as Error).message, error])).not.toMatch(/hidden|guess/);
    }
  });

  it('sets and keeps members named like those of every object', () => {
    const patched = applyJsonPatch(JSON.parse('{"data":{"__proto__":"a"}}') as JsonObject, [
      { op: 'add', path: '/data/constructor', value: 'b' }, { op: 'copy', from: '/data/__proto__', path: '/data/toString' }, { op: 'replace', path: '/data/__proto__', value: 'c' },
    ]);
    expect(JSON.stringify(patched)).toBe('{"data":{"__proto__":"c","constructor":"b","toString":"a"}}');
  });

  it('can be applied again: what it adds is not shared with its results', () => {
    const patch: JsonValue = [{ op: 'add', path: '/a', value: {} }, { op: 'add', path: '/a/b', value: 1 }, { op: 'test', path: '/a', value: { b: 1 } }];
    applyJsonPatch({}, patch);
    expect(patch).toEqual([{ op: 'add', path: '/a', value: {} }, { op: 'add', path: '/a/b', value: 1 }, { op: 'test', path: '/a', value: { b: 1 } }]);
    expect(applyJsonPatch({}, patch)).toEqual({ a: { b: 1 } });
  });

  it('answers any patch with a value or a client error, and pollutes nothing', () => {
    const pointer = fc.oneof(fc.string(), fc.array(fc.constantFrom('spec', 'list', '0', '-', '~1', '__proto__', ''), { maxLength: 4 }).map((parts) => parts.map((part) => `/${part}`).join('')));
    const step = fc.record({ op: fc.constantFrom('add', 'remove', 'replace', 'move', 'copy', 'test', 'x'), path: pointer, from: pointer, value: fc.jsonValue() }, { requiredKeys: [] });
    fc.assert(fc.property(fc.oneof(fc.jsonValue(), fc.array(step, { maxLength: 5 })), (patch) => {
      try { applyJsonPatch(object, patch as JsonValue); } catch (error) { if (!hasReason(error, 'BadRequest', 'Invalid', 'RequestEntityTooLarge')) throw error; }
      expect(Object.keys(Object.prototype)).toEqual([]);
    }));
  });
});
