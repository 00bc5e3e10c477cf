import type { Clock, Logger } from '@navarch/base';

import type { Credentials } from '../core/auth/authenticator';
import type { ApiCore } from '../core/core';
import type { User } from '../core/request';
import { OpenApiDocuments } from './documents';
import { RestDoor } from './door';
import { startRestServer, type RestServer, type RestServerOptions } from './server';
import { subresourceInfo } from './subresource-info';

export interface StartRestDoorOptions extends Pick<RestServerOptions, 'listen' | 'tls' | 'bodyTimeoutMs'> {
  readonly core: ApiCore;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly authenticate: (credentials: Credentials) => Promise<User>;
  /** Navarch's own version. */
  readonly version: string;
  /** Of the API it speaks: major.minor. */
  readonly kubernetesVersion: string;
}

/** Opens Kubernetes' REST door on one address. */
export function startRestDoor({ core, clock, logger, authenticate, listen, tls, bodyTimeoutMs, version, kubernetesVersion }: StartRestDoorOptions): Promise<RestServer> {
  const [major = '1', minor = '0'] = kubernetesVersion.split('.');
  const gitVersion = `v${major}.${minor}.0-navarch.${version}`;
  const door = new RestDoor({
    core, clock, logger, subresources: subresourceInfo, documents: new OpenApiDocuments(core.registry, gitVersion),
    version: {
      major, minor, gitVersion, gitCommit: '', gitTreeState: 'clean', buildDate: '1970-01-01T00:00:00Z', goVersion: `node ${process.version}`, compiler: 'tsc',
      platform: `${process.platform}/${process.arch === 'x64' ? 'amd64' : process.arch}`,
    },
  });
  return startRestServer({ listen, tls, bodyTimeoutMs, door, authenticate, logger });
}
