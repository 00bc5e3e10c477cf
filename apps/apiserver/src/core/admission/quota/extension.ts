import { resourceQuotas, type ApiObject } from '@navarch/api';
import type { ResourceQuota } from '@navarch/proto/k8s/io/api/core/v1/core';

import type { KindExtension } from '../../kind-extension';
import type { QuotaLedger } from './ledger';
import { reservationsOf, withReservations } from './reservations';

/**
 * A quota's promises are the server's alone, and so is what is used: a write of its status (the controller's, whenever something
 * may have changed) has it counted anew, whatever the write says.
 */
export function quotaExtension(ledger: QuotaLedger): KindExtension {
  const { status } = resourceQuotas;
  return {
    group: resourceQuotas.group, plural: resourceQuotas.plural,
    prepare(next: ApiObject, previous?: ApiObject) {
      Object.assign(next, { metadata: withReservations(next, previous ? reservationsOf(previous) : []).metadata });
    },
    views: {
      status: {
        prepare: (incoming, previous) => {
          const next: ResourceQuota = status?.prepareForUpdate(incoming, previous) ?? previous;
          return ledger.recounted(withReservations(next, reservationsOf(previous)));
        },
        validate: (next, previous) => status?.validateUpdate(next, previous) ?? [],
      },
    },
  };
}
