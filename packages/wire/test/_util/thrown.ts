/** What `action` throws; fails if it returns. */
export function thrownBy(action: () => unknown): unknown {
  try {
    action()
  } catch (error) {
    return error
  }
  throw new Error('an error was expected, and none came')
}
