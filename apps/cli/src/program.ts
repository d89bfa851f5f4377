import path from 'node:path'
import { defaultFolders } from '@pc/control/client'
import { Command, InvalidArgumentError, Option } from 'commander'
import type { Context } from './context.js'
import { EXIT_CODES_HELP } from './exit-codes.js'
import type { Io } from './io.js'
import { Screen } from './screen.js'
import { VERSION } from './version.js'

interface GlobalOptions {
  readonly json?: boolean
  readonly state?: string
  readonly timeout?: number
  readonly color: boolean
}

/** Messages the daemon puts into one answer. */
const MAX_INBOX = 500

/** Matches of one search. */
const MAX_MATCHES = 1_000

const MAX_TTL_MS = 600_000
const MAX_COUNT = 1_000_000

/** Longest wait that timers of Node can keep. */
const MAX_TIMEOUT_MS = 2_147_483_647

/** The command tree. Each command's file is loaded only when it is asked for. `quiet`: what is wrong is told by the caller. */
export function createProgram(io: Io, { quiet }: { quiet: boolean }): Command {
  const program = new Command('pc')
    .description(
      'Talks to the PeerConnect daemon of this machine, and through it to the other machines of the network.',
    )
    .version(VERSION, '-V, --version', 'print the version of pc')
    .option('--json', 'print JSON documents, one a line (errors: on stderr)')
    .option('--state <folder>', 'state folder of the daemon (else $PC_STATE, else the usual place)')
    .option('--timeout <ms>', 'give up after so many milliseconds', integer(1, MAX_TIMEOUT_MS))
    .option('--no-color', 'no colours (nor with $NO_COLOR, nor when stdout is not a terminal)')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => io.stdout.write(text),
      writeErr: (text) => (quiet ? undefined : io.stderr.write(text)),
    })
    .helpCommand(false)
    .showHelpAfterError('(pc help shows how it is used)')
    .addHelpText('after', '\npc help <command> says more; pc help exit-codes lists what scripts can rely on.')
  const context = (): Context => contextOf(io, program.opts<GlobalOptions>())

  program
    .command('up')
    .description('start the daemon, and wait until it is ready')
    .option('--name <name>', 'what other people see')
    .option('--network <name>', 'peers of other networks are not seen')
    .option('--interfaces <list>', 'interfaces to use, such as eth0,wlan*,!docker*')
    .option('--capabilities <list>', 'what others find this machine by, such as printer,scanner')
    .option('--foreground', 'stay in this terminal until Ctrl-C')
    .action(async (options) => (await import('./commands/up.js')).up(context(), options))
  program
    .command('down')
    .description('stop the daemon, and wait until it is gone')
    .action(async () => (await import('./commands/down.js')).down(context()))
  program
    .command('status')
    .description('what the daemon is and how it is doing')
    .action(async () => (await import('./commands/status.js')).status(context()))
  program
    .command('peers')
    .description('who is here, who was')
    .option('-a, --all', 'everybody in the network, known here or not')
    .addOption(new Option('-w, --watch', 'stay, and show every change as it comes').conflicts('all'))
    .action(async (options) => (await import('./commands/peers.js')).peers(context(), options))
  program
    .command('find')
    .description('find peers anywhere in the network')
    .argument('<name|id>', 'name, start of a name, or id')
    .action(async (text) => (await import('./commands/find.js')).find(context(), text))
  program
    .command('search')
    .description('find who is called so or can do that, by asking everybody')
    .argument('<text...>', 'words: each a part of the name, or the start of a capability')
    .option('-n, --number <n>', 'end after so many matches', integer(1, MAX_MATCHES))
    .action(async (words, options) => (await import('./commands/search.js')).search(context(), words, options))
  program
    .command('ping')
    .description('measure the round trip to a peer')
    .argument('<peer>', PEER_HELP)
    .option('-c, --count <n>', 'how many times', integer(1, MAX_COUNT), 4)
    .option('-i, --interval <ms>', 'pause between two', integer(1, MAX_TIMEOUT_MS))
    .action(async (peer, options) => (await import('./commands/ping.js')).ping(context(), peer, options))
  program
    .command('send')
    .description('send a text, and wait until the peer has it')
    .argument('<peer>', PEER_HELP)
    .argument('<text...>', 'the text; - reads it from stdin; after -- nothing is taken for an option')
    .action(async (peer, words) => (await import('./commands/send.js')).send(context(), peer, words))
  program
    .command('inbox')
    .description('messages that came in')
    .option('-f, --follow', 'go on with those that come')
    .option('-n, --number <n>', 'how many of the latest', integer(0, MAX_INBOX), 20)
    .action(async (options) => (await import('./commands/inbox.js')).inbox(context(), options))
  program
    .command('broadcast')
    .description('tell everybody a text')
    .argument('<text...>', 'the text; - reads it from stdin; after -- nothing is taken for an option')
    .option('-t, --topic <topic>', 'what it is about, up to 64 bytes', 'news')
    .option('--ttl <ms>', 'how long it is news, for those who come back', integer(1, MAX_TTL_MS))
    .action(async (words, options) => (await import('./commands/broadcast.js')).broadcast(context(), words, options))
  program
    .command('watch')
    .description('show what others tell everybody, as it comes')
    .option('-t, --topic <topic>', 'only what is about that')
    .option('-c, --count <n>', 'end after so many', integer(1, MAX_COUNT))
    .action(async (options) => (await import('./commands/watch.js')).watch(context(), options))
  program
    .command('request')
    .description('ask a peer, and print its reply')
    .argument('<peer>', PEER_HELP)
    .argument('<name>', 'the name of the request, such as echo')
    .argument('[json]', 'what to ask with; - reads it from stdin')
    .action(async (peer, name, json) => (await import('./commands/request.js')).request(context(), peer, name, json))
  program
    .command('put')
    .description('publish a value under a name, for everybody to read')
    .argument('<name>', 'up to 32 bytes; with --plain the value')
    .argument('[value]', 'up to 1,000 bytes; - reads it from stdin')
    .option('-p, --parse', 'the value is JSON, not a text')
    .option(
      '-e, --expect <n>',
      'only in place of number n; 0: only if there is none',
      integer(0, Number.MAX_SAFE_INTEGER),
    )
    .option('--plain', 'a value that never changes, without a name; prints its key')
    .action(async (first, second, options) =>
      (await import('./commands/put.js')).put(context(), first, second, options),
    )
  program
    .command('get')
    .description('print a value that was published')
    .argument('[name]', 'its name')
    .option('-f, --from <peer>', `whose value, this machine's unless told: ${PEER_HELP}`)
    .option('-k, --key <key>', 'its key, instead of the name')
    .action(async (name, options) => (await import('./commands/get.js')).get(context(), name, options))
  const dht = program.command('dht').description('look into the directory')
  dht
    .command('trace')
    .description('look something up, and show each step')
    .argument('<target>', 'a peer, or a key')
    .action(async (target) => (await import('./commands/dht-trace.js')).dhtTrace(context(), target))
  dht
    .command('table')
    .description('whom this machine knows, by how near they are')
    .action(async () => (await import('./commands/dht-table.js')).dhtTable(context()))
  program
    .command('id')
    .description('name and id of this machine')
    .action(async () => (await import('./commands/id.js')).id(context()))
  program
    .command('version')
    .description('versions of pc and of the running daemon')
    .action(async () => (await import('./commands/version.js')).version(context()))
  program
    .command('help')
    .description('how a command is used')
    .argument('[topic]', 'a command, or exit-codes')
    .action((topic: string | undefined) => help(program, io, topic))
  return program
}

const PEER_HELP = 'name, id, or the first characters of an id'

function contextOf(io: Io, options: GlobalOptions): Context {
  const state = options.state === undefined ? undefined : path.resolve(options.state)
  return {
    io,
    screen: new Screen(io, { json: options.json === true, color: options.color }),
    state: state ?? defaultFolders(io.env, io.platform, io.home).state,
    timeoutMs: options.timeout,
  }
}

function help(program: Command, io: Io, topic: string | undefined): void {
  if (topic === 'exit-codes') {
    io.stdout.write(EXIT_CODES_HELP)
    return
  }
  const command = topic === undefined ? program : program.commands.find((candidate) => candidate.name() === topic)
  if (command === undefined) program.error(`error: unknown topic '${topic}'`)
  command.outputHelp()
}

/** Reads an option that is a whole number. */
function integer(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text)
    if (/^\d+$/.test(text) && value >= min && value <= max) return value
    throw new InvalidArgumentError(`Expected a whole number from ${min} to ${max}.`)
  }
}
