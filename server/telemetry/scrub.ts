/**
 * Takes out of a line of the log what could let somebody in, wherever it stands: in an address, in an error of a library, in a stack.
 * Fields that are secrets by their name are left out before (see `logger.ts`); this is for secrets inside other text.
 */
import { secretPaths } from '../../shared/api/routes.ts'

export const REDACTED = '[redacted]'

/** Up to what ends a value in an address, a header or a JSON string. */
const VALUE = String.raw`[^\s"'&;,#?/\\)]+`
const paths = secretPaths.map(path => path.replaceAll('/', '\\/')).join('|')

const PATTERNS: readonly RegExp[] = [
  /** Invitations, share links and whatever else is a secret as a part of a path. */
  new RegExp(`((?:${paths}))${VALUE}`, 'g'),
  /** `?ticket=…` and its like. */
  new RegExp(String.raw`([?&](?:ticket|token|access_token|id_token|refresh_token|code|state|secret|key|api_key|password)=)${VALUE}`, 'gi'),
  /** A name and a password before the host of an address. */
  /(\/\/)[^\s"'/?#\\]+(?=@)/g,
  /** A ticket as a subprotocol. */
  new RegExp(String.raw`(\bskein\.ticket\.)${VALUE}`, 'g'),
  /** A token by its form; its id may be read. */
  /(\bskein_[0-9a-f]{24}_)[\w-]+/g,
  /** Cookies of ours and of the accounts library. */
  new RegExp(String.raw`((?:__Host-|__Secure-)?(?:skein|better-auth)[\w.-]*=)${VALUE}`, 'gi'),
  /(\b(?:bearer|basic)\s+)[\w.~+/=:-]+/gi,
  /** A JWT by its form: three parts, the first of which is `{"` in base64. */
  /\b(eyJ)[\w-]+\.[\w-]+(?:\.[\w-]*)?/g,
]

export const scrub = (line: string): string => PATTERNS.reduce((text, pattern) => text.replace(pattern, `$1${REDACTED}`), line)
