import type { Value } from '@pc/control/client'
import { type Context, withDaemon } from '../context.js'
import { Fields } from '../fields.js'
import { duration } from '../times.js'

export async function ping(
  context: Context,
  peer: string,
  options: { count: number; interval?: number },
): Promise<void> {
  const { screen, io, timeoutMs } = context
  const times: number[] = []
  await withDaemon(context, async (client) => {
    const args: { [key: string]: Value } = { peer, count: options.count }
    if (options.interval !== undefined) args.intervalMs = options.interval
    const deadline = timeoutMs === undefined ? {} : { timeoutMs }
    for await (const item of client.stream('ping', args, { signal: io.signal, ...deadline })) {
      const echo = new Fields(item)
      times.push(echo.number('roundTripMs') ?? 0)
      if (screen.json) screen.document('pc.ping/1', echo.all)
      else
        screen.line(
          `${echo.text('path')}  ${echo.text('address')}  #${echo.number('sequence') ?? '?'}  ${duration(times.at(-1) ?? 0)}`,
        )
    }
  })
  if (times.length > 1) screen.say(summary(times))
}

function summary(times: readonly number[]): string {
  const mean = times.reduce((sum, time) => sum + time, 0) / times.length
  return `${times.length} answers: fastest ${duration(Math.min(...times))}, mean ${duration(mean)}, slowest ${duration(Math.max(...times))}`
}
