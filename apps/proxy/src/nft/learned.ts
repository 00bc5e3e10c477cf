import { NftError, type Nft } from './nft';

type Printed = string | number | { concat: (string | number)[] };
interface PrintedKey {
  readonly elem: { readonly val: Printed; readonly timeout?: number; readonly expires?: number };
}

/** What the kernel's rules have put into a map, with the time that is left to each element, as text for `add element`. Nothing where there is no such map. */
export async function learnedElements(nft: Nft, table: string, map: string, signal?: AbortSignal): Promise<[string, string][]> {
  let text: string;
  try {
    text = await nft.ask(['-j', 'list', 'map', 'inet', table, map], signal);
  } catch (thrown) {
    if (thrown instanceof NftError && thrown.message.includes('No such file')) return [];
    throw thrown;
  }
  const { nftables } = JSON.parse(text) as { nftables: { map?: { elem?: [PrintedKey | Printed, Printed][] } }[] };
  return nftables.flatMap(({ map: printed }) => printed?.elem ?? []).map(([key, value]) => [keyText(key), valueText(value)]);
}

function keyText(key: PrintedKey | Printed): string {
  if (typeof key !== 'object' || !('elem' in key)) return valueText(key);
  const { val, timeout, expires } = key.elem;
  const time = timeout === undefined ? '' : ` timeout ${timeout}s${expires === undefined ? '' : ` expires ${expires}s`}`;
  return `${valueText(val)}${time}`;
}

function valueText(value: Printed): string {
  return typeof value === 'object' ? value.concat.join(' . ') : String(value);
}
