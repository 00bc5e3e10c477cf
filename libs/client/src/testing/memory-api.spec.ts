import { seededRandom, systemClock } from '@navarch/base';

import { apiClientContract } from './api-client-contract';
import { createMemoryApi } from './memory-api';

apiClientContract('the fake', async () => {
  const api = createMemoryApi({ clock: systemClock, random: seededRandom(1) });
  return { client: api.client, close: async () => api.cutWatches(), expireHistory: async () => api.expireHistory() };
});
