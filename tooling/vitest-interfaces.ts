/** Refuses to run tests that could announce on a real network: the allowed interfaces must be named. */
export default function requireInterfaces(): void {
  if (!process.env.PC_INTERFACES) {
    throw new Error(
      'PC_INTERFACES is not set: tests open sockets only on interfaces that are named. Run: export PC_INTERFACES=lo',
    )
  }
}
