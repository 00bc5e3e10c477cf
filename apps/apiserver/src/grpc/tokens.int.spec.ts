import { pods } from '@navarch/api';
import { hasReason } from '@navarch/base';
import { createTokenKeys, createTokenSigningKey } from '@navarch/service';
import { PodServiceService as podService } from '@navarch/proto/navarch/core/v1/pod_service';
import { ServiceAccountServiceService as accountService } from '@navarch/proto/navarch/core/v1/service_account_service';

import { createApiBed, type ApiBed } from '../testing/api-bed';

let bed: ApiBed;
beforeAll(async () => {
  bed = await createApiBed({ core: { tokens: { keys: createTokenKeys({ signingKey: createTokenSigningKey() }), issuer: 'https://issuer' } } });
});
afterAll(() => bed.close());

it('a token made by the typed gRPC method lets its bearer in as the account, and dies with its pod', async () => {
  const client = await bed.client();
  const pod = await client.resource(pods).create({ metadata: { name: 'web', namespace: 'default' }, spec: { containers: [{ name: 'c', image: 'i' }] } });
  const { status } = await (await bed.connect()).unary(accountService.createToken, {
    object: { metadata: { name: 'default' }, spec: { boundObjectRef: { kind: 'Pod', apiVersion: 'v1', name: 'web', uID: pod.metadata?.uid } } },
  }, {});
  const bearer = bed.connectWith({ ca: bed.authority.certificate }, status?.token);
  const failure = (): Promise<unknown> => bearer.unary(podService.get, { name: 'web' }, {}).then(() => undefined, (error: unknown) => error);
  // Known, and allowed nothing.
  expect(await failure()).toMatchObject({ reason: 'Forbidden', message: expect.stringContaining('User "system:serviceaccount:default:default" cannot get') as string });
  await client.resource(pods).delete('default', 'web', { deleteOptions: { gracePeriodSeconds: 0 } });
  expect(hasReason(await failure(), 'Unauthorized')).toBe(true);
});
