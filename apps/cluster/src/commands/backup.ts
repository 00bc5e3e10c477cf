import { readFileSync } from 'node:fs';

import { silentLogger, systemRandom } from '@navarch/base';
import { connectNats, type NatsConnection, type NatsConnectionOptions } from '@navarch/store-nats';
import { Command, Option } from 'commander';

import { parseCount } from '../api/arguments';
import { restoreBackup, takeBackup, type BackupOptions } from '../backup/backup';
import { readBackup, writeBackup } from '../backup/backup-file';
import { withLocalNats } from '../backup/local-nats';
import { nameOption, placesFor, type CommandContext, type NameOption } from './context';

interface NatsOptions extends NameOption {
  readonly nats?: readonly string[];
  readonly natsCa?: string;
  readonly natsCert?: string;
  readonly natsKey?: string;
  readonly natsUser?: string;
  readonly natsPasswordFile?: string;
  readonly streamPrefix: string;
  readonly replicas: number;
}

interface RestoreCommandOptions extends NatsOptions {
  readonly headroom: number;
  readonly replace: boolean;
}

/** More than any cluster writes between a backup and its loss; versions are counted to 2^53. etcd's documentation names the same figure for --bump-revision. */
const defaultHeadroom = 1_000_000_000;

export function backupCommand(context: CommandContext): Command {
  return withNatsOptions(new Command('backup')).description('Write all objects and events of a cluster to one file, which holds every Secret. The cluster goes on meanwhile.')
    .argument('<file>', 'where to, such as cluster.navarch.gz; one that is there is replaced once the new one is whole')
    .action(async (file: string, options: NatsOptions) => {
      const backup = await withNats(context, options, 'running', (connection) => takeBackup(backupOptions(context, options, connection)));
      await writeBackup(file, backup);
      const { objects, events } = backup.logs;
      context.write(`${objects.entries.length} objects as of version ${objects.sequence}, and ${events.entries.length} events, are in ${file}.\n`);
    });
}

export function restoreCommand(context: CommandContext): Command {
  return withNatsOptions(new Command('restore')).description('Put the objects and events of a backup in the place of those of a cluster that is stopped ("navarch down --keep"; elsewhere: every apiserver).')
    .argument('<file>', 'what "navarch backup" wrote')
    .option('--replace', 'also where objects are there: they are lost', false)
    .addOption(new Option('--headroom <versions>', 'how far above the backup new versions begin: more than was written after it').argParser(parseCount).default(defaultHeadroom))
    .action(async (file: string, options: RestoreCommandOptions) => {
      const backup = await readBackup(file);
      const { headroom, replace } = options;
      const first = await withNats(context, options, 'stopped', (connection) => restoreBackup(backup, { ...backupOptions(context, options, connection), headroom, replace }));
      context.write(`${backup.logs.objects.entries.length} objects of ${new Date(backup.takenMs).toISOString()} are restored, from version ${first} on.\n`);
    });
}

function withNatsOptions(command: Command): Command {
  return command.addOption(nameOption())
    .option('--nats <servers...>', 'NATS servers, host:port, instead of a local cluster\'s own')
    .option('--nats-ca <file>', 'authority of the NATS servers (PEM); no TLS where absent')
    .option('--nats-cert <file>', 'client certificate for NATS (PEM)').option('--nats-key <file>', 'its key (PEM)')
    .option('--nats-user <user>', 'user at NATS').option('--nats-password-file <file>', 'its password')
    .option('--stream-prefix <prefix>', 'as the apiservers are told', 'navarch')
    .addOption(new Option('--replicas <copies>', 'copies of every write that JetStream keeps, as the apiservers are told: 1, 3 or 5').argParser(parseCount).default(1));
}

function backupOptions({ clock, signal }: CommandContext, { streamPrefix, replicas }: NatsOptions, connection: NatsConnection): BackupOptions {
  return { connection, streamPrefix, replicas, clock, random: systemRandom, logger: silentLogger, signal };
}

/** Connected for as long as `work` takes; a local cluster must be in the state that is wanted. */
function withNats<T>(context: CommandContext, options: NatsOptions, wanted: 'running' | 'stopped', work: (connection: NatsConnection) => Promise<T>): Promise<T> {
  const connected = async (server: NatsConnectionOptions): Promise<T> => {
    const connection = await connectNats({ ...server, name: 'navarch', signal: context.signal });
    try {
      return await work(connection);
    } finally {
      await connection.close();
    }
  };
  return options.nats ? connected(remoteNats(options.nats, options)) : withLocalNats(placesFor(context, options), wanted, connected);
}

function remoteNats(servers: readonly string[], options: NatsOptions): NatsConnectionOptions {
  const text = (file: string | undefined): string | undefined => file && readFileSync(file, 'utf8');
  const [ca, cert, key] = [text(options.natsCa), text(options.natsCert), text(options.natsKey)];
  const password = text(options.natsPasswordFile)?.trim();
  return {
    servers, ...(ca && { tls: { ca, ...(cert && { cert }), ...(key && { key }) } }),
    ...(options.natsUser && password && { credentials: { user: options.natsUser, password } }),
  };
}
