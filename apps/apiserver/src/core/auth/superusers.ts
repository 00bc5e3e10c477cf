import type { Authorizer } from './authorizer';

/** Members may do everything, whatever the roles say: nobody locks the cluster's owner out (as in Kubernetes). */
export const superuserGroup = 'system:masters';

export const superusers: Authorizer = {
  authorize: ({ user }) => (user.groups.includes(superuserGroup) ? 'allow' : 'none'),
  reach: ({ user }) => (user.groups.includes(superuserGroup) ? 'allow' : 'none'),
  rulesFor: ({ groups }) => (groups.includes(superuserGroup)
    ? { rules: [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'] }], paths: [{ verbs: ['*'], nonResourceURLs: ['*'] }], incomplete: false }
    : { rules: [], paths: [], incomplete: false }),
};
