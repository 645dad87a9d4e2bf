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

export const isPhone = ({ width }: Screen): boolean => width < 500

export const openOnScreen = (browser: Browser, url: string, screen: Screen): Promise<Device> => {
  const { width, height, colorScheme } = screen
  return openDevice(browser, url, { viewport: { width, height }, colorScheme, isMobile: isPhone(screen), hasTouch: isPhone(screen) })
}

/** Another screen of the same kind for a device that is there. */
export const showOnScreen = async ({ page }: Device, { width, height, colorScheme }: Screen): Promise<void> => {
  await page.setViewportSize({ width, height })
  await page.emulateMedia({ colorScheme })
}
