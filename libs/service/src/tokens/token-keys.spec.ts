import { createPublicKey, generateKeyPairSync, verify as verifySignature } from 'node:crypto';

import { createTokenKeys, createTokenSigningKey } from './token-keys';

const rsa = (bits: number): string => generateKeyPairSync('rsa', { modulusLength: bits, privateKeyEncoding: { type: 'pkcs8', format: 'pem' }, publicKeyEncoding: { type: 'spki', format: 'pem' } }).privateKey;
const [ec, rsaKey] = [createTokenSigningKey(), rsa(2048)];
const claims = { iss: 'https://issuer', sub: 'system:serviceaccount:default:robot', exp: 2_000 };
const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

describe('token keys', () => {
  it.each([['ES256', ec], ['RS256', rsaKey]])('sign with %s, by the kind of the key, and give back what they signed', (algorithm, signingKey) => {
    const keys = createTokenKeys({ signingKey });
    const token = keys.sign(claims);
    const header = JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString()) as unknown;
    expect(header).toEqual({ alg: algorithm, typ: 'JWT', kid: keys.jwks().keys[0]?.['kid'] });
    expect(keys.verify(token)).toEqual(claims);
    expect(keys.algorithms).toEqual([algorithm]);
  });

  it('publish a key set with which anybody can check a token', () => {
    const keys = createTokenKeys({ signingKey: ec });
    const [header = '', body = '', signature = ''] = keys.sign(claims).split('.');
    const [jwk = {}] = keys.jwks().keys;
    expect(jwk).toMatchObject({ kty: 'EC', crv: 'P-256', use: 'sig', alg: 'ES256' });
    expect(jwk).not.toHaveProperty('d');
    expect(verifySignature('sha256', Buffer.from(`${header}.${body}`), { key: createPublicKey({ key: jwk, format: 'jwk' }), dsaEncoding: 'ieee-p1363' }, Buffer.from(signature, 'base64url'))).toBe(true);
  });

  it('still know the tokens of a key that is being replaced, and no others', () => {
    const replaced = createTokenKeys({ signingKey: rsaKey }).sign(claims);
    expect(createTokenKeys({ signingKey: ec, checkingKeys: [rsaKey] }).verify(replaced)).toEqual(claims);
    expect(createTokenKeys({ signingKey: ec }).verify(replaced)).toBeUndefined();
  });

  it('refuse what was changed, what is unsigned, and what asks to be checked with a public key as a secret', () => {
    const keys = createTokenKeys({ signingKey: rsaKey });
    const [header = '', , signature = ''] = keys.sign(claims).split('.');
    expect(keys.verify(`${header}.${encode({ ...claims, sub: 'system:serviceaccount:kube-system:root' })}.${signature}`)).toBeUndefined();
    expect(keys.verify(`${encode({ alg: 'none', typ: 'JWT' })}.${encode(claims)}.`)).toBeUndefined();
    expect(keys.verify(`${encode({ alg: 'HS256', typ: 'JWT' })}.${encode(claims)}.${signature}`)).toBeUndefined();
    for (const garbage of ['', 'a', 'a.b', 'a.b.c', '..', 'x'.repeat(100_000), `${encode(null)}.${encode(null)}.`]) expect(keys.verify(garbage)).toBeUndefined();
  });

  it('say which keys sign no tokens', () => {
    expect(() => createTokenKeys({ signingKey: rsa(1024) })).toThrow(/expected RSA of at least 2048 bits, or EC/);
    const ed = generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    expect(() => createTokenKeys({ signingKey: ed })).toThrow(/type ed25519 signs no service account tokens/);
    expect(() => createTokenKeys({ checkingKeys: [ec] }).sign(claims)).toThrow('there is no key to sign tokens with');
  });
});
