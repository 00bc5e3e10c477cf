import fc from 'fast-check';

import { addQuantity, canonicalQuantity, compareQuantity, quantity, QuantityFormatError, quantityMilliValue, quantityValue, subtractQuantity } from './quantity';

const texts = fc.tuple(fc.integer({ min: -1e9, max: 1e9 }), fc.option(fc.integer({ min: 0, max: 999 }), { nil: undefined }), fc.constantFrom('', 'n', 'u', 'm', 'k', 'M', 'G', 'Ki', 'Mi', 'Gi', 'e3', 'E-3'))
  .map(([whole, fraction, suffix]) => `${whole}${fraction === undefined ? '' : `.${fraction}`}${suffix}`);

describe('quantities', () => {
  it.each([
    ['1.5', '1500m'], ['1.5Gi', '1536Mi'], ['0', '0'], ['-0', '0'], ['0Gi', '0'], ['1024', '1024'], ['1024Ki', '1Mi'], ['1023Ki', '1023Ki'], ['0.5Ki', '512'], ['0.1Ki', '102400m'],
    ['1000', '1k'], ['1000000', '1M'], ['1001', '1001'], ['100m', '100m'], ['1000m', '1'], ['1e3', '1e3'], ['1E6', '1e6'], ['12e-1', '1200e-3'], ['.5', '500m'], ['5.', '5'], ['+5', '5'],
    ['-1.5Gi', '-1536Mi'], ['0.0000000001', '1n'], ['-0.0000000001', '-1n'], ['1e30', '9223372036854775807e0'.replace('e0', '')], ['9Ei', '9223372036854775807'], ['1E', '1E'], ['1Ei', '1Ei'],
  ])('%s is %s in canonical form', (text, canonical) => {
    expect(canonicalQuantity(text)).toBe(canonical);
  });

  it.each(['', 'x', '1x', '1 Gi', 'Gi', '1.2.3', '1e', '--1', '1KI', '0x10', '１', '1'.repeat(200)])('%p is no quantity', (text) => {
    expect(() => canonicalQuantity(text)).toThrow(QuantityFormatError);
  });

  it('an absurd exponent costs no time', () => {
    expect(canonicalQuantity('1e999999999')).toBe('9223372036854775807');
    expect(canonicalQuantity('1e-999999999')).toBe('1e-9');
  });

  it('canonical form is a fixed point and keeps the value', () => {
    fc.assert(fc.property(texts, (text) => {
      const canonical = canonicalQuantity(text);
      expect(canonicalQuantity(canonical)).toBe(canonical);
      expect(compareQuantity({ string: text }, { string: canonical })).toBe(0);
    }));
  });

  it('addition is commutative in value, associative, and undone by subtraction', () => {
    const amounts = texts.map(quantity);
    fc.assert(fc.property(amounts, amounts, amounts, (a, b, c) => {
      expect(compareQuantity(addQuantity(a, b), addQuantity(b, a))).toBe(0);
      expect(compareQuantity(addQuantity(addQuantity(a, b), c), addQuantity(a, addQuantity(b, c)))).toBe(0);
      expect(compareQuantity(subtractQuantity(addQuantity(a, b), b), a)).toBe(0);
      expect(Math.sign(compareQuantity(a, b))).toBe(-Math.sign(compareQuantity(b, a)) + 0);
    }));
  });

  it('adding keeps the suffix family of the first that is not zero', () => {
    expect(addQuantity(quantity('1Gi'), quantity('1G'))).toEqual({ string: '2073741824' });
    expect(addQuantity(quantity('512Mi'), quantity('512Mi'))).toEqual({ string: '1Gi' });
    expect(addQuantity(undefined, quantity('1Gi'))).toEqual({ string: '1Gi' });
    expect(addQuantity(quantity('500m'), quantity('500m'))).toEqual({ string: '1' });
  });

  it.each([['100m', 100, 1], ['1', 1000, 1], ['1500u', 2, 1], ['2Gi', 2147483648000, 2147483648], ['1k', 1e6, 1000], ['-1500m', -1500, -2], ['0', 0, 0]])('%s is %d thousandths and %d units, rounded up', (text, milli, units) => {
    expect(quantityMilliValue({ string: text })).toBe(milli);
    expect(quantityValue({ string: text })).toBe(units);
  });

  it('numbers agree whether they are read fast or exactly', () => {
    fc.assert(fc.property(fc.integer({ min: 1, max: 999_999 }), fc.constantFrom('', 'm', 'k', 'M', 'Ki', 'Mi'), (value, suffix) => {
      const fast = { string: `${value}${suffix}` };
      const exact = { string: `${value}.0${suffix}` };
      expect(quantityMilliValue(fast)).toBe(quantityMilliValue(exact));
      expect(quantityValue(fast)).toBe(quantityValue(exact));
    }));
  });

  it('absent is zero', () => {
    expect(quantityValue(undefined)).toBe(0);
    expect(compareQuantity(undefined, quantity('0'))).toBe(0);
  });
});
