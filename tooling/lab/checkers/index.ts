/** Every rule that a history is held against, by the name under which a failure is reported. */
import { bounded } from './bounds.js'
import { acknowledgedIsStored, inboxAsJournal, rightSender, senderOrder, storedOnce } from './delivery.js'
import { legalPresence, provedIdsOnly } from './presence.js'
import { everythingSettled, executedOnce, rejectionsHaveCodes, settledInTime } from './settling.js'
import type { Checker } from './violation.js'

export const CHECKERS: Readonly<Record<string, Checker>> = {
  'messages of a sender are stored in its order': senderOrder,
  'nothing is stored twice in a life': storedOnce,
  'what is acknowledged is stored': acknowledgedIsStored,
  'the inbox holds what the journal was shown': inboxAsJournal,
  'messages and requests are from the peer that sent them': rightSender,
  'every call settles': everythingSettled,
  'every call settles by its deadline': settledInTime,
  'rejections carry a code': rejectionsHaveCodes,
  'a request is executed at most once, and its own answer comes back': executedOnce,
  'presence events alternate legally': legalPresence,
  'only proved ids are shown, under their own names': provedIdsOnly,
  'queues and timers are bounded': bounded,
}
