import type { PeerCertificate, TLSSocket } from 'node:tls';

import type { PeerIdentity } from './grpc-service';

const identities = new WeakMap<PeerCertificate, PeerIdentity>();

/**
 * Keeps a verified connection's certificate. grpc-js asks the socket for it at every call, and Node then parses it anew
 * (about 50 µs): the parsed one is put in the socket's place, so that a call costs a look-up.
 */
export function rememberPeer(socket: TLSSocket, certificate: PeerCertificate): void {
  const identity = identityOf(certificate);
  if (identity) identities.set(certificate, identity);
  socket.getPeerCertificate = (() => certificate) as TLSSocket['getPeerCertificate'];
}

/** Who the certificate names; undefined for the empty object that stands for none. */
export function peerIdentity(certificate: PeerCertificate | undefined): PeerIdentity | undefined {
  return certificate && (identities.get(certificate) ?? identityOf(certificate));
}

function identityOf({ raw, subject }: PeerCertificate): PeerIdentity | undefined {
  if (!raw) return undefined;
  // Node gives an array where an attribute is repeated, whatever the types say; the last CN is the most specific (RFC 4514).
  const commonNames = several(subject?.CN);
  return { commonName: commonNames.at(-1) ?? '', organizations: several(subject?.O) };
}

function several(value: string | readonly string[] | undefined): readonly string[] {
  if (value === undefined) return [];
  return typeof value === 'string' ? [value] : value;
}
