/** What the tests of the dispatcher share. */
import { type Authorize, type DispatchError, Dispatcher, type DispatcherOptions } from '@pc/dispatch'

export interface TestEvent {
  readonly peer: never
  readonly header: string
  readonly body: number
}

const openOnly: Authorize = ({ access }) => access === 'anyone'

/** Lets everybody reach handlers of access `anyone`, and nobody others. */
export function createDispatcher<Result = number>(
  options: Partial<DispatcherOptions> = {},
): Dispatcher<TestEvent, Result> {
  return new Dispatcher<TestEvent, Result>({ verb: 'request', authorize: openOnly, ...options })
}

export function event(header: string, body = 0): TestEvent {
  return { peer: 'somebody' as never, header, body }
}

/** The code that a promise rejects with, or what it resolves with. */
export function outcome(promise: Promise<unknown>): Promise<unknown> {
  return promise.catch((error: DispatchError) => error.code ?? error)
}

/** Handlers that wait here in order of their start, until the test lets one go on. */
export class Gates {
  readonly started: number[] = []
  readonly #open = new Map<number, (result: number) => void>()

  /** A handler that waits for `open` with the body of its event. */
  readonly wait = ({ body }: TestEvent): Promise<number> => {
    this.started.push(body)
    return new Promise((resolve) => this.#open.set(body, resolve))
  }

  async open(...bodies: number[]): Promise<void> {
    for (const body of bodies) {
      const open = this.#open.get(body)
      if (open === undefined) throw new Error(`the event ${body} has not started`)
      this.#open.delete(body)
      open(body)
      await settled()
    }
  }
}

/** After everything that needs no timer has happened. */
export function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
