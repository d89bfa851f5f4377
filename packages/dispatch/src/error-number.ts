/** Numbers of `pc/error` frames. Append-only: a number is never given another meaning, and none is taken away. */
export const ErrorNumber = {
  NO_HANDLER: 1,
  DENIED: 2,
  BUSY: 3,
  BAD_INPUT: 4,
  HANDLER_FAILED: 5,
  CANCELLED: 6,
  DEADLINE: 7,
  SHUTTING_DOWN: 8,
  BAD_OUTPUT: 9,
  INBOX_REFUSED: 10,
  TOO_LARGE: 11,
  OUT_OF_ORDER: 12,
} as const
