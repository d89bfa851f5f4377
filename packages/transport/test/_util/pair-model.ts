import type { PairEffect, PairInput } from '../../src/pair-state.js'
import { PairState } from '../../src/pair-state.js'

/**
 * Two peers, the streams between them, and everything that can happen next: enough of the world to walk through all orders.
 * Streams keep order; between streams, and between the two directions of one, any order is possible.
 */

export type Side = 0 | 1 // 0 is the peer with the smaller id

/** What travels. `reset` ends a stream, whatever was still on the way. */
type Item = { is: 'hello' | 'goaway' | 'end' | 'reset' } | { is: 'ping' | 'pong' | 'app'; number: number }

export interface StreamSpec {
  readonly dialler: Side
  /** Items on the way to each side at the start; HELLO both ways if not given. */
  readonly towards?: readonly [readonly Item[], readonly Item[]]
}

export interface Scenario {
  readonly streams: readonly StreamSpec[]
  /** Application frames that each side sends, one by one, whenever it can. */
  readonly frames: number
  /** How many streams may break, at any moment. */
  readonly breaks: number
}

interface StreamState {
  readonly dialler: Side
  /** What is on the way to each side. */
  readonly queues: [Item[], Item[]]
  /** The number of the link at each side, once HELLO has come. */
  readonly links: [number, number]
  readonly sealed: [boolean, boolean]
  readonly endSent: [boolean, boolean]
  readonly gone: [boolean, boolean]
}

interface SideState {
  readonly log: PairInput[]
  sent: number
  readonly received: number[]
  readonly held: { link: number; frame: number }[]
  links: number
  down: boolean
}

export interface World {
  readonly streams: StreamState[]
  readonly sides: [SideState, SideState]
  breaksLeft: number
}

export type Step =
  | { do: 'deliver'; stream: number; to: Side }
  | { do: 'send'; from: Side }
  | { do: 'break'; stream: number; at: Side }

export function startOf(scenario: Scenario): World {
  const dials = (side: Side): boolean => scenario.streams.some(({ dialler }) => dialler === side)
  return {
    streams: scenario.streams.map(({ dialler, towards }) => ({
      dialler,
      queues: [[...(towards?.[0] ?? [{ is: 'hello' as const }])], [...(towards?.[1] ?? [{ is: 'hello' as const }])]],
      links: [0, 0],
      sealed: [false, false],
      endSent: [false, false],
      gone: [false, false],
    })),
    sides: [emptySide(dials(0)), emptySide(dials(1))],
    breaksLeft: scenario.breaks,
  }
}

export function stepsOf(world: World, scenario: Scenario): Step[] {
  const steps: Step[] = []
  for (const [stream, { queues, gone }] of world.streams.entries()) {
    for (const to of [0, 1] as const) {
      if (queues[to].length > 0) steps.push({ do: 'deliver', stream, to })
      if (world.breaksLeft > 0 && !gone[to]) steps.push({ do: 'break', stream, at: to })
    }
  }
  for (const from of [0, 1] as const) {
    const side = world.sides[from]
    if (side.sent < scenario.frames && stateOf(world, from).current !== undefined) steps.push({ do: 'send', from })
  }
  return steps
}

/** The world after `step`; the one given stays as it is. */
export function take(before: World, step: Step): World {
  const world = structuredClone(before)
  if (step.do === 'send') {
    const side = world.sides[step.from]
    const link = stateOf(world, step.from).current
    const stream = world.streams.find(({ links, gone }) => links[step.from] === link && !gone[step.from])
    if (stream === undefined || stream.sealed[step.from]) throw new Error('the current connection cannot be sent over')
    push(stream, step.from, { is: 'app', number: side.sent })
    side.sent += 1
    return world
  }
  const stream = world.streams[step.stream] as StreamState
  if (step.do === 'break') {
    world.breaksLeft -= 1
    breakAt(world, stream, step.at)
    return world
  }
  const item = stream.queues[step.to].shift()
  if (item !== undefined && !stream.gone[step.to]) receive(world, stream, step.to, item)
  return world
}

