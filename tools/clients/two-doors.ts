/** One apiserver with both its doors open, for suites that ask the same of each. */
import { silentLogger, systemClock } from '@navarch/base';
import { issueCertificate } from '@navarch/service';

import { startRestDoor } from '../../apps/apiserver/src/rest/start';
import { createApiBed, type ApiBed, type ApiBedOptions } from '../../apps/apiserver/src/testing/api-bed';
import { connectRest, type RestConnection } from './rest-connection';

export interface TwoDoors {
  readonly bed: ApiBed;
  /** host:port of the REST door. */
  readonly restAddress: string;
  /** A connection to the REST door as this user. */
  rest(commonName?: string, organizations?: readonly string[]): Promise<RestConnection>;
  close(): Promise<void>;
}

export async function openTwoDoors(options?: ApiBedOptions): Promise<TwoDoors> {
  const bed = await createApiBed(options);
  const server = await issueCertificate(bed.authority, { commonName: 'navarch-apiserver', dnsNames: ['localhost'], ipAddresses: ['127.0.0.1'], usages: ['server'] });
  const door = await startRestDoor({
    core: bed.apiserver.core, clock: systemClock, logger: silentLogger, listen: '127.0.0.1:0', authenticate: bed.apiserver.core.authenticate,
    tls: { ...server, ca: bed.authority.certificate }, version: '0.1.0', kubernetesVersion: '1.36',
  });
  const connections: RestConnection[] = [];
  return {
    bed, restAddress: door.address,
    async rest(commonName = 'kubernetes-admin', organizations = ['system:masters']) {
      const { certificate, key } = await bed.certificate(commonName, organizations);
      const connection = connectRest(door.address, { ca: bed.authority.certificate, certificate, key });
      connections.push(connection);
      return connection;
    },
    async close() {
      connections.forEach((connection) => connection.close());
      await door.close(500);
      await bed.close();
    },
  };
}
