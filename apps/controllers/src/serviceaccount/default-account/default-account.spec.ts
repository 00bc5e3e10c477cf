import { wantsAccount } from './default-account.controller';

describe('the default ServiceAccount', () => {
  it.each([
    ['an active namespace without one wants it', { status: { phase: 'Active' } }, undefined, true],
    ['one that has it does not', { status: { phase: 'Active' } }, {}, false],
    ['a terminating namespace does not', { metadata: { deletionTimestamp: { seconds: 1 } } }, undefined, false],
    ['a namespace that is gone does not', undefined, undefined, false],
  ])('%s', (_name, namespace, account, expected) => expect(wantsAccount(namespace, account)).toBe(expected));
});
