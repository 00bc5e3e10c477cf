import { X509Certificate } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { silentLogger, VirtualClock } from '@navarch/base';

import { createAuthority, issueCertificate, writeKeyPair, type KeyPair } from './authority';
import { followTls, loadTls, type TlsFiles, type TlsMaterial } from './tls-material';

const dayMs = 86_400_000;
const clock = { now: () => Date.UTC(2026, 5, 1) };
let directory: string;
let authority: KeyPair;

beforeAll(async () => {
  authority = await createAuthority({ commonName: 'navarch-ca', clock });
});
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'nv-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const issue = (days?: number): Promise<KeyPair> =>
  issueCertificate(authority, { commonName: 'system:node:node-1', organizations: ['system:nodes', 'others'], dnsNames: ['localhost', 'node-1'], ipAddresses: ['127.0.0.1', '::1'], usages: ['client', 'server'], days }, clock);

async function files(pair: KeyPair, ca = authority): Promise<TlsFiles> {
  return { caFile: (await writeKeyPair(directory, 'ca', ca)).certificateFile, ...(await writeKeyPair(directory, 'own', pair)) };
}

describe('an issued certificate', () => {
  it('bears subject, names, addresses, usages and validity, and its authority signed it', async () => {
    const certificate = new X509Certificate((await issue(30)).certificate);
    const ca = new X509Certificate(authority.certificate);
    expect(certificate.subject.split('\n')).toEqual(['O=system:nodes', 'O=others', 'CN=system:node:node-1']);
    expect(certificate.subjectAltName).toBe('DNS:localhost, DNS:node-1, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1');
    expect(certificate.keyUsage).toEqual(['1.3.6.1.5.5.7.3.2', '1.3.6.1.5.5.7.3.1']);
    expect(certificate.checkIssued(ca) && certificate.verify(ca.publicKey)).toBe(true);
    expect(certificate.ca).toBe(false);
    expect(Date.parse(certificate.validTo)).toBe(clock.now() + 30 * dayMs);
  });

  it('has a serial number and a key of its own', async () => {
    const [first, second] = [await issue(), await issue()];
    expect(new X509Certificate(first.certificate).serialNumber).not.toBe(new X509Certificate(second.certificate).serialNumber);
    expect(first.key).not.toBe(second.key);
  });

  it('is written so that only its owner can read it, also over an older file', async () => {
    writeFileSync(join(directory, 'own.key'), 'old');
    chmodSync(join(directory, 'own.key'), 0o644);
    const { certificateFile, keyFile } = await writeKeyPair(directory, 'own', await issue());
    expect([certificateFile, keyFile].map((file) => statSync(file).mode & 0o777)).toEqual([0o600, 0o600]);
  });
});

describe('loading TLS files', () => {
  it('gives what a server or client needs', async () => {
    const pair = await issue();
    expect(loadTls(await files(pair), clock)).toEqual({ ca: authority.certificate, ...pair });
    expect(loadTls({ caFile: (await files(pair)).caFile }, clock)).toEqual({ ca: authority.certificate });
  });

  it('says which file is missing', async () => {
    const good = await files(await issue());
    expect(() => loadTls({ ...good, caFile: '/nowhere/ca.crt' }, clock)).toThrow('CA certificate /nowhere/ca.crt: no such file');
    expect(() => loadTls({ ...good, keyFile: '/nowhere/own.key' }, clock)).toThrow('private key /nowhere/own.key: no such file');
    expect(() => loadTls({ ...good, keyFile: undefined }, clock)).toThrow('a certificate needs its key');
  });

  it('says which file is no PEM', async () => {
    const good = await files(await issue());
    const bad = join(directory, 'bad');
    writeFileSync(bad, 'nonsense');
    expect(() => loadTls({ ...good, certificateFile: bad }, clock)).toThrow(`${bad}: not a certificate in PEM form`);
    expect(() => loadTls({ ...good, keyFile: bad }, clock)).toThrow(`${bad}: not a private key in PEM form`);
  });

  it('says when a certificate has expired or is not valid yet', async () => {
    const good = await files(await issue(10));
    expect(() => loadTls(good, { now: () => clock.now() + 11 * dayMs })).toThrow(/own\.crt: expired Jun 11/);
    expect(() => loadTls(good, { now: () => clock.now() - dayMs })).toThrow(/ca\.crt: not valid before/);
  });

  it('says when key and certificate do not belong together', async () => {
    const good = await files(await issue());
    const other = await writeKeyPair(directory, 'other', await issue());
    expect(() => loadTls({ ...good, keyFile: other.keyFile }, clock)).toThrow('is not the key of');
  });

  it('says when another CA signed the certificate', async () => {
    const stranger = await createAuthority({ commonName: 'navarch-ca', clock });
    const mixed = await files(await issue(), stranger);
    expect(() => loadTls(mixed, clock)).toThrow(`${mixed.certificateFile}: not signed by ${mixed.caFile}`);
  });
});

describe('following TLS files', () => {
  it('hands over a new certificate, and keeps the old one while the files do not fit together', async () => {
    const virtual = new VirtualClock(clock.now(), () => Promise.resolve());
    const followed = await files(await issue());
    const seen: TlsMaterial[] = [];
    const stop = followTls(followed, { clock: virtual, logger: silentLogger, everyMs: 1_000, onChange: (material) => seen.push(material) });
    await virtual.advance(1_000);
    expect(seen).toEqual([]);
    const next = await issue();
    writeFileSync(followed.certificateFile ?? '', `${next.certificate}\n`);
    await virtual.advance(1_000);
    expect(seen).toEqual([]);
    writeFileSync(followed.keyFile ?? '', `${next.key}\n`);
    await virtual.advance(1_000);
    expect(seen.map(({ key }) => key?.trim())).toEqual([next.key.trim()]);
    stop();
    expect(virtual.pending).toBe(0);
  });
});
