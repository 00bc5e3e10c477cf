import type { CertificateSigningRequest } from '@navarch/proto/k8s/io/api/certificates/v1/certificates';

import { certificateRequestPem } from '../../testing/platform-samples';
import { judge } from '../../testing/judge';
import { approvalStrategy, certificateSigningRequests } from './certificatesigningrequests';

const metadata = { name: 'x' };
const spec = { request: certificateRequestPem, signerName: 'example.com/robots', usages: ['client auth'] };
const { create, created, update, updated, status, cells } = judge(certificateSigningRequests);
const withConditions = (...types: string[]): CertificateSigningRequest => ({ metadata, spec, status: { conditions: types.map((type) => ({ type, status: 'True' })) } });

it.each<[string, object, string[]]>([
  ['what is no request', { request: Buffer.from('x') }, ['spec.request: Invalid value: "eA==": PEM block type must be CERTIFICATE REQUEST']],
  ['a certificate', { request: Buffer.from(certificateRequestPem.toString().replaceAll('CERTIFICATE REQUEST', 'CERTIFICATE')) }, [expect.stringContaining('PEM block type must be CERTIFICATE REQUEST')]],
  ['a request cut short', { request: Buffer.from(certificateRequestPem.toString().replace(/\n[^\n]+=\n/, '\n')) }, [expect.stringContaining('must be a PKCS#10 certificate request')]],
  ['no usage', { usages: [] }, ['spec.usages: Required value']],
  ['usages that are none, or twice', { usages: ['signing', 'signing', 'fun'] }, [expect.stringContaining('spec.usages[2]: Unsupported value: "fun": supported values: "any", "cert sign"'), 'spec.usages[1]: Duplicate value: "signing"']],
  ['no signer', { signerName: undefined }, ['spec.signerName: Required value']],
  ['a signer without domain', { signerName: 'robots' }, ["spec.signerName: Invalid value: \"robots\": must be a fully qualified domain and path of the form 'example.com/signer-name'"]],
  ['the signer of old', { signerName: 'kubernetes.io/legacy-unknown' }, ['spec.signerName: Invalid value: "kubernetes.io/legacy-unknown": the legacy signerName is not allowed via this API version']],
  ['less than ten minutes', { expirationSeconds: 599 }, ['spec.expirationSeconds: Invalid value: 599: may not specify a duration less than 600 seconds (10 minutes)']],
])('certificate signing requests refuse %s', (_, more, complaints) => {
  expect(create({ metadata, spec: { ...spec, ...more } })).toEqual(complaints);
});

it('certificate signing requests stay as they were asked, whatever an update says', () => {
  const previous = created({ metadata, spec });
  expect(updated({ metadata, spec: { ...spec, signerName: 'a.b/c' }, status: { certificate: Buffer.of(1) } }, previous)).toMatchObject({ spec, status: undefined });
  expect(update({ metadata, spec: { ...spec, signerName: 'a.b/c' } }, { metadata, spec })).toEqual([]);
});

describe('the status door', () => {
  it('neither decides nor takes decisions back', () => {
    expect(status(withConditions('Approved'), { metadata, spec })).toEqual(['status.conditions: Forbidden: updates may not add a condition of type "Approved"']);
    expect(status(withConditions(), withConditions('Denied'))).toEqual(['status.conditions: Forbidden: updates may not remove a condition of type "Denied"']);
    const changed = { ...withConditions('Approved'), status: { conditions: [{ type: 'Approved', status: 'True', reason: 'b' }] } };
    expect(status(changed, withConditions('Approved'))).toEqual(['status.conditions: Forbidden: updates may not modify a condition of type "Approved"']);
  });

  it('issues a certificate once', () => {
    const certificate = Buffer.from('-----BEGIN CERTIFICATE-----\nMAIFAA==\n-----END CERTIFICATE-----\n');
    const issued = { metadata, spec, status: { certificate } };
    expect(status(issued, { metadata, spec })).toEqual([]);
    expect(status({ metadata, spec, status: { certificate: Buffer.concat([certificate, certificate]) } }, issued)).toEqual(['status.certificate: Forbidden: updates may not modify existing certificate content']);
    expect(status({ metadata, spec, status: { certificate: certificateRequestPem } }, { metadata, spec })).toEqual([
      'status.certificate: Invalid value: "<certificate data>": only CERTIFICATE PEM blocks are allowed, found "CERTIFICATE REQUEST"',
    ]);
  });

  it('knows failures that are final, and conditions of which each is there once', () => {
    const next = { metadata, spec, status: { conditions: [{ type: 'Failed', status: 'False' }, { type: 'Failed', status: 'True' }, { status: 'True' }, { type: 'New' }] } };
    expect(status(next, { metadata, spec })).toEqual([
      'status.conditions[0].status: Unsupported value: "False": supported values: "True"', 'status.conditions[1].type: Duplicate value: "Failed"', 'status.conditions[2].type: Required value', 'status.conditions[3].status: Required value',
    ]);
  });
});

describe('the approval door', () => {
  const decide = (next: CertificateSigningRequest, previous: CertificateSigningRequest): string[] =>
    approvalStrategy.validateUpdate(approvalStrategy.prepareForUpdate(next, previous), previous).map(({ field, message }) => `${field}: ${message}`);

  it('decides one way, for good', () => {
    expect(decide(withConditions('Approved'), { metadata, spec })).toEqual([]);
    expect(decide(withConditions('Approved', 'Denied'), { metadata, spec })).toEqual(['status.conditions[1].type: Invalid value: "Denied": Approved and Denied conditions are mutually exclusive']);
    expect(decide(withConditions('Denied'), withConditions('Approved'))).toEqual(['status.conditions: Forbidden: updates may not remove a condition of type "Approved"']);
  });

  it('issues nothing', () => {
    const next = { ...withConditions('Approved'), status: { ...withConditions('Approved').status, certificate: Buffer.of(1) } };
    expect(approvalStrategy.prepareForUpdate(next, { metadata, spec }).status?.certificate).toBeUndefined();
  });
});

it('certificate signing requests print how far they have come', () => {
  const text = (request: CertificateSigningRequest) => cells(request)['Condition'];
  expect([text({}), text(withConditions('Approved')), text(withConditions('Denied', 'Approved')), text(withConditions('Approved', 'Failed')), text({ ...withConditions('Approved'), status: { ...withConditions('Approved').status, certificate: Buffer.of(1) } })])
    .toEqual(['Pending', 'Approved', 'Denied', 'Approved,Failed', 'Approved,Issued']);
  expect(cells({ metadata, spec: { ...spec, username: 'carol', expirationSeconds: 86_400 } })).toMatchObject({ SignerName: 'example.com/robots', Requestor: 'carol', RequestedDuration: '24h' });
});
