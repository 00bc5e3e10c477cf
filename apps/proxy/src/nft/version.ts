import type { Nft } from './nft';

/** The oldest nft whose language has all that we write (typeof in maps with concatenations, `-t`). */
export const oldestNft = [1, 0, 1] as const;

/** Rejects with what to do where nft is missing, too old, or may not speak to the kernel. */
export async function requireNft(nft: Nft): Promise<void> {
  const printed = await nft.ask(['--version']).catch((cause: unknown) => {
    throw new Error('nftables is needed to balance Services, and nft cannot be run: install the package nftables', { cause });
  });
  const version = /v(\d+)\.(\d+)(?:\.(\d+))?/.exec(printed)?.slice(1).map((part) => Number(part ?? 0));
  if (!version || compare(version, oldestNft) < 0) {
    throw new Error(`nft ${oldestNft.join('.')} or newer is needed to balance Services, this is ${version?.join('.') ?? JSON.stringify(printed.trim())}`);
  }
  await nft.ask(['list', 'tables']).catch((cause: unknown) => {
    throw new Error('nft cannot reach the kernel: it needs CAP_NET_ADMIN and the kernel\'s nf_tables', { cause });
  });
}

function compare(left: readonly number[], right: readonly number[]): number {
  for (let at = 0; at < right.length; at++) {
    const difference = (left[at] ?? 0) - (right[at] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
