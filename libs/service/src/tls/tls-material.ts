import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';

import type { Clock, Logger } from '@navarch/base';
import { toError } from '@navarch/base';

/** What one end of a TLS connection needs, as PEM text. */
export interface TlsMaterial {
  /** Trusted to sign the other end's certificate. */
  readonly ca: string;
  /** Own certificate, followed by intermediates if there are any; absent at clients that show none. */
  readonly certificate?: string;
  readonly key?: string;
}

export interface TlsFiles {
  readonly caFile: string;
  readonly certificateFile?: string;
  readonly keyFile?: string;
}

const dayMs = 86_400_000;

/**
 * Reads and checks TLS files. Throws an Error whose one line names the file and what is wrong with it: missing, not PEM,
 * expired or not yet valid, key of another certificate, certificate not signed by the CA.
 */
export function loadTls(files: TlsFiles, clock: Pick<Clock, 'now'>, logger?: Logger): TlsMaterial {
  const ca = read(files.caFile, 'CA certificate');
  const authority = parse(ca, files.caFile);
  checkValidity(authority, files.caFile, clock.now(), logger);
  const { certificateFile, keyFile } = files;
  if (!certificateFile && !keyFile) return { ca };
  if (!certificateFile || !keyFile) throw new Error(`a certificate needs its key: give both files, not only ${certificateFile ?? keyFile}`);
  const certificate = read(certificateFile, 'certificate');
  const key = read(keyFile, 'private key');
  checkPair(certificate, certificateFile, key, keyFile);
  const own = parse(certificate, certificateFile);
  checkValidity(own, certificateFile, clock.now(), logger);
  checkSigned(own, certificateFile, certificate, ca, files.caFile);
  return { ca, certificate, key };
}

/** Calls back with new material when a file changed; a bad set is reported and the old one stays. Answers how to stop. */
export function followTls(files: TlsFiles, options: { clock: Clock; logger: Logger; everyMs?: number; onChange(material: TlsMaterial): void }): () => void {
  const { clock, logger, everyMs = 10_000, onChange } = options;
  let seen = fingerprint(files);
  let cancel = (): void => undefined;
  const look = (): void => {
    const now = fingerprint(files);
    if (now !== seen) {
      seen = now;
      try {
        onChange(loadTls(files, clock, logger));
        logger.info('TLS files loaded again', { certificate: files.certificateFile });
      } catch (error) {
        logger.error('TLS files changed but cannot be used; keeping the old ones', { error: toError(error) });
      }
    }
    cancel = clock.setTimer(everyMs, look);
  };
  cancel = clock.setTimer(everyMs, look);
  return () => cancel();
}

function fingerprint(files: TlsFiles): string {
  return [files.caFile, files.certificateFile, files.keyFile].map((file) => {
    const stat = file === undefined ? undefined : statSync(file, { throwIfNoEntry: false });
    return stat ? `${stat.mtimeMs}/${stat.size}/${stat.ino}` : '-';
  }).join(' ');
}

function read(file: string, what: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new Error(`${what} ${file}: ${code === 'ENOENT' ? 'no such file' : toError(error).message}`, { cause: error });
  }
}

function parse(pem: string, file: string): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch (error) {
    throw new Error(`${file}: not a certificate in PEM form`, { cause: error });
  }
}

function checkPair(certificate: string, certificateFile: string, key: string, keyFile: string): void {
  let privateKey;
  try {
    privateKey = createPrivateKey(key);
  } catch (error) {
    throw new Error(`${keyFile}: not a private key in PEM form`, { cause: error });
  }
  if (!parse(certificate, certificateFile).checkPrivateKey(privateKey)) throw new Error(`${keyFile}: is not the key of ${certificateFile}`);
}

function checkValidity(certificate: X509Certificate, file: string, nowMs: number, logger: Logger | undefined): void {
  const fromMs = Date.parse(certificate.validFrom);
  const toMs = Date.parse(certificate.validTo);
  if (nowMs > toMs) throw new Error(`${file}: expired ${certificate.validTo}`);
  if (nowMs < fromMs) throw new Error(`${file}: not valid before ${certificate.validFrom}`);
  if (toMs - nowMs < 7 * dayMs) logger?.warn('certificate expires soon', { file, validTo: certificate.validTo });
}

function checkSigned(own: X509Certificate, file: string, chain: string, ca: string, caFile: string): void {
  const intermediates = chain.match(pemBlock)?.length ?? 0;
  const signed = (ca.match(pemBlock) ?? []).some((pem) => own.verify(parse(pem, caFile).publicKey));
  // With intermediates in the file the handshake judges the chain; a single certificate can be judged here, with a better message.
  if (intermediates <= 1 && !signed) throw new Error(`${file}: not signed by ${caFile}`);
}

const pemBlock = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;
