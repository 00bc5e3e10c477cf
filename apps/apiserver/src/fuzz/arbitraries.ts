import fc from 'fast-check';

/** Names that mean something to JavaScript, to paths, to terminals or to nobody. */
export const evilWord = fc.oneof(
  fc.constantFrom('__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', '..', '.', '', '\u0000', '\ud800', 'a/b', '%2e%2e', '-', '*', '$patch', 'default', 'kube-system', 'pods', 'status', 'watch', 'é', '💥', '\r\n', '"', '\\'),
  fc.string({ maxLength: 12, unit: 'binary' }), fc.string({ maxLength: 12 }),
);
export const evilNumber = fc.oneof(fc.constantFrom('1e999', '-1e999', '9223372036854775808', '-9223372036854775809', '-0', '0.1', '1e3', '4294967296', '2147483648', '9007199254740993'), fc.double().map((number) => JSON.stringify(number)));

/** JSON text, not values: what no serializer would write is what matters. */
export const jsonText: fc.Arbitrary<string> = fc.letrec<{ value: string }>((tie) => ({
  value: fc.oneof({ depthSize: 'small', withCrossShrink: true },
    evilNumber, fc.constantFrom('null', 'true', 'false', '""', '[]', '{}'), evilWord.map((word) => JSON.stringify(word)),
    fc.array(tie('value'), { maxLength: 3 }).map((items) => `[${items.join(',')}]`),
    fc.array(fc.tuple(evilWord, tie('value')), { maxLength: 3 }).map((entries) => `{${entries.map(([key, value]) => `${JSON.stringify(key)}:${value}`).join(',')}}`),
  ),
})).value;

const memberNames = ['apiVersion', 'kind', 'metadata', 'name', 'namespace', 'labels', 'annotations', 'ownerReferences', 'managedFields', 'finalizers', 'generateName', 'uid', 'resourceVersion', 'creationTimestamp', 'deletionTimestamp',
  'data', 'binaryData', 'immutable', 'spec', 'status', 'containers', 'env', 'ports', 'resources', 'limits', 'selector', 'template', 'replicas', 'affinity', 'tolerations', 'volumes', 'subsets', 'rules', 'roleRef'];
/** Shaped like an object of ours, with something wrong at any place. */
export const objectText: fc.Arbitrary<string> = fc.letrec<{ object: string }>((tie) => ({
  object: fc.array(fc.tuple(fc.oneof({ weight: 6, arbitrary: fc.constantFrom(...memberNames) }, { weight: 1, arbitrary: evilWord }), fc.oneof({ depthSize: 'small' }, jsonText, tie('object'), tie('object').map((text) => `[${text}]`))), { maxLength: 5 })
    .map((entries) => `{${entries.map(([key, value]) => `${JSON.stringify(key)}:${value}`).join(',')}}`),
})).object;

export const mutated = (bytes: Uint8Array): fc.Arbitrary<Uint8Array> => fc.array(fc.tuple(fc.nat(bytes.length), fc.nat(255), fc.constantFrom('set', 'cut', 'insert')), { minLength: 1, maxLength: 6 }).map((edits) => {
  let out: number[] = [...bytes];
  for (const [at, value, edit] of edits) {
    if (edit === 'set') out[Math.min(at, out.length - 1)] = value;
    else if (edit === 'cut') out = out.slice(0, at);
    else out.splice(at, 0, value);
  }
  return Uint8Array.from(out);
});
