import fc from 'fast-check';
import { hasReason } from '@navarch/base';

import { pods } from '../resources/core/pods';
import { nodes } from '../resources/core/nodes';
import { parseFieldSelector } from './field-selector';
import { matcherOf, parseLabelSelector } from './label-selector';

const labels = { app: 'web', tier: 'front', size: '5', empty: '' };

describe('label selectors as text', () => {
  it.each([
    ['', true], ['app=web', true], ['app==web', true], ['app=db', false], ['app!=db', true], ['missing!=x', true], ['app in (web, db)', true], ['app in (db)', false],
    ['app notin (db)', true], ['missing notin (x)', true], ['app', true], ['missing', false], ['!missing', true], ['!app', false], ['size>4', true], ['size>5', false], ['size<6', true],
    ['app>4', false], ['app=web,tier=front', true], ['app=web,tier=back', false], ['empty=', true], ['empty in ()', true], ['empty in (,x)', true], [' app = web , tier in ( front ) ', true],
    ['in=x', false], ['constructor', false], ['example.com/app!=x', true],
  ])('%p matches: %p', (text, expected) => {
    expect(parseLabelSelector(text).matches(labels)).toBe(expected);
  });

  it.each([
    ['a b', "found 'b', expected: in, notin, =, ==, !=, gt, lt"], ['a in x', "found 'x' expected: '('"], ['a in (x', "found '', expected: ',' or ')'"], ['a=b,', "found '', expected: identifier after ','"],
    ['=x', "found '=', expected: !, identifier, or 'end of string'"], ['a>x', "the value must be an integer"], ['-a=b', 'key: Invalid value: "-a"'], ['a=-b', 'a: Invalid value: "-b"'],
  ])('%p is refused: %s', (text, message) => {
    try {
      parseLabelSelector(text);
    } catch (error) {
      expect(hasReason(error, 'BadRequest')).toBe(true);
      expect((error as Error).message).toContain('unable to parse requirement: ');
      expect((error as Error).message).toContain(message);
      return;
    }
    throw new Error('was accepted');
  });

  it('in and notin divide all objects between them', () => {
    const word = fc.stringMatching(/^[a-z]{1,3}$/);
    fc.assert(fc.property(fc.dictionary(word, word), word, fc.array(word, { minLength: 1 }), (object, key, values) => {
      const list = values.join(',');
      expect(parseLabelSelector(`${key} in (${list})`).matches(object)).toBe(!parseLabelSelector(`${key} notin (${list})`).matches(object));
      expect(parseLabelSelector(key).matches(object)).toBe(!parseLabelSelector(`!${key}`).matches(object));
    }));
  });
});

describe('label selectors as messages', () => {
  it('absent selects nothing, empty everything', () => {
    expect(matcherOf(undefined).matches(labels)).toBe(false);
    expect(matcherOf({}).matches(labels)).toBe(true);
    expect(matcherOf({}).matches(undefined)).toBe(true);
  });

  it('labels and expressions must all hold', () => {
    expect(matcherOf({ matchLabels: { app: 'web' }, matchExpressions: [{ key: 'tier', operator: 'In', values: ['front'] }] }).matches(labels)).toBe(true);
    expect(matcherOf({ matchLabels: { app: 'web' }, matchExpressions: [{ key: 'tier', operator: 'Exists' }, { key: 'x', operator: 'Exists' }] }).matches(labels)).toBe(false);
  });

  it('refuses operators it does not know', () => {
    expect(() => matcherOf({ matchExpressions: [{ key: 'a', operator: 'Gt', values: ['1'] }] })).toThrow('"Gt" is not a valid label selector operator');
  });
});

describe('field selectors', () => {
  const pod = { metadata: { name: 'a', namespace: 'b' }, spec: { nodeName: 'n' } };

  it.each([
    ['', true], ['metadata.name=a', true], ['metadata.name==a,metadata.namespace=b', true], ['metadata.name!=a', false], ['spec.nodeName=n', true], ['spec.nodeName!=', true], ['status.phase=', true],
    ['spec.hostNetwork=false', true], ['spec.restartPolicy!=Never', true],
  ])('%p matches: %p', (text, expected) => {
    expect(parseFieldSelector(text, pods).matches(pod)).toBe(expected);
  });

  it('tells its requirements, for indexes and authorization', () => {
    expect(parseFieldSelector('spec.nodeName=n,status.phase!=Failed', pods).requirements).toEqual([
      { field: 'spec.nodeName', operator: '=', value: 'n' }, { field: 'status.phase', operator: '!=', value: 'Failed' },
    ]);
  });

  it('takes escaped commas and equals signs', () => {
    expect(parseFieldSelector(String.raw`metadata.name=a\,b\=c\\`, pods).requirements[0]?.value).toBe(String.raw`a,b=c\ `.trim());
  });

  it.each([['spec.foo=x', 'field label not supported: spec.foo'], ['constructor=x', 'field label not supported: constructor'], ['metadata.name', "invalid selector: 'metadata.name'; can't understand 'metadata.name'"],
    [String.raw`metadata.name=a\b`, 'invalid field selector']])('%p is refused: %s', (text, message) => {
    expect(() => parseFieldSelector(text, pods)).toThrow(message);
  });

  it('a kind without namespace has no namespace to select by', () => {
    expect(() => parseFieldSelector('metadata.namespace=x', nodes)).toThrow('field label not supported');
  });
});
