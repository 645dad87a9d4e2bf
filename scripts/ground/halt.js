// The one way in which a script stops early: a sentence for the person at the terminal, never a stack trace.

export class Halt extends Error {}

/**
 * Run a script's main function; a Halt becomes one line and exit code 1.
 * @param {() => Promise<void>} main
 * @param {() => void} [afterHalt] what else is printed before leaving
 */
export async function runMain(main, afterHalt) {
  try {
    await main()
  } catch (error) {
    if (!(error instanceof Halt)) throw error
    console.error(`skein: ${error.message}`)
    afterHalt?.()
    process.exit(1)
  }
}
