import { approvalStrategy } from '@navarch/api';
import type { CertificateSigningRequest } from '@navarch/proto/k8s/io/api/certificates/v1/certificates';

import type { KindExtension } from './kind-extension';

/** Approving and denying has a door of its own, so that who may ask need not be who may decide. */
export const certificateExtension: KindExtension = {
  group: 'certificates.k8s.io',
  plural: 'certificatesigningrequests',
  views: {
    approval: {
      prepare: (incoming, previous) => approvalStrategy.prepareForUpdate(incoming as CertificateSigningRequest, previous as CertificateSigningRequest),
      validate: (next, previous) => approvalStrategy.validateUpdate(next as CertificateSigningRequest, previous as CertificateSigningRequest),
    },
  },
};
