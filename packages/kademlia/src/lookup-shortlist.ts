/**
 * The candidates of one path of a lookup, nearest to the target first. Bounded: when it is full the farthest is dropped; failed ones
 * do not count, and stay so that nobody is asked again at an address where he was not.
 *
 * Hints are claims of strangers, and a peer must not become unreachable because somebody was first to hint at a wrong address of his. So
 * a key may be here twice: the address that was told first, our own table before all hints, and another one that is tried as soon as the
 * first is slow or has failed. Which one, if there are several, the majority of those who hinted at the peer since decides.
 */
import type { Contact } from './contact.js'
import { atSameAddress, type Candidate, candidateOf, compareCandidate, leadingDistance } from './lookup-candidate.js'
import type { Position } from './position.js'

export class Shortlist {
  readonly #target: Position
  readonly #size: number
  readonly #perAddress: number
  readonly #list: Candidate[] = []
  /** Candidates that have not failed, by host. */
  readonly #hosts = new Map<string, number>()
  #failed = 0

  constructor(target: Position, size: number, perAddress: number) {
    this.#target = target
    this.#size = size
    this.#perAddress = perAddress
  }

  /** Nearest first; the same peer's second address right after its first. Not to be written to, and changed by all methods. */
  get candidates(): readonly Candidate[] {
    return this.#list
  }

  /** Takes a hint, or a contact of our own table if there is no informer. Whether it is nearer than all that were there. */
  add(contact: Contact, informer: Candidate | undefined): boolean {
    const distance = leadingDistance(this.#target, contact.position)
    const last = this.#list[this.#list.length - 1]
    if (last !== undefined && distance > last.distance && this.#full) return false
    const index = this.#indexOf(contact, distance)
    const there = this.#list[index]
    if (there?.contact.key === contact.key) {
      if (!atSameAddress(there.contact, contact)) this.#addRival(there, index, contact, informer)
      return false
    }
    return this.#insert(index, candidateOf(contact, distance, informer, undefined)) && index === 0
  }

  /** Puts the candidate of another path, which has asked that peer, in the place of the own one. The own addresses of it stay. */
  replace(index: number, known: Candidate): void {
    const own = this.#remove(index)
    const rival = this.#list[index]?.first === own ? this.#remove(index) : undefined
    this.#list.splice(index, 0, known)
    if (known.state === 'failed') this.#failed++
    else this.#count(known, 1)
    for (const each of [own, rival]) {
      if (each === undefined || atSameAddress(each.contact, known.contact)) continue
      this.#addRival(known, index, each.contact, each.informer)
    }
  }

  /** Drops a candidate that is not to be asked. */
  drop(index: number): void {
    this.#remove(index)
  }

  /** It has failed, whoever asked it: there is room for another one. */
  failed(candidate: Candidate): void {
    const index = this.#indexOf(candidate.contact, candidate.distance)
    if (this.#list[index] !== candidate && this.#list[index + 1] !== candidate) return
    this.#count(candidate, -1)
    this.#failed++
  }

  get #full(): boolean {
    return this.#list.length >= this.#size + this.#failed
  }

  #addRival(there: Candidate, index: number, contact: Contact, informer: Candidate | undefined): void {
    const rival = this.#list[index + 1]
    if (rival?.first !== there) {
      if (there.second === undefined) {
        this.#insert(index + 1, candidateOf(contact, there.distance, informer, there))
      }
      return
    }
    // Each informer has one vote at a time, however often one answer names the peer.
    if (rival.state !== 'known' || (informer !== undefined && rival.informer === informer)) return
    rival.informer = informer
    if (atSameAddress(rival.contact, contact)) rival.votes++
    else if (rival.votes > 0) rival.votes--
    else {
      this.#remove(index + 1)
      this.#insert(index + 1, candidateOf(contact, there.distance, informer, there))
    }
  }

  /** Whether there was room for it. */
  #insert(index: number, candidate: Candidate): boolean {
    if ((this.#hosts.get(candidate.contact.address.host) ?? 0) >= this.#perAddress) return false
    this.#count(candidate, 1)
    this.#list.splice(index, 0, candidate)
    // One that failed makes room no more once it is dropped itself.
    while (this.#list.length > this.#size + this.#failed) this.#remove(this.#list.length - 1)
    return true
  }

  #remove(index: number): Candidate | undefined {
    const [gone] = this.#list.splice(index, 1)
    if (gone === undefined) return undefined
    if (gone.state === 'failed') this.#failed--
    else this.#count(gone, -1)
    return gone
  }

  #count({ contact }: Candidate, change: 1 | -1): void {
    const { host } = contact.address
    const count = (this.#hosts.get(host) ?? 0) + change
    if (count === 0) this.#hosts.delete(host)
    else this.#hosts.set(host, count)
  }

  /** Where the contact is, or belongs. */
  #indexOf(contact: Contact, distance: number): number {
    let low = 0
    let high = this.#list.length
    while (low < high) {
      const middle = (low + high) >>> 1
      const each = this.#list[middle]
      if (each !== undefined && compareCandidate(this.#target, each, contact, distance) < 0) low = middle + 1
      else high = middle
    }
    return low
  }
}
