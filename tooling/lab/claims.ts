/** What the calls of the laboratory say of themselves, and how they are read where they arrive or fail. */

export interface Claims {
  readonly from: string
  readonly to: string
  readonly number: number
}

/** Messages carry it as text, requests as a value; anything else is shown as what it is. */
export function readClaims(value: unknown): Claims {
  const { from, to, number } = (typeof value === 'string' ? JSON.parse(value) : value) as Partial<Claims>
  return { from: String(from), to: String(to), number: Number(number) }
}

export function codeOf(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null | undefined)?.code
  return typeof code === 'string' ? code : undefined
}
