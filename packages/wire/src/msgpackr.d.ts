/** What this package uses of the msgpackr build that is not typed: the one without `new Function`, see `codec.ts`. */
declare module 'msgpackr/index-no-eval' {
  export { Packr, RESERVE_START_SPACE, RESET_BUFFER_MODE } from 'msgpackr'

  /** Room in the packer's buffer, from `position` on. */
  export interface Room {
    target: Uint8Array
    targetView: DataView
    position: number
  }

  /** `pack` writes instances of `Class` itself; `type` is required, and on the wire only if `pack` returns bytes. */
  export function addExtension<T>(extension: {
    Class: new (...fields: never[]) => T
    type: number
    pack(instance: T, allocate: (length: number) => Room): void
  }): void
}
