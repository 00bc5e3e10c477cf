import { apiClientContract } from '@navarch/client/testing';

import { defaultLimits } from './core/limits';
import { admin } from './testing/harness';
import { createApiBed, expireHistory } from './testing/api-bed';

jest.setTimeout(60_000);

apiClientContract('the client in the apiserver’s process', async () => {
  // No wire slows this client down, so that its bursts are larger.
  const bed = await createApiBed({ core: { limits: { ...defaultLimits, writes: { total: 2_000, perUser: 2_000 } } } });
  return { client: bed.apiserver.client(admin), close: () => bed.close(), expireHistory: () => expireHistory(bed) };
});

apiClientContract('the client over gRPC and TLS', async () => {
  const bed = await createApiBed();
  return { client: await bed.client(), close: () => bed.close(), expireHistory: () => expireHistory(bed) };
});
