import type { CertificateSigningRequest } from '@navarch/proto/k8s/io/api/certificates/v1/certificates';

import { creates, type AdmissionPlugin } from './admission';

/** Writes on a certificate signing request who asks: always this request's user, never a claim. */
export const certificateRequester: AdmissionPlugin = {
  name: 'CertificateRequester',
  handles: (attributes) => creates(attributes, 'certificates.k8s.io', 'certificatesigningrequests'),
  admit({ object, user }) {
    const request = object as CertificateSigningRequest;
    request.spec = { ...request.spec, username: user.name, uid: user.uid, groups: user.groups.length > 0 ? [...user.groups] : undefined, extra: undefined };
  },
};
