import type { Logger } from '@navarch/base';

import { KernelTable } from './nft/kernel-table';
import type { Nft } from './nft/nft';
import { TableModel } from './nft/table-model';
import type { Overlay } from './overlay';
import type { RouteTable } from './route-table';
import { policiesTable } from './policy/policy-proxy';
import { servicesTable } from './services/service-proxy';

/** Takes away all that a proxy put into this kernel: its tables, its routes, its devices; nothing of others. */
export async function cleanUp({ nft, routes, overlay, logger }: { nft: Nft; routes: RouteTable; overlay?: Overlay; logger: Logger }): Promise<void> {
  for (const name of [servicesTable, policiesTable]) await new KernelTable({ name, model: new TableModel(), nft, logger }).remove();
  await routes.apply({ add: [], change: [], remove: await routes.list() });
  await overlay?.remove();
  logger.info('cleaned up');
}
