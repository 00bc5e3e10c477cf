import type { User } from '../request';

const open = new Set(['/healthz', '/livez', '/readyz', '/version']);

/** Who may reach a path that is no resource's: everybody asks for health and version, who has a name reads the rest, administrators do all. */
export function mayReach({ groups }: User, verb: string, path: string): boolean {
  if (groups.includes('system:masters')) return true;
  if (verb !== 'get' && verb !== 'head') return false;
  if (open.has(path)) return true;
  return groups.includes('system:authenticated') && path !== '/metrics';
}
