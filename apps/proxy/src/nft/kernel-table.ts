import { toError, type Logger } from '@navarch/base';

import { NftError, type Nft } from './nft';
import { learnedElements } from './learned';
import type { TableChanges, TableModel } from './table-model';
import { addElements, buildCommands, changeCommands, removeCommands, switchCommands } from './table-text';

export interface KernelTableOptions {
  /** The kernel's table is called so, with `-a` or `-b` behind it. */
  readonly name: string;
  readonly model: TableModel;
  readonly nft: Nft;
  readonly logger: Logger;
}

/**
 * Keeps one table of the kernel as the model wants it. It is written anew at the start, after anything went wrong and on demand: under the
 * other of its two names, in bounded pieces, until one last transaction hooks the new table in and takes the old one away, so that at no moment a packet meets
 * half a table or none. In between only changes are written. Tables of other names are never touched.
 */
export class KernelTable {
  /** The table that packets meet; undefined until one was written. */
  private live: string | undefined;
  /** The table's chains, rules and sets as the kernel prints them, elements left out. */
  private baseline: string | undefined;
  private order: Promise<unknown> = Promise.resolve();

  constructor(private readonly options: KernelTableOptions) {}

  /** Brings the kernel to what the model wants now. Rejects with an NftError where it cannot; the next call tries the whole. */
  sync(signal?: AbortSignal): Promise<void> {
    return this.inOrder(async () => {
      if (!this.live) return this.build(signal);
      const changes = this.options.model.takeChanges();
      if (!changes) return;
      try {
        await this.options.nft.transaction(changeCommands(this.live, changes), signal);
        if (changesStructure(changes)) await this.remember(signal);
      } catch (thrown) {
        signal?.throwIfAborted();
        this.options.logger.warn('the kernel refused a change: the table is written anew', { table: this.live, error: toError(thrown) });
        await this.build(signal);
      }
    });
  }

  /** Writes the whole table anew, whatever the kernel holds. */
  rebuild(signal?: AbortSignal): Promise<void> {
    return this.inOrder(() => this.build(signal));
  }

  /** Looks, without reading elements, whether the table is still as it was written; writes it anew where not. Answers whether it was. */
  check(signal?: AbortSignal): Promise<boolean> {
    return this.inOrder(async () => {
      if (this.live && (await this.print(this.live, signal)) === this.baseline) return true;
      if (this.live) this.options.logger.warn('someone changed the table: it is written anew', { table: this.live });
      await this.build(signal);
      return false;
    });
  }

  /** Takes the tables out of the kernel: nothing of them is left. */
  remove(signal?: AbortSignal): Promise<void> {
    return this.inOrder(async () => {
      this.live = undefined;
      await this.options.nft.transaction(this.names().flatMap(removeCommands), signal);
    });
  }

  private async build(signal?: AbortSignal): Promise<void> {
    const { nft, model, logger } = this.options;
    const old = await this.hooked(signal);
    const next = this.names().find((name) => name !== old)!;
    this.live = undefined;
    model.takeChanges();
    const { chains, sets } = model.content;
    const pieces = buildCommands(next, model.content);
    const hooks = switchCommands(next, new Map(chains), old ? [old] : []);
    const learned = [...sets].filter(([, definition]) => definition.learned).map(([name]) => name);
    for (const piece of pieces) await nft.transaction(piece, signal);
    for (const set of old ? learned : []) {
      for (const command of addElements(next, set, await learnedElements(nft, old!, set, signal))) await nft.transaction([command], signal);
    }
    await nft.transaction(hooks, signal);
    this.live = next;
    await this.remember(signal);
    logger.info('table written', { table: next, transactions: pieces.length + 1, took: old ?? 'none' });
  }

  /** Which of the two tables packets meet: the one that has hooks. A crash may have left the other half built. */
  private async hooked(signal?: AbortSignal): Promise<string | undefined> {
    const hook = [...this.options.model.content.chains].find(([, chain]) => chain.hook)?.[0];
    for (const name of this.names()) {
      try {
        await this.options.nft.ask(['-t', 'list', 'chain', 'inet', name, hook ?? ''], signal);
        return name;
      } catch (thrown) {
        if (!(thrown instanceof NftError) || !thrown.message.includes('No such file')) throw thrown;
      }
    }
    return undefined;
  }

  private async remember(signal?: AbortSignal): Promise<void> {
    this.baseline = this.live && (await this.print(this.live, signal));
  }

  private async print(table: string, signal?: AbortSignal): Promise<string> {
    try {
      return await this.options.nft.ask(['-t', 'list', 'table', 'inet', table], signal);
    } catch (thrown) {
      if (thrown instanceof NftError && thrown.message.includes('No such file')) return '';
      throw thrown;
    }
  }

  private names(): readonly [string, string] {
    return [`${this.options.name}-a`, `${this.options.name}-b`];
  }

  private inOrder<T>(work: () => Promise<T>): Promise<T> {
    const done = this.order.then(work);
    this.order = done.catch(() => undefined);
    return done;
  }
}

function changesStructure({ newSets, goneSets, newChains, goneChains, rules }: TableChanges): boolean {
  return newSets.length + goneSets.length + newChains.length + goneChains.length + rules.length > 0;
}
