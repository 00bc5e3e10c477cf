/** Absolute, or with a `..` among its parts. */
export function escapesDirectory(path: string): boolean {
  return path.startsWith('/') || path.split('/').includes('..');
}

/** Kubernetes' complaints about a path that must stay inside its volume. */
export function localPath(path: string): string[] {
  if (path.startsWith('/')) return ['must be a relative path'];
  return path.split('/').includes('..') ? ["must not contain '..'"] : [];
}

/** Like localPath, for names that the volume itself gives: its bookkeeping starts with `..`. */
export function localNonReservedPath(path: string): string[] {
  return [...localPath(path), ...(path.startsWith('..') && !path.startsWith('../') && path !== '..' ? ["must not start with '..'"] : [])];
}
