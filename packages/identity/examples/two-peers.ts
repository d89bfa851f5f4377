import { createIdentity, openNetwork, PeerId, readPeerRecord, signPeerRecord, verifySignature } from '@pc/identity'

// A program that lives longer than this one uses: await openIdentity('/path/to/identity.pem')
const anna = createIdentity()
console.log(`anna is ${anna.id}, for people ${anna.id.short}`)

// Anna describes herself; Ben, who got the bytes from anybody at all, knows that nobody changed them.
const addresses = [{ host: '192.168.1.20', port: 3485 }]
const { bytes } = signPeerRecord(anna, { sequence: Date.now(), name: 'anna', addresses, capabilities: [] })
const record = readPeerRecord(bytes)
console.log(
  `${record.name} (${record.id.short}) listens on ${record.addresses[0]?.host}: ${bytes.length} bytes, signed`,
)

const text = new TextEncoder().encode('the printer is free')
const signature = anna.sign('example/notice', text)
console.log('signed by anna:', verifySignature(PeerId.parse(`${anna.id}`), 'example/notice', text, signature))
console.log('under another domain:', verifySignature(anna.id, 'example/order', text, signature))
console.log('network key id:', openNetwork('office').keyId)
