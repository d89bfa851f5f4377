import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ArgumentReader, type Command, ControlClient, ControlServer } from '@pc/control'

const count: Command<number, number> = {
  name: 'count',
  summary: 'Counts to a number.',
  parse: (args) => new ArgumentReader(args).integer('to', { min: 1, max: 1_000 }),
  async *run(to) {
    for (let number = 1; number <= to; number++) yield number
  },
}

const folder = await mkdtemp(join(tmpdir(), 'pc-'))
await using daemon = await ControlServer.create({ folder, version: 'demo/1.0', commands: [count] })
await using client = await ControlClient.connect({ folder })
console.log(`${client.daemonVersion} listens at ${daemon.path}`)
for await (const number of client.stream('count', { to: 3 })) console.log(number)
