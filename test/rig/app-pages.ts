/** What people do in the app's pages, as steps that tests share: sign up and in, talk, add and remove devices; and pictures of it. */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Locator, Page } from 'playwright-core'
import { write } from './browser.ts'
import type { Device } from './browser.ts'
import { until } from './until.ts'

export const PASSWORD = 'correct horse battery'

/** How a context becomes a phone. */
export const PHONE = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true } as const

/** At the side: who one is here. */
export const menuOf = (page: Page, kind: 'guest' | 'user'): Locator => page.locator(`[data-testid=account-menu][data-kind=${kind}]`)

export const replies = (page: Page): Locator => page.locator('[data-testid=message][data-role=assistant]')

export const signUp = async ({ page }: Device, email: string, name = 'Ada'): Promise<void> => {
  await page.getByTestId('to-sign-up').click()
  await page.getByTestId('name').fill(name)
  await page.getByTestId('email').fill(email)
  await page.getByTestId('password').fill(PASSWORD)
  await page.getByTestId('sign-up').click()
  await menuOf(page, 'user').waitFor()
}

export const signIn = async (device: Device, email: string): Promise<void> => {
  await device.page.getByTestId('to-sign-in').click()
  await submitSignIn(device, email)
}

/** On the page where one signs in. */
export const submitSignIn = async ({ page }: Device, email: string): Promise<void> => {
  await page.getByTestId('email').fill(email)
  await page.getByTestId('password').fill(PASSWORD)
  await page.getByTestId('sign-in').click()
  await menuOf(page, 'user').waitFor()
}

export const openSignOut = async ({ page }: Device): Promise<void> => {
  await page.getByTestId('sign-out').first().click()
  await page.getByTestId('sign-out-dialog').waitFor()
}

/**
 * Passkeys come from a device in the computer that agrees to everything. They are for names: go to `localhost`, not to 127.0.0.1.
 * @returns has it agree to nothing for a while
 */
export const plugInAuthenticator = async ({ context, page }: Device): Promise<(agrees: boolean) => Promise<void>> => {
  const cdp = await context.newCDPSession(page)
  await cdp.send('WebAuthn.enable')
  const { authenticatorId } = await cdp.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2', transport: 'internal', hasResidentKey: true, hasUserVerification: true, isUserVerified: true,
      automaticPresenceSimulation: true
    }
  })
  return async enabled => void await cdp.send('WebAuthn.setAutomaticPresenceSimulation', { authenticatorId, enabled })
}

/** A new conversation in which this is said and answered. @returns its path */
export const converse = async ({ page }: Device, text: string): Promise<string> => {
  await page.getByTestId('new-chat').first().click()
  await write(page, text)
  await replies(page).first().waitFor()
  return new URL(page.url()).pathname
}

/** The path of a link for one more device. */
export const makeDeviceLink = async (old: Device): Promise<string> => {
  await old.goto('/devices')
  await old.page.getByTestId('add-device').click()
  const { pathname, hash } = new URL(await old.page.getByTestId('device-link').inputValue())
  return pathname + hash
}

/** On the page that the link leads to. @returns the check that both screens show: on the old one, on the new one */
export const askToBeAdded = async (old: Device, added: Device): Promise<(string | null)[]> => {
  await added.page.getByTestId('link-ask').click()
  await old.page.getByTestId('device-asks').waitFor()
  const checks = [old.page.getByTestId('device-check'), added.page.getByTestId('link-check')]
  return Promise.all(checks.map(check => check.textContent()))
}

export const confirmDevice = async (old: Device, added: Device): Promise<void> => {
  await old.page.getByTestId('device-confirm').click()
  await old.page.getByTestId('device-added').waitFor()
  await until('the new device is in', () => new URL(added.page.url()).pathname === '/')
}

export const addDevice = async (old: Device, added: Device): Promise<void> => {
  await added.goto(await makeDeviceLink(old))
  await askToBeAdded(old, added)
  await confirmDevice(old, added)
}

/** The one that there is besides this. */
export const removeOtherDevice = async (old: Device): Promise<void> => {
  await old.goto('/devices')
  const other = old.page.locator('[data-testid=device][data-current=false]').getByRole('button')
  await other.click()
  await other.click()
  await until('it is off the list', async () => await old.page.getByTestId('device').count() === 1)
}

const SCREENS = { desktop: { width: 1280, height: 900 }, phone: { width: 390, height: 844 } }

/** How much wider the page is than its screen; 0: it fits. */
export const overflow = (page: Page): Promise<number> =>
  page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)

/** A picture for whoever looks at it, in the folder `SKEIN_SCREENSHOTS`, where that is set. */
export const photograph = async (page: Page, name: string): Promise<void> => {
  const folder = process.env['SKEIN_SCREENSHOTS']
  if (!folder) return
  await mkdir(folder, { recursive: true })
  await page.screenshot({ path: join(folder, `${name}.png`) })
}

/** What the page shows fits a desk and a phone. Photographed on both, by day and by night. */
export const shoot = async (page: Page, name: string): Promise<void> => {
  const size = page.viewportSize()!
  const theme = await themeOf(page)
  for (const [screen, viewport] of Object.entries(SCREENS)) {
    await page.setViewportSize(viewport)
    const wider = await overflow(page)
    if (wider > 0) throw new Error(`The page is ${wider} px too wide for a ${screen}: ${name}`)
    for (const light of process.env['SKEIN_SCREENSHOTS'] ? ['light', 'dark'] : []) {
      await themeOf(page, light)
      await photograph(page, `${name}-${screen}-${light}`)
    }
  }
  await themeOf(page, theme)
  await page.setViewportSize(size)
}

const themeOf = (page: Page, wanted?: string): Promise<string> => page.evaluate(name => {
  const { dataset } = document.documentElement
  if (name !== undefined) dataset['theme'] = name
  return dataset['theme'] ?? ''
}, wanted)
