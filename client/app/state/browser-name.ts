/** A session's browser and system, as people call them; from what browsers call themselves, which is a long story. */

const browsers: readonly (readonly [RegExp, string])[] = [
  [/\bEdg\//, 'Edge'], [/\bOPR\//, 'Opera'], [/\bFirefox\//, 'Firefox'], [/\b(Headless)?Chrome\//, 'Chrome'], [/\bSafari\//, 'Safari']
]
const systems: readonly (readonly [RegExp, string])[] = [
  [/iPhone|iPad/, 'iOS'], [/Android/, 'Android'], [/Windows/, 'Windows'], [/Mac OS X/, 'macOS'], [/CrOS/, 'ChromeOS'], [/Linux/, 'Linux']
]

const find = (names: typeof browsers, userAgent: string): string | undefined => names.find(([pattern]) => pattern.test(userAgent))?.[1]

export const browserName = (userAgent: string): string =>
  [find(browsers, userAgent), find(systems, userAgent)].filter(Boolean).join(' on ') || userAgent.slice(0, 40) || 'Unknown'
