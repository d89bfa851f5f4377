/** Whether anything was put on, or changed in, the prototypes that all objects share. */
const PROTOTYPES: readonly (readonly [string, object])[] = [
  ['Object.prototype', Object.prototype],
  ['Array.prototype', Array.prototype],
  ['Function.prototype', Function.prototype],
  ['String.prototype', String.prototype],
  ['Number.prototype', Number.prototype],
  ['Uint8Array.prototype', Uint8Array.prototype],
  ['Map.prototype', Map.prototype],
  ['Promise.prototype', Promise.prototype],
  ['Error.prototype', Error.prototype],
]
const COUNTS = PROTOTYPES.map(([, prototype]) => Reflect.ownKeys(prototype).length)
const OWN = ['toString', 'valueOf', 'constructor', 'hasOwnProperty', '__proto__'] as const
const MEMBERS = OWN.map((name) => Object.getOwnPropertyDescriptor(Object.prototype, name)?.value)

/** What is different from the start of this process, in words. */
export function pollution(): string | undefined {
  for (const [index, [name, prototype]] of PROTOTYPES.entries()) {
    const keys = Reflect.ownKeys(prototype)
    if (keys.length !== COUNTS[index])
      return `${name} has another number of members: the last is ${String(keys.at(-1))}`
  }
  for (const [index, name] of OWN.entries()) {
    const { value } = Object.getOwnPropertyDescriptor(Object.prototype, name) ?? {}
    if (value !== MEMBERS[index]) return `Object.prototype.${name} was replaced`
  }
  return undefined
}
