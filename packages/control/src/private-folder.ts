import { stat } from 'node:fs/promises'
import { makePrivateFolder } from '@pc/identity'
import { ControlError } from './errors.js'

/**
 * Makes `folder` (and its parents) for this user alone, or checks that it is so: Node tells nothing about who connects
 * to a socket, so the folder's mode is what keeps other users of the machine out. On Windows modes say nothing; there
 * the folder lies in the user's profile.
 * @throws ControlError FOLDER_UNSAFE
 */
export async function privateFolder(folder: string, platform: NodeJS.Platform = process.platform): Promise<void> {
  try {
    await makePrivateFolder(folder)
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new ControlError(
      'FOLDER_UNSAFE',
      `the state folder ${folder} could not be made: ${why}; choose another (PC_STATE, or --state)`,
      { cause },
    )
  }
  if (platform === 'win32') return
  const { uid, mode } = await stat(folder)
  if (uid !== process.getuid?.()) {
    throw unsafe(folder, `belongs to user ${uid}: choose a folder of your own (PC_STATE, or --state)`)
  }
  // Any right of group or others counts, not only entering: nothing in here is for them.
  if ((mode & 0o077) !== 0) {
    throw unsafe(folder, `is open to other users (mode ${(mode & 0o777).toString(8)}): run chmod 700 ${folder}`)
  }
}

function unsafe(folder: string, why: string): ControlError {
  return new ControlError('FOLDER_UNSAFE', `the state folder ${folder} ${why}`, { details: { folder } })
}
