/** What `pc` exits with; scripts rely on the numbers, so the list is append-only. */
export const ExitCode = {
  OK: 0,
  FAILURE: 1,
  USAGE: 2,
  NOT_RUNNING: 3,
  PEER_UNREACHABLE: 4,
  DENIED: 5,
  TIMEOUT: 6,
  VERSION_MISMATCH: 8,
  NOT_FOUND: 9,
  CONFLICT: 10,
  INTERRUPTED: 130,
  TERMINATED: 143,
} as const

export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode]

/** The text of `pc help exit-codes`. */
export const EXIT_CODES_HELP = `Exit codes of pc:

    0  done
    1  failed for a reason without a number of its own
    2  the command line is wrong
    3  the daemon is not running, or went away
    4  the peer is not known, not clear, or not reachable
    5  denied: by the peer, by this daemon, or by the operating system
    6  no answer in time
    8  pc and the daemon are of different versions
    9  nothing is stored there
   10  something else is stored there than was expected
  130  interrupted (Ctrl-C)
  143  terminated (SIGTERM)
`
