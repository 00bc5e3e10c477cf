import { apiClientContract } from '@navarch/client/testing';

import { expireHistory } from '../../apps/apiserver/src/testing/api-bed';
import { restApiClient, type RestEncoding } from './rest-api-client';
import { openTwoDoors } from './two-doors';

jest.setTimeout(60_000);

describe.each<RestEncoding>(['json', 'protobuf'])('the REST door in %s', (encoding) => {
  apiClientContract(`the client over REST, HTTP/2 and TLS in ${encoding}`, async () => {
    const doors = await openTwoDoors();
    return { client: restApiClient(await doors.rest(), encoding), tellsCommitTimes: false, close: () => doors.close(), expireHistory: () => expireHistory(doors.bed) };
  });
});
