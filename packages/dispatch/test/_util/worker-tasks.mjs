/** What the tests run on worker threads. */
import { threadId } from 'node:worker_threads'

const tasks = {
  thread: () => threadId,
  double: ({ number }) => number * 2,
  bytes: ({ bytes }) => [bytes.constructor.name, bytes.length],
  throws: () => {
    throw new RangeError('out of range')
  },
  exit: () => process.exit(3),
  late: () => {
    setTimeout(() => {
      throw new Error('late')
    })
    return new Promise(() => {})
  },
  hoard: () => {
    for (const kept = []; ; ) kept.push(new Array(100_000).fill(0.5))
  },
  uncloneable: () => () => 1,
  /** Says when it runs, and never ends. */
  spin: ({ port }) => {
    port.postMessage('running')
    for (;;);
  },
  /** Says when it runs, and ends when it is told to. */
  wait: ({ port }) => {
    port.postMessage('running')
    return new Promise((resolve) => {
      port.once('message', () => {
        port.close()
        resolve(threadId)
      })
    })
  },
}

export default (input) => tasks[input.task](input)
