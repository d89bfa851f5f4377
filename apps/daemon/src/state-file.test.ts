import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { silentLogger } from '@pc/transport'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readState, writeState } from './state-file.js'

let folder = ''
let file = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pcd-state-'))
  file = join(folder, 'state.json')
})
afterEach(() => rmSync(folder, { recursive: true }))

describe('the state file', () => {
  it('is empty the first time, and comes back as it was written', () => {
    expect(readState(file, silentLogger)).toEqual({ version: 1, names: {} })
    writeState(file, { version: 1, names: { anna: 'id' } })
    expect(readState(file, silentLogger).names).toEqual({ anna: 'id' })
    expect(statSync(file).mode & 0o777).toBe(0o600)
  })

  it.each([
    '',
    '{',
    '{"version":2,"names":{}}',
    '{"version":1,"names":[1]}',
    '{"version":1,"names":{},"gossipBoot":-1}',
  ])('moves %j aside and starts anew', (text) => {
    writeFileSync(file, text)
    expect(readState(file, silentLogger)).toEqual({ version: 1, names: {} })
    expect(readdirSync(folder)).toEqual([expect.stringMatching(/^state\.json\.damaged-/)])
  })
})
