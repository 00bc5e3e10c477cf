import { systemClock, systemRandom, toError, type Logger } from '@navarch/base';

import type { Places } from '../cluster/places';
import { readJson, writeJson } from '../cluster/state';
import { identify } from '../host/proc';
import { machineHost, rotateLog } from './host';
import type { ProcessSpec, SupervisorStatus } from './specs';
import { runSupervisor } from './supervisor';

const logCheckMs = 10_000;
const maxLogBytes = 32 * 1024 * 1024;
/** For each of the three stages. */
const graceMs = 2_000;

/** The supervisor process: `navarch supervise`, started by `up`. Ends all it started on SIGTERM or SIGINT. */
export function supervise(places: Places, logger: Logger): void {
  const specs = readJson<ProcessSpec[]>(places.specsFile);
  const self = identify(process.pid);
  if (!specs || !self) throw new Error(`there is no cluster to supervise: ${places.specsFile} does not exist`);
  const supervisor = runSupervisor({
    specs, logger, host: machineHost(systemClock), clock: systemClock, random: systemRandom,
    previous: readJson<SupervisorStatus>(places.supervisorFile)?.processes,
    report: (processes) => {
      try {
        writeJson(places.supervisorFile, { ...self, processes } satisfies SupervisorStatus);
      } catch (error) {
        logger.error('cannot note the processes', { error: toError(error).message }); // A full disk must not end the supervisor.
      }
    },
  });
  const rotation = setInterval(() => {
    for (const path of [...specs.map(({ log }) => log), places.log('supervisor')]) {
      try {
        rotateLog(path, maxLogBytes);
      } catch (error) {
        logger.error('cannot rotate a log', { path, error: toError(error).message });
      }
    }
  }, logCheckMs);
  let closing = false;
  const close = (): void => {
    if (closing) return;
    closing = true;
    clearInterval(rotation);
    void supervisor.close(graceMs).then(() => process.exit(0));
  };
  process.on('SIGTERM', close);
  process.on('SIGINT', close);
}