export function stateOf(world: World, side: Side): PairState {
  const state = new PairState(side === 0)
  for (const input of world.sides[side].log) state.handle(input)
  return state
}

/** Which streams a side has that have not ended, by position. */
export function openStreams(world: World, side: Side): number[] {
  const open: number[] = []
  for (const [index, { links, gone }] of world.streams.entries()) if (links[side] > 0 && !gone[side]) open.push(index)
  return open
}

function emptySide(dials: boolean): SideState {
  return { log: dials ? [{ type: 'dial-started' }] : [], sent: 0, received: [], held: [], links: 0, down: false }
}

function other(side: Side): Side {
  return side === 0 ? 1 : 0
}

function push(stream: StreamState, from: Side, item: Item): void {
  if (!stream.endSent[from] && !stream.gone[other(from)]) stream.queues[other(from)].push(item)
}

function receive(world: World, stream: StreamState, to: Side, item: Item): void {
  const side = world.sides[to]
  const link = stream.links[to]
  switch (item.is) {
    case 'hello':
      // What belonged to a pair that has ended: the connector cuts it (the numbers of HELLO tell).
      if (side.down) {
        breakAt(world, stream, to)
        break
      }
      side.links += 1
      stream.links[to] = side.links
      feed(world, to, { type: 'established', link: side.links, dialledHere: stream.dialler === to })
      break
    case 'ping':
      if (!stream.sealed[to]) push(stream, to, { is: 'pong', number: item.number })
      break
    case 'pong':
      feed(world, to, { type: 'pong', link, probe: item.number })
      break
    case 'goaway':
      feed(world, to, { type: 'goaway', link, code: 'DUPLICATE' })
      break
    case 'app':
      if (side.down) break
      if (stateOf(world, to).holds(link)) side.held.push({ link, frame: item.number })
      else side.received.push(item.number)
      break
    case 'end':
      end(stream, to)
      goneAt(world, stream, to)
      break
    default:
      goneAt(world, stream, to)
  }
}

function feed(world: World, side: Side, input: PairInput): void {
  const state = stateOf(world, side)
  world.sides[side].log.push(input)
  for (const effect of state.handle(input)) perform(world, side, effect)
}

function perform(world: World, at: Side, effect: PairEffect): void {
  if (effect.type === 'use') return
  const side = world.sides[at]
  if (effect.type === 'down') {
    side.down = true
    side.held.length = 0
    for (const { links, gone, endSent } of world.streams) {
      if (links[at] > 0 && !gone[at] && !endSent[at]) breakAt(world, streamOf(world, at, links[at]), at)
    }
    return
  }
  if (effect.type === 'release') {
    for (const { link, frame } of side.held.splice(0)) {
      if (link === effect.link) side.received.push(frame)
      else side.held.push({ link, frame })
    }
    return
  }
  const stream = streamOf(world, at, effect.link)
  if (effect.type === 'probe') {
    push(stream, at, { is: 'ping', number: effect.probe })
    return
  }
  if (effect.type !== 'finish' && !stream.sealed[at]) push(stream, at, { is: 'goaway' })
  stream.sealed[at] = true
  if (effect.type !== 'retire') end(stream, at)
}

function streamOf(world: World, side: Side, link: number): StreamState {
  const stream = world.streams.find(({ links }) => links[side] === link)
  if (stream === undefined) throw new Error(`no stream has the link ${link}`)
  return stream
}

function end(stream: StreamState, from: Side): void {
  push(stream, from, { is: 'end' })
  stream.endSent[from] = true
}

function goneAt(world: World, stream: StreamState, at: Side): void {
  if (stream.gone[at]) return
  stream.gone[at] = true
  stream.queues[at].length = 0
  if (stream.links[at] > 0) feed(world, at, { type: 'ended', link: stream.links[at] })
  else if (stream.dialler === at) feed(world, at, { type: 'dial-lost' })
}

/** One side gives up, or notices first: what is on the way is lost, and the other side hears of it some time. */
function breakAt(world: World, stream: StreamState, at: Side): void {
  stream.endSent[at] = true
  const there = other(at)
  if (!stream.gone[there]) stream.queues[there] = [{ is: 'reset' }]
  goneAt(world, stream, at)
}
