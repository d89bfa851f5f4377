/** `put`, `get`: values of the directory. */
import { type AnyCommand, ArgumentReader, type Command, ControlError } from '@pc/control'
import type { DhtEntry, DhtRef, Peer } from '@pc/peer'
import type { Value } from '@pc/wire'
import { toJsonValue } from '../json.js'
import type { CommandDependencies } from './dependencies.js'
import { explained } from './errors.js'

export function dhtCommands({ peer }: CommandDependencies): readonly AnyCommand[] {
  return [putCommand(peer), getCommand(peer)]
}

interface PutArguments {
  /** Undefined: under the hash of the value. */
  readonly name: string | undefined
  readonly value: Value
  readonly expected: number | undefined
}

function putCommand(peer: Promise<Peer>): Command<PutArguments, Value> {
  return {
    name: 'put',
    summary: 'Publishes a value in the directory: under a name, or without one under its own hash.',
    parse: (args) => {
      const reader = new ArgumentReader(args)
      const value = reader.value('value')
      const parsed = { name: reader.optionalText('name'), expected: reader.optionalInteger('expected') }
      reader.done()
      if (value === undefined) throw new ControlError('BAD_ARGUMENTS', 'argument value is missing: expected any value')
      return { ...parsed, value }
    },
    run: async ({ name, value, expected }, { signal }) => {
      const { dht } = await peer
      return explained(async () => {
        if (name === undefined) return { ...(await dht.putPlain(value, { signal })) }
        const options = expected === undefined ? { signal } : { signal, expectedSequence: expected }
        return { name, ...(await dht.put(name, value, options)) }
      })
    },
  }
}

function getCommand(peer: Promise<Peer>): Command<DhtRef, Value> {
  return {
    name: 'get',
    summary: 'A value of the directory: by name and author (this peer unless told), or by key.',
    parse: (args) => {
      const reader = new ArgumentReader(args)
      const name = reader.optionalText('name')
      const from = reader.optionalText('from')
      const key = reader.optionalText('key')
      reader.done()
      if ((name === undefined) === (key === undefined)) {
        throw new ControlError('BAD_ARGUMENTS', 'expected either a name or a key')
      }
      return name === undefined ? { key: key ?? '' } : { name, ...(from === undefined ? {} : { from }) }
    },
    run: async (ref, { signal }) => {
      const self = await peer
      return explained(async () => entryView(await self.dht.get(ref, { signal })))
    },
  }
}

function entryView({ key, value, author, name, sequence }: DhtEntry): Value {
  return {
    key,
    value: toJsonValue(value),
    author: author?.toString() ?? null,
    name: name ?? null,
    sequence: sequence ?? null,
  }
}
