/**
 * Which local edits are on the server's disk: a pure machine over what one document's sockets did.
 *
 * An edit is saved when the first frame sent at or after it, and not before this socket's first step 2, is acknowledged: that step 2
 * carries everything the server lacked, and every edit after it travels in a frame of its own. Frames (step 2 and update) count from 1
 * per socket, as the server counts them.
 */

/** At frame `frame`, all of the first `edits` edits were on their way. */
interface Mark {
  frame: number
  edits: number
}

export interface AckState {
  /** Local edits so far. */
  edits: number
  /** How many of them, the oldest first, are saved. */
  saved: number
  /** Null while no socket is open. */
  socket: { frames: number, sentStep2: boolean, marks: readonly Mark[] } | null
}

export type AckEvent =
  | { type: 'edited' }
  | { type: 'opened' }
  | { type: 'sent', frame: 'step2' | 'update' }
  /** The server's `saved n`. */
  | { type: 'acknowledged', frames: number }
  | { type: 'closed' }

/** @param unsent the document holds something from an earlier visit that the server may lack */
export const startCounting = (unsent: boolean): AckState => ({ edits: unsent ? 1 : 0, saved: 0, socket: null })

export const hasUnsaved = (state: AckState): boolean => state.saved < state.edits

export const countAck = (state: AckState, event: AckEvent): AckState => {
  switch (event.type) {
    case 'edited':
      return { ...state, edits: state.edits + 1 }
    case 'opened':
      return { ...state, socket: { frames: 0, sentStep2: false, marks: [] } }
    case 'sent':
      return countFrame(state, event.frame === 'step2')
    case 'acknowledged':
      return acknowledge(state, event.frames)
    case 'closed':
      return { ...state, socket: null }
  }
}

const countFrame = (state: AckState, isStep2: boolean): AckState => {
  const { socket, edits } = state
  if (!socket) return state
  const frames = socket.frames + 1
  const sentStep2 = socket.sentStep2 || isStep2
  const marked = socket.marks.at(-1)?.edits ?? state.saved
  const marks = sentStep2 && edits > marked ? [...socket.marks, { frame: frames, edits }] : socket.marks
  return { ...state, socket: { frames, sentStep2, marks } }
}

const acknowledge = (state: AckState, frames: number): AckState => {
  const { socket } = state
  if (!socket) return state
  const saved = socket.marks.findLast(mark => mark.frame <= frames)?.edits ?? state.saved
  return { ...state, saved, socket: { ...socket, marks: socket.marks.filter(mark => mark.frame > frames) } }
}
