import { type Context, DEFAULT_TIMEOUT_MS, withDaemon } from '../context.js'
import { Fields } from '../fields.js'
import { plural } from '../plural.js'
import { duration } from '../times.js'

export async function status(context: Context): Promise<void> {
  const { screen, io, timeoutMs = DEFAULT_TIMEOUT_MS } = context
  const answer = await withDaemon(context, (client) => client.call('status', {}, { signal: io.signal, timeoutMs }))
  const fields = new Fields(answer)
  if (screen.json) {
    screen.document('pc.status/1', fields.all)
    return
  }
  const row = (label: string, value: string): void => screen.line(`${screen.paint('dim', label.padEnd(10))}  ${value}`)
  row('name', `${screen.paint('bold', fields.text('name'))}  ${fields.text('shortId')}`)
  row('id', fields.text('id'))
  row('network', fields.text('network'))
  row('daemon', daemonLine(fields))
  row('addresses', fields.texts('addresses').join('  ') || 'none: no other machine can reach this one')
  for (const [index, item] of fields.list('interfaces').entries())
    row(index === 0 ? 'interfaces' : '', interfaceLine(item))
  const start = fields.list('phases').map(phaseText).join(', ')
  if (start !== '') row('start', start)
  const peers = fields.fields('peers')
  row('peers', `${peers.number('online') ?? 0} online, ${peers.number('offline') ?? 0} offline`)
  const directory = fields.fields('directory')
  const contacts = directory.number('contacts')
  if (contacts !== undefined) {
    const [records = 0, listed = 0] = [directory.number('records'), directory.number('listed')]
    row(
      'directory',
      `${plural(contacts, 'contact')}, holds ${plural(records, 'record')}, lists ${plural(listed, 'peer')}`,
    )
  }
  row('inbox', plural(fields.fields('inbox').number('size') ?? 0, 'message'))
}

function daemonLine(fields: Fields): string {
  const up = fields.number('uptimeMs')
  const parts = [`version ${fields.text('version')}`, `pid ${fields.number('pid') ?? '?'}`]
  if (up !== undefined) parts.push(`up ${duration(up)}`)
  return parts.join(', ')
}

function interfaceLine(item: Fields): string {
  const error = item.text('error')
  const counts = `sent ${item.number('sent') ?? 0}, heard ${item.number('heard') ?? 0}`
  return `${item.text('name')} ${item.text('address')}  ${counts}${error === '' ? '' : `  ${error}`}`
}

function phaseText(phase: Fields): string {
  const ms = phase.number('ms')
  const state = phase.text('state')
  const error = phase.text('error')
  const parts = [phase.text('name')]
  if (state !== 'done') parts.push(state)
  if (ms !== undefined) parts.push(duration(ms))
  if (error !== '') parts.push(`(${error})`)
  return parts.join(' ')
}
