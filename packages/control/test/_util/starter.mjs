// One daemon-to-be in a process of its own: at each message it tries to take the folder, and tells how that went.
import { ControlServer } from '@pc/control'

const [folder] = process.argv.slice(2)
process.on('message', async () => {
  try {
    await ControlServer.create({ folder, version: `pid ${process.pid}`, commands: [] })
    process.send('running')
  } catch (error) {
    process.send(error.code ?? String(error))
  }
})
process.send('ready')
