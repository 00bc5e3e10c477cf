import { compactionRules } from './contract-compaction';
import { endRules } from './contract-ends';
import { readingRules } from './contract-reading';
import { writeRules } from './contract-writes';
import type { LogHarness } from './harness';

/** Every rule of the object log (docs/design/002-object-log.md), for any implementation. `makeLog` gives each test an empty one. */
export function objectLogContract(name: string, makeLog: () => Promise<LogHarness>): void {
  describe(`${name} object log`, () => {
    let harness: LogHarness | undefined;
    const current = (): LogHarness => {
      if (!harness) throw new Error('no test is running');
      return harness;
    };
    beforeEach(async () => { harness = await makeLog(); });
    afterEach(async () => {
      await harness?.close();
      harness = undefined;
    });
    writeRules(current);
    readingRules(current);
    compactionRules(current);
    endRules(current);
  });
}
