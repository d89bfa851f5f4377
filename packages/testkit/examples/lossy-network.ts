import { SeededRandom, SimulatedNetwork, VirtualClock } from '@pc/testkit'

const clock = new VirtualClock()
const random = new SeededRandom('example')
const network = new SimulatedNetwork<string>({ clock, random, loss: 0.3 })
const anna = network.host({ id: 'anna', address: '10.0.0.1' })
const ben = network.host({ id: 'ben', address: '10.0.0.2' })

let received = 0
await ben.bind({ host: ben.address, port: 7000 }, () => received++)
const socket = await anna.bind({ host: anna.address, port: 0 }, () => {})
for (let n = 0; n < 100; n++) await socket.send(Uint8Array.of(n), { host: ben.address, port: 7000 })
await clock.advance(1_000)
console.log(`${received} of 100 datagrams arrived; the same seed always gives the same number`)

network.powerOff(ben)
const dial = anna.connect({ host: ben.address, port: 7000 }).catch((error) => error.code)
await clock.advance(5_000)
console.log(`${await dial} after 5 virtual seconds`)
