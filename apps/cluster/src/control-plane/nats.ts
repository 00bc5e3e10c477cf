import { systemRandom } from '@navarch/base';

import type { Places } from '../cluster/places';

export const natsUser = 'navarch';

/** Bytes; objects of up to 3 MiB, with room for headers and for what is still to come. */
const maxPayload = 8 * 1024 * 1024;

export interface NatsOptions {
  readonly places: Places;
  readonly port: number;
  readonly password: string;
}

/** nats-server's configuration file: TLS and a password on loopback, JetStream in the cluster's directory. */
export function natsConfig({ places, port, password }: NatsOptions): string {
  return `server_name: "navarch-${places.id}"
listen: "127.0.0.1:${port}"
max_payload: ${maxPayload}
max_pending: ${8 * maxPayload}
jetstream { store_dir: "${places.nats}/jetstream" }
tls {
  cert_file: "${places.pki}/nats-server.crt"
  key_file: "${places.pki}/nats-server.key"
  timeout: 5
}
authorization { users: [ { user: "${natsUser}", password: "${password}" } ] }
`;
}

export function newSecret(): string {
  return Buffer.from(systemRandom.bytes(24)).toString('base64url');
}
