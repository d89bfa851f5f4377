import { describe, expect, it } from 'vitest'
import { controlPath, defaultFolders } from './folders.js'

describe('defaultFolders', () => {
  it('follows the XDG base directories', () => {
    expect(defaultFolders({}, 'linux', '/home/u')).toEqual({
      config: '/home/u/.config/pc',
      state: '/home/u/.local/state/pc',
    })
    expect(defaultFolders({ XDG_CONFIG_HOME: '/c', XDG_STATE_HOME: '/s' }, 'linux', '/home/u')).toEqual({
      config: '/c/pc',
      state: '/s/pc',
    })
  })

  it('ignores XDG paths that are empty or relative, as the specification asks', () => {
    const folders = defaultFolders({ XDG_CONFIG_HOME: '', XDG_STATE_HOME: 'state' }, 'freebsd', '/home/u')
    expect(folders).toEqual({ config: '/home/u/.config/pc', state: '/home/u/.local/state/pc' })
  })

  it('lets PC_CONFIG and PC_STATE win', () => {
    const env = { PC_CONFIG: '/a', PC_STATE: '/b', XDG_STATE_HOME: '/s' }
    expect(defaultFolders(env, 'linux', '/home/u')).toEqual({ config: '/a', state: '/b' })
  })

  it('follows the habits of macOS and Windows', () => {
    expect(defaultFolders({ XDG_STATE_HOME: '/s' }, 'darwin', '/Users/u').state).toBe(
      '/Users/u/Library/Application Support/pc/state',
    )
    expect(defaultFolders({ LOCALAPPDATA: 'C:\\L' }, 'win32', 'C:\\Users\\u')).toEqual({
      config: 'C:\\L\\pc\\config',
      state: 'C:\\L\\pc\\state',
    })
    expect(defaultFolders({}, 'win32', 'C:\\Users\\u').state).toBe('C:\\Users\\u\\AppData\\Local\\pc\\state')
  })
})

describe('controlPath', () => {
  it('is a socket in the folder', () => {
    expect(controlPath('/run/pc', 'linux')).toBe('/run/pc/control.sock')
  })

  it('takes 100 bytes and refuses 101, counted in UTF-8', () => {
    const fits = `/${'x'.repeat(100 - '/'.length - '/control.sock'.length)}`
    expect(Buffer.byteLength(controlPath(fits, 'linux'))).toBe(100)
    const refused = expect.objectContaining({ code: 'PATH_TOO_LONG', message: expect.stringContaining('PC_STATE') })
    expect(() => controlPath(`${fits}x`, 'linux')).toThrow(refused)
    expect(() => controlPath(`/${'ä'.repeat(44)}`, 'linux')).toThrow(refused)
  })

  it('is a pipe named after the folder on Windows', () => {
    const pipe = controlPath('C:\\Users\\u\\pc', 'win32')
    expect(pipe).toMatch(/^\\\\\.\\pipe\\pc-[0-9a-f]{16}$/)
    expect(controlPath('c:\\users\\U\\pc', 'win32')).toBe(pipe)
    expect(controlPath('C:\\Users\\v\\pc', 'win32')).not.toBe(pipe)
  })
})
