/**
 * What a run leaves behind for the checkers: plain records of what peers were asked, told, stored and saw. Times are virtual ms.
 * A life is one process of a machine, from its start to its end: `anna#2` is the second one of anna.
 */

export type Outcome =
  /** Nothing was heard yet. */
  | 'pending'
  /** A message: acknowledged. A request or ping: answered. */
  | 'done'
  /** Rejected with a code, or with the reason of our own signal. */
  | { readonly rejected: string | undefined }

/** A message, request or ping, as its sender sees it. */
export interface Attempt {
  readonly kind: 'message' | 'request' | 'ping'
  /** Unique in the run, rising in the order of the calls. */
  readonly number: number
  readonly from: string
  readonly to: string
  readonly at: number
  /** What it was given to settle, on its sender's clock. */
  readonly timeoutMs: number
  outcome: Outcome
  settledAt?: number
  /** By the sender's own clock, which stands still while the machine sleeps. */
  tookMs?: number
  /** A request whose answer was not the one for it. */
  wrongAnswer?: string
}

/** What a receiver wrote down when it took a message. */
export interface Stored {
  readonly by: string
  readonly at: number
  readonly id: string
  /** The machine whose key was proved. */
  readonly provedFrom: string
  /** What the payload says. */
  readonly claims: { readonly from: string; readonly to: string; readonly number: number }
}

/** A call of a request's handler. */
export interface Execution {
  readonly by: string
  readonly at: number
  readonly provedFrom: string
  readonly claims: { readonly from: string; readonly to: string; readonly number: number }
}

export type PresenceKind = 'known' | 'up' | 'checking' | 'offline' | 'back' | 'forgotten'

/** A verdict of one peer about another. `known` is where its events begin. */
export interface Presence {
  readonly by: string
  readonly about: string
  readonly at: number
  readonly kind: PresenceKind
  /** With `known`: the state at that moment. */
  readonly state?: 'online' | 'checking' | 'offline'
}

/** How much a peer holds at a moment, and how much it may hold. */
export interface Load {
  readonly by: string
  readonly at: number
  readonly what: string
  readonly value: number
  readonly limit: number
}

/** Something a peer shows about another: whose key and name, and where. */
export interface Shown {
  readonly by: string
  readonly at: number
  readonly id: string
  readonly name: string
}

export interface History {
  readonly attempts: readonly Attempt[]
  readonly stored: readonly Stored[]
  /** Ids of what the inboxes of living peers hold in the end, in their order; absent where messages were dropped. */
  readonly inboxes: ReadonlyMap<string, readonly string[]>
  readonly executions: readonly Execution[]
  readonly presence: readonly Presence[]
  readonly loads: readonly Load[]
  readonly shown: readonly Shown[]
  /** Real keys and names: id in text to machine. */
  readonly ids: ReadonlyMap<string, string>
  /** Lives that were cut off by a crash: what they were told later nobody knows. */
  readonly cutOff: ReadonlySet<string>
  /** Longest time each life stood still, ms: by so much its timers may be late. */
  readonly stalledMs: ReadonlyMap<string, number>
}

/** `anna` of `anna#2`. */
export function machineOf(life: string): string {
  return life.slice(0, life.lastIndexOf('#'))
}

/** For tests of checkers, and to fill in. */
export function emptyHistory(): History {
  return {
    attempts: [],
    stored: [],
    inboxes: new Map(),
    executions: [],
    presence: [],
    loads: [],
    shown: [],
    ids: new Map(),
    cutOff: new Set(),
    stalledMs: new Map(),
  }
}
