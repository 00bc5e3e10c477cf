import type { CertificateSigningRequest } from '@navarch/proto/k8s/io/api/certificates/v1/certificates';

import { codecFor } from '../../codec/codec';
import { defineResource } from '../../define-resource';
import { statusOnly } from '../../meta/spec-lifecycle';
import type { StatusStrategy } from '../../resource';
import { durationText } from '../../scalars/age';
import { validateIssued, validateKeptDecisions, validateRequestConditions, validateRequestSpec } from '../../validation/certificate-request';
import { pathSegmentName } from '../../validation/names';
import { validateMeta, validateMetaUpdate } from '../../validation/object-meta';
import { ageColumn, nameColumn } from '../columns';

const meta = { namespaced: false, name: pathSegmentName };

function conditionText({ status }: CertificateSigningRequest): string {
  const has = (wanted: string): boolean => status?.conditions?.some(({ type }) => type === wanted) ?? false;
  const decision = has('Denied') ? 'Denied' : has('Approved') ? 'Approved' : 'Pending';
  return [decision, ...(has('Failed') ? ['Failed'] : []), ...(status?.certificate?.length ? ['Issued'] : [])].join(',');
}

/** The approval subresource: conditions change, decisions among them; the certificate and what was asked for stay. */
export const approvalStrategy: StatusStrategy<CertificateSigningRequest> = {
  prepareForUpdate: (next, previous) => ({ ...next, spec: previous.spec, status: { ...next.status, certificate: previous.status?.certificate } }),
  validateUpdate: (next, previous) => [...validateMetaUpdate(next, previous, meta), ...validateRequestConditions(next), ...validateKeptDecisions(next, previous)],
};

const lifecycle = statusOnly<CertificateSigningRequest>();

/** What is asked for never changes; who asks is written by the server (its admission). */
export const certificateSigningRequests = defineResource<CertificateSigningRequest>({
  group: 'certificates.k8s.io', version: 'v1', kind: 'CertificateSigningRequest', plural: 'certificatesigningrequests', shortNames: ['csr'], namespaced: false,
  subresources: ['approval', 'status'],
  codec: codecFor<CertificateSigningRequest>('k8s.io.api.certificates.v1.CertificateSigningRequest'),
  ...lifecycle,
  prepareForUpdate(next, previous) {
    lifecycle.prepareForUpdate(next, previous);
    next.spec = previous.spec;
  },
  validateCreate: (request) => [...validateMeta(request, meta), ...validateRequestSpec(request)],
  validateUpdate: (next, previous) => validateMetaUpdate(next, previous, meta),
  status: {
    prepareForUpdate: (next, previous) => ({ ...previous, metadata: { ...next.metadata, ownerReferences: previous.metadata?.ownerReferences }, status: next.status }),
    validateUpdate: (next, previous) => [
      ...validateMetaUpdate(next, previous, meta), ...validateRequestConditions(next), ...validateKeptDecisions(next, previous), ...validateIssued(next, previous),
    ],
  },
  fieldSelectors: { 'spec.signerName': ({ spec }) => spec?.signerName ?? '' },
  columns: [
    nameColumn, ageColumn,
    { name: 'SignerName', type: 'string', description: 'Who is asked to sign.', value: ({ spec }) => spec?.signerName || '<none>' },
    { name: 'Requestor', type: 'string', description: 'Who asks.', value: ({ spec }) => spec?.username ?? '' },
    {
      name: 'RequestedDuration', type: 'string', description: 'How long the certificate should be valid.',
      value: ({ spec }) => (spec?.expirationSeconds === undefined ? '<none>' : durationText(spec.expirationSeconds * 1000)),
    },
    { name: 'Condition', type: 'string', description: 'How far the request has come.', value: conditionText },
  ],
});
