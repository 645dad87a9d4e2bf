/** What ends a start because of the configuration. */

/** What is wrong with the environment, one line for each problem; no line repeats a secret. */
export class ConfigError extends Error {
  readonly problems: string[]
  constructor(problems: string[]) {
    super(problems.join('\n'))
    this.name = 'ConfigError'
    this.problems = problems
  }
}
