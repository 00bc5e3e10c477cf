/**
 * The node's CNI configuration (CNI spec 1.0.0), which the container runtime reads. Whose it is, in this order: a file that someone put into the
 * directory; the cluster's own templates, filled in for the node; a bridge with addresses from the node's ranges.
 */
import { toError, type Logger } from '@navarch/base';

import type { KubeletConfig } from '../config';
import type { HostFiles } from '../host/host';

export type CniSettings = NonNullable<KubeletConfig['cni']>;

const ownFile = '10-navarch.conflist';
/** Begins the names of files made from templates. */
const fromTemplate = 'navarch-template-';
const isConfiguration = (name: string): boolean => /\.(conflist|conf|json)$/.test(name);
const isOurs = (name: string): boolean => name === ownFile || name.startsWith(fromTemplate);
const isV6 = (range: string): boolean => range.includes(':');

/**
 * One bridge with each range's first address as gateway, addresses from the node's ranges (one per family), no translation of pods' addresses;
 * chained to it host ports and bandwidth limits, where the runtime asks for them. Deterministic, so that writing it again changes nothing.
 */
export function cniConfig(podCidrs: readonly string[], { dataDirectory, hostPorts, bandwidth, mtu }: CniSettings): string {
  const families = new Set(podCidrs.map(isV6));
  const bridge = {
    type: 'bridge', bridge: 'cni0', isGateway: true, ipMasq: false, hairpinMode: true, ...(mtu !== undefined && { mtu }),
    ipam: {
      type: 'host-local', dataDir: dataDirectory, ranges: podCidrs.map((subnet) => [{ subnet }]),
      routes: [...(families.has(false) ? [{ dst: '0.0.0.0/0' }] : []), ...(families.has(true) ? [{ dst: '::/0' }] : [])],
    },
  };
  const plugins = [
    bridge,
    ...(hostPorts ? [{ type: 'portmap', capabilities: { portMappings: true }, snat: true }] : []),
    ...(bandwidth ? [{ type: 'bandwidth', capabilities: { bandwidth: true } }] : []),
  ];
  return `${JSON.stringify({ cniVersion: '1.0.0', name: 'navarch', plugins }, undefined, 2)}\n`;
}

/** Throws an Error that names what a template asks for and the node has not. */
export function fillTemplate(text: string, podCidrs: readonly string[], { dataDirectory }: CniSettings): string {
  const values: Readonly<Record<string, string | undefined>> = {
    POD_CIDR: podCidrs.find((range) => !isV6(range)), POD_CIDR_IPV6: podCidrs.find(isV6), DATA_DIRECTORY: dataDirectory,
  };
  return text.replace(/__([A-Z][A-Z0-9_]*?)__/g, (placeholder, name: string) => {
    const value = values[name];
    if (value === undefined) throw new Error(`${placeholder}: ${Object.hasOwn(values, name) ? 'the node has no such range' : `there are ${Object.keys(values).map((key) => `__${key}__`).join(', ')}`}`);
    return value;
  });
}

/** Writes what is not so yet, and takes away what is ours and no longer wanted; the runtime watches the directory. */
export async function writeCniConfig(files: HostFiles, podCidrs: readonly string[], cni: CniSettings, logger: Logger): Promise<void> {
  try {
    await files.makeDirectory(cni.dataDirectory, 0o755);
    await files.makeDirectory(cni.configDirectory, 0o755);
    const present = (await files.list(cni.configDirectory)).filter(isConfiguration);
    const wanted = present.some((name) => !isOurs(name)) ? new Map<string, string>() : await wantedFiles(files, podCidrs, cni);
    for (const [name, text] of wanted) {
      const path = `${cni.configDirectory}/${name}`;
      const before = present.includes(name) ? (await files.read(path)).toString('utf8') : undefined;
      if (before === text) continue;
      await files.write(path, text, 0o644);
      logger.info('pod network configured', { podCidrs, path });
    }
    for (const name of present) {
      if (isOurs(name) && !wanted.has(name)) await files.remove(`${cni.configDirectory}/${name}`);
    }
  } catch (error) {
    throw new Error(`cannot write the CNI configuration in ${cni.configDirectory}: ${toError(error).message}`, { cause: error });
  }
}

async function wantedFiles(files: HostFiles, podCidrs: readonly string[], cni: CniSettings): Promise<Map<string, string>> {
  const { templateDirectory } = cni;
  if (templateDirectory === undefined) return new Map([[ownFile, cniConfig(podCidrs, cni)]]);
  const names = (await files.list(templateDirectory)).filter(isConfiguration);
  if (names.length === 0) throw new Error(`${templateDirectory} holds no CNI configuration (*.conflist, *.conf)`);
  return new Map(await Promise.all(names.map(async (name) => [`${fromTemplate}${name}`, fillTemplate((await files.read(`${templateDirectory}/${name}`)).toString('utf8'), podCidrs, cni)] as const)));
}
