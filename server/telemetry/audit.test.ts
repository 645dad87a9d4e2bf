/** The audit trail: one line an event, no secret in it, no flood. */
import { expect, test } from 'vitest'
import { parseUserId } from '../../shared/ids.ts'
import { createAudit, createSampledAudit } from './audit.ts'
import { createLogger } from './logger.ts'

const START = Date.UTC(2026, 10, 1)
const ada = parseUserId('ada')!

const world = (level = 'info') => {
  const lines: Record<string, unknown>[] = []
  const logger = createLogger(level, { write: line => { lines.push(JSON.parse(line) as Record<string, unknown>) } })
  let now = START
  const audit = createAudit(logger)
  return { lines, audit, sampled: createSampledAudit(audit, () => now), pass: (ms: number) => { now += ms } }
}

test('an event is one line with who, by what, from where and what came of it', () => {
  const { lines, audit } = world()
  audit('token.created', { outcome: 'done', principal: ada, credential: 'session-1', address: '192.0.2.7', about: { id: 'token-2', write: true } })
  expect(lines).toEqual([{
    level: 'info', time: expect.any(Number), audit: true, event: 'token.created', outcome: 'done', principal: 'ada', credential: 'session-1',
    address: '192.0.2.7', about: { id: 'token-2', write: true }, msg: 'audit: token.created',
  }])
})

test('what was refused is told where only warnings are', () => {
  const { lines, audit } = world('warn')
  audit('signed-in', { outcome: 'done', principal: ada })
  audit('sign-in.failed', { outcome: 'refused' })
  expect(lines.map(({ event }) => event)).toEqual(['sign-in.failed'])
})

test('a secret among the details does not reach the line', () => {
  const { lines, audit } = world()
  audit('credential.refused', { outcome: 'refused', about: { ticket: 'S3CRET', path: '/join/S3CRET' } })
  expect(JSON.stringify(lines)).not.toContain('S3CRET')
})

test('what one caller repeats is told once a minute, with how often it was', () => {
  const { lines, sampled, pass } = world()
  const hit = (address: string) => sampled(address, 'rate.limited', { outcome: 'refused', address })
  for (let i = 0; i < 1000; i++) hit('192.0.2.7')
  hit('192.0.2.8')
  pass(60_000)
  hit('192.0.2.7')
  expect(lines.map(({ address, about }) => [address, about])).toEqual([
    ['192.0.2.7', undefined], ['192.0.2.8', undefined], ['192.0.2.7', { leftOut: 999 }],
  ])
})

test('many callers do not make it remember more and more', () => {
  const { lines, sampled } = world()
  const hit = (address: string) => sampled(address, 'rate.limited', { outcome: 'refused', address })
  for (let i = 0; i < 1001; i++) hit(`caller-${i}`)
  hit('caller-1000')
  expect(lines).toHaveLength(1001)
  hit('caller-0')
  expect(lines).toHaveLength(1002)
})
