import { webcrypto } from 'node:crypto';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { systemClock, systemRandom, type Clock } from '@navarch/base';
import type * as X509 from '@peculiar/x509';

/** A certificate and its private key (PKCS #8), both PEM. */
export interface KeyPair {
  readonly certificate: string;
  readonly key: string;
}

export interface CertificateRequest {
  readonly commonName: string;
  /** Subject O values; Kubernetes reads them as groups. */
  readonly organizations?: readonly string[];
  readonly dnsNames?: readonly string[];
  readonly ipAddresses?: readonly string[];
  /** `client`, `server` or both: RFC 5280 extended key usage. */
  readonly usages: readonly ('client' | 'server')[];
  /** Validity; 365 unless told. */
  readonly days?: number;
}

const dayMs = 86_400_000;
/** Clocks of machines that talk to each other differ a little. */
const skewMs = 300_000;
const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;

/** A self-signed certificate authority for one cluster. Keep its key where only root reads it. */
export async function createAuthority(options: { commonName: string; days?: number; clock?: Pick<Clock, 'now'> }): Promise<KeyPair> {
  const x509 = await library();
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(), name: [{ CN: [options.commonName] }], keys, signingAlgorithm: algorithm, ...validity(options.days ?? 3650, options.clock),
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { certificate: `${certificate.toString('pem')}\n`, key: await privatePem(keys.privateKey) };
}

/** A certificate signed by `authority`, with a new key. */
export async function issueCertificate(authority: KeyPair, request: CertificateRequest, clock?: Pick<Clock, 'now'>): Promise<KeyPair> {
  const x509 = await library();
  const issuer = new x509.X509Certificate(authority.certificate);
  const signingKey = await webcrypto.subtle.importKey('pkcs8', x509.PemConverter.decodeFirst(authority.key), algorithm, false, ['sign']);
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const usages = { client: x509.ExtendedKeyUsage.clientAuth, server: x509.ExtendedKeyUsage.serverAuth };
  const names = [
    ...(request.dnsNames ?? []).map((value) => ({ type: 'dns' as const, value })),
    ...(request.ipAddresses ?? []).map((value) => ({ type: 'ip' as const, value })),
  ];
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serialNumber(), issuer: issuer.subjectName, publicKey: keys.publicKey, signingKey, signingAlgorithm: algorithm, ...validity(request.days ?? 365, clock),
    subject: [...(request.organizations ?? []).map((name) => ({ O: [name] })), { CN: [request.commonName] }],
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension(request.usages.map((usage) => usages[usage])),
      ...(names.length > 0 ? [new x509.SubjectAlternativeNameExtension(names)] : []),
      await x509.AuthorityKeyIdentifierExtension.create(issuer.publicKey),
    ],
  });
  return { certificate: `${certificate.toString('pem')}\n`, key: await privatePem(keys.privateKey) };
}

/** Writes `<name>.crt` and `<name>.key` (0600) into `directory`, which is made 0700 where it is missing. */
export async function writeKeyPair(directory: string, name: string, pair: KeyPair): Promise<{ certificateFile: string; keyFile: string }> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const files = { certificateFile: join(directory, `${name}.crt`), keyFile: join(directory, `${name}.key`) };
  for (const [file, text] of [[files.keyFile, pair.key], [files.certificateFile, pair.certificate]] as const) {
    await writeFile(file, text, { mode: 0o600 });
    // The mode above counts only for new files.
    await chmod(file, 0o600);
  }
  return files;
}

/** Loaded at first use: only `navarch` issues certificates, and every process links this library. */
async function library(): Promise<typeof X509> {
  await import('reflect-metadata');
  const x509 = await import('@peculiar/x509');
  x509.cryptoProvider.set(webcrypto as unknown as NonNullable<typeof globalThis.crypto>);
  return x509;
}

function validity(days: number, clock: Pick<Clock, 'now'> = systemClock): { notBefore: Date; notAfter: Date } {
  const nowMs = clock.now();
  return { notBefore: new Date(nowMs - skewMs), notAfter: new Date(nowMs + days * dayMs) };
}

function serialNumber(): string {
  // RFC 5280, 4.1.2.2: positive, at most 20 octets.
  const bytes = systemRandom.bytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
  return Buffer.from(bytes).toString('hex');
}

async function privatePem(key: webcrypto.CryptoKey): Promise<string> {
  const base64 = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', key)).toString('base64');
  return `-----BEGIN PRIVATE KEY-----\n${base64.match(/.{1,64}/g)?.join('\n') ?? ''}\n-----END PRIVATE KEY-----\n`;
}
