/** Started on the machine it is the doorkeeper, which starts itself once more as the relay, inside the namespace it was told. */
import { runDoorkeeper } from './doorkeeper-process';

// What the relay needs is loaded in its process only: the doorkeeper stays small.
if (process.send) void import('./relay-process').then(({ serveRelay }) => serveRelay());
else runDoorkeeper();
