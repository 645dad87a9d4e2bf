/** Why a data folder cannot be opened, as one line for the operator; `main.ts` prints it and stops. */

export type DataFolderProblem = 'in-use' | 'not-a-folder' | 'not-writable' | 'newer-format' | 'unreadable' | 'no-store' | 'no-backup'

export class DataFolderError extends Error {
  readonly problem: DataFolderProblem

  constructor(problem: DataFolderProblem, path: string, options?: ErrorOptions) {
    super(messages[problem](path), options)
    this.name = 'DataFolderError'
    this.problem = problem
  }
}

const messages: Record<DataFolderProblem, (path: string) => string> = {
  'in-use': path => `The data folder ${path} is in use by another process. Nothing was changed; stop the other one, or choose another folder with SKEIN_DATA.`,
  'not-a-folder': path => `The data folder ${path} cannot be made, because a file stands in its way. Nothing was changed; move the file, or choose another folder with SKEIN_DATA.`,
  'not-writable': path => `The data folder ${path} cannot be written. Nothing was changed; give this user the right to write there, free disk space, or choose another folder with SKEIN_DATA.`,
  'newer-format': path => `The data folder ${path} was written by a newer Skein. Nothing was changed; start that version, or choose another folder with SKEIN_DATA.`,
  'no-store': path => `There is no store in the data folder ${path}, so nothing was looked at. Name the right folder with --data or SKEIN_DATA.`,
  'no-backup': path => `The data folder ${path} was written by an older Skein and has to be brought to a newer format, but no backup could be made before that. Nothing was changed; free disk space beside it, or start the older version.`,
  'unreadable': path => `The data folder ${path} is damaged and cannot be opened. Nothing was changed; copy it away and restore a backup.`,
}

/** Finds the problem in the chain of causes that classic-level and the file system give. */
export const dataFolderError = (path: string, error: unknown): DataFolderError => {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    const code = 'code' in cause ? cause.code : undefined
    if (code === 'LEVEL_LOCKED') return new DataFolderError('in-use', path, { cause: error })
    if (code === 'EEXIST' || code === 'ENOTDIR') return new DataFolderError('not-a-folder', path, { cause: error })
    if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS' || code === 'ENOSPC' || code === 'ENOENT' || code === 'LEVEL_IO_ERROR') {
      return new DataFolderError('not-writable', path, { cause: error })
    }
  }
  return new DataFolderError('unreadable', path, { cause: error })
}
