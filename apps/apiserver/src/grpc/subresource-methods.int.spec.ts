import { CertificateSigningRequestServiceService as requests } from '@navarch/proto/navarch/certificates/v1/certificate_signing_request_service';
import { PodServiceService as pods } from '@navarch/proto/navarch/core/v1/pod_service';
import { SelfSubjectReviewServiceService as whoAmI } from '@navarch/proto/navarch/authentication/v1/self_subject_review_service';
import { SelfSubjectAccessReviewServiceService as mayI } from '@navarch/proto/navarch/authorization/v1/self_subject_access_review_service';
import { LocalSubjectAccessReviewServiceService as mayThey } from '@navarch/proto/navarch/authorization/v1/local_subject_access_review_service';

import { createApiBed, type ApiBed } from '../testing/api-bed';

jest.setTimeout(60_000);

/** For CN=x, with a P-256 key that was thrown away. */
const request = Buffer.from('-----BEGIN CERTIFICATE REQUEST-----\nMIHFMG4CAQAwDDEKMAgGA1UEAwwBeDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IA\nBM+FfHVSevNcFsT/TCm45S7eNtY7qbk4JxBFO/HJcge93XD2rsj+/bnWY3rtKO7v\nCqTjqH4BGw3UiQOCXG+2sWmgADAKBggqhkjOPQQDAgNHADBEAiB0walrDA8k+fwz\nxnhPQW2tlbo2RAcqvToFj4n1AlzVgQIgF/Dc1UwH5Sl2CDNsg8Vz0fr8d5Y2x9xh\nlF/BMHKPyJU=\n-----END CERTIFICATE REQUEST-----');
const containers = [{ name: 'main', image: 'web:1', resources: { requests: { cpu: { string: '100m' } } } }];

let bed: ApiBed;
beforeAll(async () => { bed = await createApiBed(); });
afterAll(() => bed.close());

describe('typed methods of subresources', () => {
  it('Evict deletes the pod that the eviction names, and only pretends in a dry run', async () => {
    const channel = await bed.connect();
    const one = { namespace: 'default', name: 'evicted' };
    await channel.unary(pods.create, { namespace: 'default', object: { metadata: { name: 'evicted' }, spec: { containers } } });
    expect(await channel.unary(pods.evict, { namespace: 'default', object: { metadata: { name: 'evicted' } }, options: { dryRun: ['All'] } })).toMatchObject({ status: 'Success' });
    expect((await channel.unary(pods.get, one)).metadata?.name).toBe('evicted');
    await channel.unary(pods.evict, { namespace: 'default', object: { metadata: { name: 'evicted' } } });
    await expect(channel.unary(pods.get, one)).rejects.toMatchObject({ reason: 'NotFound' });
    await expect(channel.unary(pods.evict, { namespace: 'default', object: { metadata: { name: 'evicted' } } })).rejects.toMatchObject({ reason: 'NotFound' });
  });

  it('UpdateApproval and PatchApproval decide on a request for a certificate', async () => {
    const channel = await bed.connect();
    for (const name of ['put', 'patched']) {
      await channel.unary(requests.create, { object: { metadata: { name }, spec: { request, signerName: 'kubernetes.io/kube-apiserver-client', usages: ['client auth'] } } });
    }
    const asked = await channel.unary(requests.get, { name: 'put' });
    const conditions = [{ type: 'Approved', status: 'True', reason: 'Known', message: 'it is ours' }];
    const approved = await channel.unary(requests.updateApproval, { object: { ...asked, status: { conditions } } });
    expect(approved.status?.conditions).toMatchObject(conditions);
    const patch = { name: 'patched', patchType: 'application/merge-patch+json', patch: Buffer.from(JSON.stringify({ status: { conditions: [{ type: 'Denied', status: 'True' }] } })) };
    expect((await channel.unary(requests.patchApproval, patch)).status?.conditions).toMatchObject([{ type: 'Denied' }]);
  });

  it('PatchEphemeralContainers and UpdateResize change what only they may', async () => {
    const channel = await bed.connect();
    await channel.unary(pods.create, { namespace: 'default', object: { metadata: { name: 'changed' }, spec: { containers } } });
    const patch = Buffer.from(JSON.stringify({ spec: { ephemeralContainers: [{ name: 'debug', image: 'busybox' }] } }));
    const debugged = await channel.unary(pods.patchEphemeralContainers, { namespace: 'default', name: 'changed', patchType: 'application/strategic-merge-patch+json', patch });
    expect(debugged.spec?.ephemeralContainers?.map(({ ephemeralContainerCommon }) => ephemeralContainerCommon?.name)).toEqual(['debug']);
    const [main] = debugged.spec?.containers ?? [];
    const resized = { ...debugged, spec: { ...debugged.spec, containers: [{ ...main, resources: { requests: { cpu: { string: '250m' } } } }] } };
    await expect(channel.unary(pods.update, { object: resized })).rejects.toMatchObject({ reason: 'Invalid' });
    expect((await channel.unary(pods.updateResize, { object: resized })).spec?.containers?.[0]?.resources?.requests).toEqual({ cpu: { string: '250m' } });
  });
});

describe('typed services of reviews', () => {
  it('answer who is calling and what it may do', async () => {
    const channel = await bed.connect('pat', ['testers']);
    expect((await channel.unary(whoAmI.create, { object: {} })).status?.userInfo).toMatchObject({ username: 'pat', groups: expect.arrayContaining(['testers']) as string[] });
    const review = (verb: string) => channel.unary(mayI.create, { object: { spec: { resourceAttributes: { verb, resource: 'pods', namespace: 'default' } } } });
    expect((await review('delete')).status?.allowed ?? false).toBe(false);
    const admin = await bed.connect();
    const spec = { user: 'root', groups: ['system:masters'], resourceAttributes: { verb: 'get', resource: 'pods', namespace: 'team' } };
    expect((await admin.unary(mayThey.create, { namespace: 'team', object: { spec } })).status?.allowed).toBe(true);
    await expect(channel.unary(mayThey.create, { namespace: 'team', object: { spec } })).rejects.toMatchObject({ reason: 'Forbidden' });
  });
});
