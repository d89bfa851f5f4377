import { createHash } from 'node:crypto'
import path from 'node:path'
import { ControlError } from './errors.js'

/**
 * Longest path of a socket in bytes. The kernels allow 103 (macOS) to 107 (Linux) and cut or refuse longer ones; three
 * are kept for the temporary names of {@link takeSocket}.
 */
const MAX_PATH_BYTES = 100

/** Where the daemon of `folder` listens: `<folder>/control.sock`, on Windows a named pipe. @throws ControlError PATH_TOO_LONG */
export function controlPath(folder: string, platform: NodeJS.Platform = process.platform): string {
  if (platform === 'win32') return pipePath(path.win32.resolve(folder))
  const socket = path.join(path.resolve(folder), 'control.sock')
  const length = Buffer.byteLength(socket)
  if (length <= MAX_PATH_BYTES) return socket
  throw new ControlError(
    'PATH_TOO_LONG',
    `the path of the control socket may have ${MAX_PATH_BYTES} bytes, this one has ${length}: ${socket}; choose a shorter state folder (PC_STATE, or --state)`,
    { details: { path: socket, length, limit: MAX_PATH_BYTES } },
  )
}

export interface Folders {
  /** Files a person edits. */
  readonly config: string
  /** Identity, control socket and log of the daemon; nobody else's business. */
  readonly state: string
}

/**
 * The folders of one person on this machine. `PC_CONFIG` and `PC_STATE` win; then the platform's habit: the XDG base
 * directories, `~/Library/Application Support` on macOS, `%LOCALAPPDATA%` on Windows. Pure; makes nothing.
 * A relative XDG path is ignored, as its specification asks (https://specifications.freedesktop.org/basedir-spec/).
 */
export function defaultFolders(
  env: Readonly<Record<string, string | undefined>>,
  platform: NodeJS.Platform,
  home: string,
): Folders {
  const habit = habitOf(env, platform, home)
  const { resolve } = platform === 'win32' ? path.win32 : path.posix
  return {
    config: env.PC_CONFIG ? resolve(env.PC_CONFIG) : habit.config,
    state: env.PC_STATE ? resolve(env.PC_STATE) : habit.state,
  }
}

function habitOf(env: Readonly<Record<string, string | undefined>>, platform: NodeJS.Platform, home: string): Folders {
  if (platform === 'win32') {
    const { join } = path.win32
    const local = env.LOCALAPPDATA || join(home, 'AppData', 'Local')
    return { config: join(local, 'pc', 'config'), state: join(local, 'pc', 'state') }
  }
  const { join, isAbsolute } = path.posix
  if (platform === 'darwin') {
    const support = join(home, 'Library', 'Application Support', 'pc')
    return { config: join(support, 'config'), state: join(support, 'state') }
  }
  const xdg = (value: string | undefined, fallback: string): string =>
    join(value && isAbsolute(value) ? value : join(home, fallback), 'pc')
  return { config: xdg(env.XDG_CONFIG_HOME, '.config'), state: xdg(env.XDG_STATE_HOME, '.local/state') }
}

/** Pipes have no folders: the hash keeps two state folders apart and hides the user's name. */
function pipePath(folder: string): string {
  return `\\\\.\\pipe\\pc-${createHash('sha256').update(folder.toLowerCase()).digest('hex').slice(0, 16)}`
}
