import { describe, expect, it } from 'vitest'
import { stopSignals } from './stop-signals.js'

function listener() {
  const [stop, abrupt] = [new AbortController(), new AbortController()]
  let time = 0
  let exits = 0
  const onSignal = stopSignals({ stop, abrupt, exit: () => (exits += 1), now: () => time })
  const at = (ms: number): { stop: boolean; abrupt: boolean; exits: number } => {
    time = ms
    onSignal()
    return { stop: stop.signal.aborted, abrupt: abrupt.signal.aborted, exits }
  }
  return { at, stop }
}

describe('stop signals', () => {
  it('mean polite, then abrupt, then at once', () => {
    const { at } = listener()
    expect(at(0)).toEqual({ stop: true, abrupt: false, exits: 0 })
    expect(at(1_000)).toEqual({ stop: true, abrupt: true, exits: 0 })
    expect(at(2_000)).toEqual({ stop: true, abrupt: true, exits: 1 })
  })

  it('take one Ctrl-C that the terminal, npm and the root command all deliver for one', () => {
    const { at } = listener()
    at(0)
    expect(at(5)).toMatchObject({ abrupt: false })
    expect(at(60)).toMatchObject({ abrupt: false })
  })

  it('are abrupt at once when the stop was asked for by others', () => {
    const { at, stop } = listener()
    stop.abort()
    expect(at(0)).toMatchObject({ abrupt: true, exits: 0 })
  })
})
