import type { Socket } from 'node:net'
import type { Admission, AdmissionFault, AdmissionStep } from './admission.js'

/**
 * Lets `admission` talk over `socket`. `done` is called once, in the turn in which it is decided; from then on nothing here reads the
 * socket, and nothing that came in is left in it, so TLS may take it over in that same turn. It is not called when the socket
 * closes before: whoever owns it sees that by itself.
 */
export function exchangeAdmission(
  socket: Socket,
  admission: Admission,
  done: (fault: AdmissionFault | undefined) => void,
): void {
  const perform = (step: AdmissionStep): boolean => {
    if (step.type !== 'refused' && step.send.length > 0) socket.write(step.send)
    if (step.type === 'wait') return false
    socket.off('readable', onReadable)
    socket.off('close', onClose)
    done(step.type === 'refused' ? step.fault : undefined)
    return true
  }
  // Everything that is there: more than what was asked for is a fault, and must be seen.
  const onReadable = (): void => {
    for (let chunk = socket.read(); chunk !== null; chunk = socket.read()) {
      if (perform(admission.receive(chunk))) return
    }
  }
  const onClose = (): void => admission.end()
  socket.once('close', onClose)
  // Node reads by itself now, one chunk ahead at most.
  socket.on('readable', onReadable)
  perform(admission.start())
}
