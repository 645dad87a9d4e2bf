// The lint rule `skein/layers`: holds every relative import against the table in layers.js.

import { dirname, join, relative, resolve, sep } from 'node:path'
import { root } from '../ground/processes.js'
import { ADAPTER_REASON, ADAPTERS, LAYERS, NEVER_SHIPPED, UNBOUND } from './layers.js'

/**
 * Why `from` may not import `to` (paths from the root of the repository), or nothing when it may.
 * @param {string} from
 * @param {string} to
 * @returns {string | undefined}
 */
export function objection(from, to) {
  if (UNBOUND.test(from)) return undefined
  if (NEVER_SHIPPED.files.test(to)) return NEVER_SHIPPED.because
  const adapter = ADAPTERS.find(({ files }) => files.test(to))
  if (adapter && !adapter.family.test(from)) return ADAPTER_REASON
  const layer = LAYERS.find(({ files }) => files.test(from))
  if (!layer || layer.own.test(to) || layer.may.some((allowed) => allowed.test(to))) return undefined
  return layer.because
}

/** @type {import('eslint').Rule.RuleModule} */
export const layersRule = {
  meta: {
    type: 'problem',
    docs: { description: 'imports follow the layers of the repository' },
    messages: { forbidden: '{{from}} may not import {{to}}: {{reason}}.' },
    schema: [],
  },
  create(context) {
    const from = fromRoot(context.filename)
    /** @param {import('estree').Node | null | undefined} source */
    const check = (source) => {
      if (source?.type !== 'Literal' || typeof source.value !== 'string' || !source.value.startsWith('.')) return
      const to = fromRoot(resolve(dirname(join(root, from)), source.value.replace(/\?.*$/, '')))
      const reason = objection(from, to)
      if (reason) context.report({ node: source, messageId: 'forbidden', data: { from, to, reason } })
    }
    return {
      ImportDeclaration: (node) => check(node.source),
      ImportExpression: (node) => check(node.source),
      ExportNamedDeclaration: (node) => check(node.source),
      ExportAllDeclaration: (node) => check(node.source),
    }
  },
}

/** @param {string} file */
function fromRoot(file) {
  return relative(root, file).split(sep).join('/')
}
