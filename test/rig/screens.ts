/** The screens that pages have to fit, by name. */
import type { Browser } from 'playwright-core'
import { openDevice } from './browser.ts'
import type { Device } from './browser.ts'

export interface Screen {
  name: string
  width: number
  height: number
  colorScheme: 'light' | 'dark'
}

export const screens: readonly Screen[] = [
  { name: 'desktop', width: 1280, height: 800, colorScheme: 'light' },
  { name: 'desktop-dark', width: 1280, height: 800, colorScheme: 'dark' },
  { name: 'phone', width: 390, height: 844, colorScheme: 'light' },
  { name: 'phone-small-dark', width: 360, height: 640, colorScheme: 'dark' },
]

export const openOnScreen = (browser: Browser, url: string, { width, height, colorScheme }: Screen): Promise<Device> => {
  const isPhone = width < 500
  return openDevice(browser, url, { viewport: { width, height }, colorScheme, isMobile: isPhone, hasTouch: isPhone })
}
