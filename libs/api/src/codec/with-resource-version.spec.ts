import fc from 'fast-check';
import type { ConfigMap } from '@navarch/proto/k8s/io/api/core/v1/core';

import { codecFor } from './codec';
import { withResourceVersion } from './with-resource-version';

const codec = codecFor<ConfigMap>('k8s.io.api.core.v1.ConfigMap');

describe('withResourceVersion', () => {
  it('equals decoding, setting the version and encoding, for any metadata', () => {
    const text = fc.string({ minLength: 1, maxLength: 200, unit: 'grapheme' });
    const metadata = fc.record({
      name: text, namespace: text, uid: text, resourceVersion: text, generation: fc.integer({ min: 1, max: 2 ** 40 }),
      labels: fc.dictionary(text, text, { minKeys: 1 }), finalizers: fc.array(text, { minLength: 1 }),
    }, { requiredKeys: [] });
    const object = fc.record({ metadata, data: fc.dictionary(text, fc.string(), { minKeys: 1 }), immutable: fc.boolean() }, { requiredKeys: [] });
    fc.assert(fc.property(object, fc.string({ minLength: 1, maxLength: 300 }), (value, version) => {
      const spliced = withResourceVersion(codec.encode(value), version);
      const expected = codec.encode({ ...value, metadata: { ...value.metadata, resourceVersion: version } });
      expect(Buffer.compare(spliced, expected)).toBe(0);
    }));
  });

  it('takes a version out when it is empty', () => {
    const bytes = codec.encode({ metadata: { name: 'x', resourceVersion: '12', generation: 3 } });
    expect(codec.decode(withResourceVersion(bytes, ''))).toEqual({ metadata: { name: 'x', generation: 3 } });
  });

  it('keeps fields that are not known', () => {
    const bytes = Buffer.from('0a090a0178a23e0403616263'.replace('0403', '03'), 'hex').subarray(0, 11);
    const spliced = withResourceVersion(bytes, '7');
    expect(codec.decode(spliced).metadata?.resourceVersion).toBe('7');
    expect(Buffer.from(spliced).toString('hex')).toContain('a23e03616263');
  });

  it('makes metadata where there is none', () => {
    expect(codec.decode(withResourceVersion(codec.encode({ immutable: true }), '5'))).toEqual({ metadata: { resourceVersion: '5' }, immutable: true });
  });

  it('refuses what is no message', () => {
    expect(() => withResourceVersion(Uint8Array.of(0x0a, 0x05, 0x01), '1')).toThrow(RangeError);
    expect(() => withResourceVersion(Uint8Array.of(0x0b), '1')).toThrow(RangeError);
  });
});
