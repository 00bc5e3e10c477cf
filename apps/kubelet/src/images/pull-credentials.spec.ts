import { ApiError } from '@navarch/base';
import type { Secret } from '@navarch/proto/k8s/io/api/core/v1/core';

import { pullCredentials, repositoryOf } from './pull-credentials';

const b64 = (text: string): string => Buffer.from(text).toString('base64');
const dockerConfig = (auths: object): Secret => ({ type: 'kubernetes.io/dockerconfigjson', data: { '.dockerconfigjson': Buffer.from(JSON.stringify({ auths })) } });

async function users(secrets: Record<string, Secret | undefined>, image: string): Promise<{ users: (string | undefined)[]; missing: readonly string[] }> {
  const pod = { metadata: { namespace: 'default', name: 'p' }, spec: { imagePullSecrets: Object.keys(secrets).map((name) => ({ name })) } };
  const { configs, missing } = await pullCredentials(pod, image, { secret: (_namespace, name) => Promise.resolve(secrets[name]) });
  return { users: configs.map(({ username }) => username), missing };
}
const userFor = async (place: string, image: string): Promise<boolean> => (await users({ s: dockerConfig({ [place]: { username: 'u', password: 'p' } }) }, image)).users.length === 1;

describe('pull credentials', () => {
  it.each<[string, string, boolean]>([
    ['registry.example.com', 'registry.example.com/app:1', true],
    ['https://registry.example.com', 'registry.example.com/team/app@sha256:abc', true],
    ['registry.example.com', 'registry.example.com:5000/app', false],
    ['registry.example.com:5000', 'registry.example.com:5000/app:1', true],
    ['https://registry.example.com/v2/', 'registry.example.com/app', true],
    ['registry.example.com/team', 'registry.example.com/team/app', true],
    ['registry.example.com/team', 'registry.example.com/other/app', false],
    ['*.example.com', 'a.example.com/app', true],
    ['*.example.com', 'example.com/app', false],
    ['*.example.com', 'a.b.example.com/app', false],
    ['r*y.example.com', 'registry.example.com/app', true],
    ['https://index.docker.io/v1/', 'busybox', true],
    ['docker.io', 'library/busybox:1', true],
    ['index.docker.io', 'docker.io/team/app', true],
    ['https://index.docker.io/v1/', 'registry.example.com/app', false],
    ['other.example.com', 'registry.example.com/app', false],
    [`${'*a'.repeat(40)}b.example.com`, `${'a'.repeat(60)}.example.com/app`, false],
  ])('for %s are shown with %s: %s', async (place, image, shown) => expect(await userFor(place, image)).toBe(shown));

  it('are tried from the most telling place to the least, those of one place in the pod’s order', async () => {
    const secrets = {
      first: dockerConfig({ 'r.io': { username: 'host', password: 'p' }, 'r.io/team': { username: 'team', password: 'p' } }),
      second: dockerConfig({ 'r.io': { username: 'host-2', password: 'p' } }),
    };
    expect((await users(secrets, 'r.io/team/app')).users).toEqual(['team', 'host', 'host-2']);
  });

  it('are read from auth, from user and password, from tokens, and from the older type of Secret', async () => {
    const pod = { metadata: { namespace: 'default' }, spec: { imagePullSecrets: [{ name: 's' }] } };
    const of = async (secret: Secret) => (await pullCredentials(pod, 'r.io/app', { secret: () => Promise.resolve(secret) })).configs;
    expect(await of(dockerConfig({ 'r.io': { auth: b64('ann:a:b'), username: 'ignored' } }))).toEqual([{ username: 'ann', password: 'a:b' }]);
    expect(await of(dockerConfig({ 'r.io': { identitytoken: 't' } }))).toEqual([{ identityToken: 't' }]);
    expect(await of({ type: 'kubernetes.io/dockercfg', data: { '.dockercfg': Buffer.from(JSON.stringify({ 'r.io': { username: 'old', password: 'p' } })) } })).toEqual([{ username: 'old', password: 'p' }]);
  });

  it('that are missing, of another type or broken are named, and the others still count', async () => {
    const broken: Secret = { type: 'kubernetes.io/dockerconfigjson', data: { '.dockerconfigjson': Buffer.from('{"auths": secret-value') } };
    const result = await users({ gone: undefined, opaque: { type: 'Opaque' }, broken, good: dockerConfig({ 'r.io': { username: 'u' } }) }, 'r.io/app');
    expect(result).toEqual({ users: ['u'], missing: ['gone', 'opaque', 'broken'] });
  });

  it('that cannot be asked for now make the pull wait, and no value is told', async () => {
    const pod = { metadata: { namespace: 'default' }, spec: { imagePullSecrets: [{ name: 's' }] } };
    await expect(pullCredentials(pod, 'r.io/app', { secret: () => Promise.reject(new ApiError('Unavailable', 'away')) })).rejects.toThrow('image pull secret "s" could not be read: away');
  });
});

it.each([
  ['busybox', 'docker.io/library/busybox'], ['busybox:1', 'docker.io/library/busybox'], ['team/app', 'docker.io/team/app'], ['docker.io/busybox', 'docker.io/library/busybox'],
  ['localhost/app', 'localhost/app'], ['localhost:5000/app:1', 'localhost:5000/app'], ['r.io/a/b/c@sha256:00', 'r.io/a/b/c'],
])('the repository of %s is %s', (image, repository) => expect(repositoryOf(image)).toBe(repository));
