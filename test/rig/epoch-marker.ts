/** What an operator does with a data folder that is older than what devices have seen of it. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { EPOCH_MARKER } from '../../server/epoch-marker.ts'

export const beginNewEpochs = (dataFolder: string): Promise<void> => writeFile(join(dataFolder, EPOCH_MARKER), '')
