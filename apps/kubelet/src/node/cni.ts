import { toError, type Logger } from '@navarch/base';

import type { KubeletConfig } from '../config';
import type { HostFiles } from '../host/host';

/**
 * The node's CNI plugin chain (CNI spec 1.0.0): one bridge with the range's first address as gateway, addresses from the node's range, no
 * translation of pods' addresses. Deterministic, so that writing it again changes nothing.
 */
export function cniConfig(podCidr: string, { dataDirectory, hostPorts, mtu }: NonNullable<KubeletConfig['cni']>): string {
  const bridge = {
    type: 'bridge', bridge: 'cni0', isGateway: true, ipMasq: false, hairpinMode: true, ...(mtu !== undefined && { mtu }),
    ipam: { type: 'host-local', dataDir: dataDirectory, ranges: [[{ subnet: podCidr }]], routes: [{ dst: '0.0.0.0/0' }] },
  };
  const plugins = hostPorts ? [bridge, { type: 'portmap', capabilities: { portMappings: true } }] : [bridge];
  return `${JSON.stringify({ cniVersion: '1.0.0', name: 'navarch', plugins }, undefined, 2)}\n`;
}

/** Writes it where it is not so yet; the runtime watches the directory. */
export async function writeCniConfig(files: HostFiles, podCidr: string, cni: NonNullable<KubeletConfig['cni']>, logger: Logger): Promise<void> {
  const path = `${cni.configDirectory}/10-navarch.conflist`;
  const wanted = cniConfig(podCidr, cni);
  const present = await files.read(path).then((data) => data.toString('utf8'), () => '');
  if (present === wanted) return;
  try {
    await files.makeDirectory(cni.dataDirectory, 0o755);
    await files.makeDirectory(cni.configDirectory, 0o755);
    await files.write(path, wanted, 0o644);
    logger.info('pod network configured', { podCidr, path });
  } catch (error) {
    throw new Error(`cannot write the CNI configuration ${path}: ${toError(error).message}`, { cause: error });
  }
}
