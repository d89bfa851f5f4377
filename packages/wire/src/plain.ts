/** Object literals, also without a prototype or from another realm; class instances are not data. */
export function isPlain(value: object): boolean {
  const prototype: object | null = Object.getPrototypeOf(value)
  if (prototype === null || prototype === Object.prototype) return true
  return Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype, 'isPrototypeOf')
}

/** What an object that is no plain data calls itself, for an error. */
export function className(value: object): string {
  return typeof value.constructor === 'function' ? value.constructor.name || 'a class' : 'a class'
}

/** As in `$.items[3].when`; long names are cut. */
export function formatPath(path: readonly (string | number)[]): string {
  return path.reduce<string>((text, key) => {
    if (typeof key === 'number') return `${text}[${key}]`
    return text + (/^[\w$]{1,40}$/.test(key) ? `.${key}` : `[${JSON.stringify(key.slice(0, 40))}]`)
  }, '$')
}
