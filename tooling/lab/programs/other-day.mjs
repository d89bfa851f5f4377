// Loaded before a run to give it another wall time: whatever asks the machine for the date gets one that is OTHER_DAY_MS later.

const shiftMs = Number(process.env.OTHER_DAY_MS ?? 0)
const RealDate = Date

globalThis.Date = class extends RealDate {
  constructor(...args) {
    super(...(args.length === 0 ? [RealDate.now() + shiftMs] : args))
  }

  static now() {
    return RealDate.now() + shiftMs
  }
}

// The monotonic clock of another machine starts anywhere.
const realNow = performance.now.bind(performance)
performance.now = () => realNow() + Math.abs(shiftMs)
