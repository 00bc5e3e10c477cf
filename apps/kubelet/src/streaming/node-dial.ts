import { connect, isIP } from 'node:net';

import { ApiError } from '@navarch/base';
import type { PortForwardTarget } from '@navarch/streaming';

/**
 * Connections from this node to one address: a pod's, as others on the node reach it, and not its loopback as by port-forward. The
 * caller has decided that the address may be reached. BadRequest for what is no IP address.
 */
export function dialTarget(address: string): PortForwardTarget {
  if (!isIP(address)) throw new ApiError('BadRequest', `start.address: Invalid value: ${JSON.stringify(address)}: must be an IP address`);
  let settle: () => void = () => undefined;
  const closed = new Promise<void>((resolve) => { settle = resolve; });
  return {
    closed, close: () => settle(),
    open(port) {
      const data = connect({ host: address, port, allowHalfOpen: true, noDelay: true });
      const failure = new Promise<string>((resolve) => {
        data.once('error', (error) => resolve(error.message));
        data.once('close', () => resolve(''));
      });
      void closed.then(() => data.destroy());
      return Promise.resolve({ data, failure });
    },
  };
}
