#!/usr/bin/env node
/** pc: the process around `run`. */
import { homedir } from 'node:os'
import { Interruption, type Io, type Output } from './io.js'
import { run } from './run.js'

const interruption = new AbortController()

for (const name of ['SIGINT', 'SIGTERM'] as const) {
  process.on(name, () => {
    // The second one does not ask: something hangs.
    if (interruption.signal.aborted) process.exit(name === 'SIGINT' ? 130 : 143)
    interruption.abort(new Interruption(name))
  })
}

for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
    interruption.abort(new Interruption('CLOSED'))
  })
}

const io: Io = {
  stdin: process.stdin,
  stdout: output(process.stdout),
  stderr: output(process.stderr),
  env: process.env,
  platform: process.platform,
  home: homedir(),
  now: () => Date.now(),
  signal: interruption.signal,
  startDaemon: async (options) => (await import('./start-daemon.js')).startDaemonProcess(options),
}

process.exitCode = await run(process.argv.slice(2), io)

function output(stream: NodeJS.WriteStream): Output {
  return { write: (text) => void stream.write(text), isTTY: stream.isTTY === true }
}
