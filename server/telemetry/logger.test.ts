/** Lines of the log. */
import { expect, test } from 'vitest'
import { createLogger } from './logger.ts'

const collect = (level = 'info') => {
  const lines: Record<string, unknown>[] = []
  return { lines, logger: createLogger(level, { write: (line: string) => { lines.push(JSON.parse(line) as Record<string, unknown>) } }) }
}

test('a line is JSON with its fields, its level in words and its message', () => {
  const { lines, logger } = collect()
  logger.info({ document: 'conversation/a', sequence: 3 }, 'record written')
  expect(lines).toEqual([{ level: 'info', time: expect.any(Number), document: 'conversation/a', sequence: 3, msg: 'record written' }])
})

test('lines under the level are not written', () => {
  const { lines, logger } = collect('warn')
  logger.info({}, 'no')
  logger.warn({}, 'yes')
  expect(lines.map(line => line.msg)).toEqual(['yes'])
})

test('an error is told with its stack', () => {
  const { lines, logger } = collect()
  logger.error({ err: new TypeError('broken') }, 'unexpected')
  expect(lines[0]).toMatchObject({ err: { type: 'TypeError', message: 'broken', stack: expect.stringContaining('logger.test.ts') } })
})

test('cookies, keys and other secrets never reach the log, at the top or below', () => {
  const { lines, logger } = collect()
  const headers = { 'cookie': 'S3', 'set-cookie': 'S3', 'authorization': 'S3', 'accept': 'ok' }
  logger.info({ cookie: 'S3', 'set-cookie': 'S3', 'apiKey': 'S3', headers, request: { headers, token: 'S3' } }, 'request')
  expect(JSON.stringify(lines)).not.toContain('S3')
  expect(JSON.stringify(lines)).toContain('"accept":"ok"')
})
