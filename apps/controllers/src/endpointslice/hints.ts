import type { Endpoint } from '@navarch/proto/k8s/io/api/discovery/v1/discovery';

/** For whom an endpoint is meant, by its Service's spec.trafficDistribution (KEP-4444, KEP-3015). */
export function hintsFor(distribution: string | undefined, { zone, nodeName }: Endpoint): Endpoint['hints'] {
  const forZones = zone ? [{ name: zone }] : [];
  const forNodes = nodeName ? [{ name: nodeName }] : [];
  switch (distribution) {
    case 'PreferClose': case 'PreferSameZone': return forZones.length > 0 ? { forZones } : undefined;
    case 'PreferSameNode': return forNodes.length > 0 ? { ...(forZones.length > 0 && { forZones }), forNodes } : undefined;
    default: return undefined;
  }
}
