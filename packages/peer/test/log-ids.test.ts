/** Whole peers on a network in memory: what their logs say of peers. */
import { inspect } from 'node:util'
import { createIdentity, createIdMask, type Identity } from '@pc/identity'
import { createTestLogger, type TestLogger } from '@pc/testkit'
import { MemoryNetwork } from '@pc/transport'
import { afterEach, describe, expect, it } from 'vitest'
import { createPeer, type Peer, type PeerOptions } from '../src/index.js'

const PORT = 4_000
const [ANNA, BEN, CAROL] = ['10.0.0.1', '10.0.0.2', '10.0.0.2'] as const
const open: Peer[] = []

afterEach(async () => {
  await Promise.all(open.splice(0).map((peer) => peer.close()))
})

/** Two peers meet and talk; then somebody else has the address of one of them. */
async function play(
  options: Partial<PeerOptions>,
): Promise<{ ids: Identity['id'][]; logs: TestLogger[]; refusal: unknown }> {
  const network = new MemoryNetwork()
  const identities = [createIdentity(), createIdentity(), createIdentity()] as const
  const logs: TestLogger[] = []
  const start = async (identity: Identity, host: string, more: Partial<PeerOptions> = {}): Promise<Peer> => {
    const logger = createTestLogger()
    logs.push(logger)
    const mac = '02:00:00:00:00:01'
    const netmask = '255.255.255.0'
    const eth0 = { address: host, netmask, mac, internal: false, family: 'IPv4', cidr: `${host}/24` } as const
    const protocol = { ...network.protocol(identity.id, host), interfaces: () => ({ eth0: [eth0] }) }
    const peer = await createPeer({ identity, protocol, ports: [PORT], logger, ...options, ...more })
    open.push(peer)
    return peer
  }
  const anna = await start(identities[0], ANNA)
  const met = anna.events()
  const ben = await start(identities[1], BEN)
  for await (const event of met) if (event.type === 'up') break
  await (await anna.sendText(ben.id, 'hello')).acknowledged
  await expect(anna.request(ben.id, 'nothing/here', null)).rejects.toMatchObject({ code: 'NO_HANDLER' })
  const left = anna.events()
  await ben.close()
  for await (const event of left) if (event.type === 'offline') break
  await start(identities[2], CAROL, { discovery: false })
  const refusal = await anna.sendText(ben.id, 'still there?').then(
    async (receipt) => receipt.acknowledged,
    (error: unknown) => error,
  )
  await Promise.all(open.splice(0).map((peer) => peer.close()))
  return { ids: identities.map(({ id }) => id), logs, refusal }
}

/** Everything that a line holds, hidden members included, in every form. */
function textOf({ lines }: TestLogger): string {
  return lines.map((line) => `${inspect(line, { depth: 20, showHidden: true })}\n${JSON.stringify(line)}`).join('\n')
}

function formsOf(id: Identity['id']): string[] {
  const bytes = Buffer.from(id.bytes)
  const listed = [
    [...bytes].join(','),
    JSON.stringify(Uint8Array.from(bytes)).slice(1, -1),
    inspect(Uint8Array.from(bytes)),
  ]
  return [
    id.toString(),
    id.short,
    bytes.toString('hex'),
    bytes.toString('base64'),
    bytes.toString('base64url'),
    ...listed,
  ]
}

describe('the log of a peer', () => {
  it('names no id in any form, and tells peers apart all the same', async () => {
    const logKey = new Uint8Array(32).fill(5)
    const { ids, logs, refusal } = await play({ logKey })
    const [anna, ben] = ids as [Identity['id'], Identity['id']]
    const texts = logs.map(textOf)
    for (const text of texts) {
      for (const form of ids.flatMap(formsOf)) expect(text).not.toContain(form)
    }
    const mask = createIdMask({ key: logKey })
    expect(texts[0]).toContain(mask.of(ben))
    expect(texts[1]).toContain(mask.of(anna))
    expect(texts[0]).toMatch(new RegExp(`Expected ${mask.of(ben)} at .*, but id-`))
    // What callers get stays as it is.
    expect(inspect(refusal, { depth: 20 })).toContain(ben.short)
  })

  it('has other masks after the next start', async () => {
    const { ids, logs } = await play({})
    const text = textOf(logs[0] as TestLogger)
    for (const form of ids.flatMap(formsOf)) expect(text).not.toContain(form)
    expect(text).toMatch(/id-[0-9a-f]{12}/)
    expect(text).not.toContain(createIdMask({ key: new Uint8Array(32).fill(5) }).of(ids[1] as Identity['id']))
  })

  it('has ids in full where they are wanted', async () => {
    const { ids, logs } = await play({ logIds: 'full' })
    const text = textOf(logs[0] as TestLogger)
    const [, ben, carol] = ids as [Identity['id'], Identity['id'], Identity['id']]
    expect(text).toContain(`"peer":"${ben}"`)
    expect(text).toContain(`Expected ${ben.short} at`)
    expect(text).toContain(`but ${carol.short} answered`)
    expect(text).not.toMatch(/id-[0-9a-f]{12}/)
  })

  it.each([{ logIds: 'none' as never }, { logKey: new Uint8Array(15) }, { logKey: 'sixteen letters!' as never }])(
    'refuses %j',
    async (options) => {
      const identity = createIdentity()
      await expect(createPeer({ identity, ...options })).rejects.toMatchObject({ code: 'BAD_OPTIONS' })
    },
  )
})
