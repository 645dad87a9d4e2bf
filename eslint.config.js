// Lint: what the type checker cannot see. Types-aware where it pays, the layers of the repository, a little style.

import stylistic from '@stylistic/eslint-plugin'
import svelte from 'eslint-plugin-svelte'
import { defineConfig } from 'eslint/config'
import tseslint from 'typescript-eslint'
import { layersRule } from './scripts/lint/layers-rule.js'

const REACHES_THE_BROWSER = ['shared/**', 'client/sync/**', 'client/app/**']

const noNode = { regex: '^node:', message: 'This code also runs in browsers.' }
const noLargeZod = { regex: '^zod$', message: "Import from 'zod/mini' here: this code reaches the browser." }

export default defineConfig(
  { ignores: ['dist/', 'data/', 'coverage/', '.cache/', '**/node_modules/'] },
  tseslint.configs.recommended,
  svelte.configs.recommended,
  {
    languageOptions: {
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname, extraFileExtensions: ['.svelte'] },
    },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    plugins: { '@stylistic': stylistic, skein: { rules: { layers: layersRule } } },
    rules: {
      'skein/layers': 'error',

      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/await-thenable': 'error',
      '@typescript-eslint/only-throw-error': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/ban-ts-comment': ['error', { 'ts-expect-error': true, 'ts-ignore': true, 'ts-nocheck': true }],
      '@typescript-eslint/no-unused-vars': [
        'error',
        { argsIgnorePattern: '^_', varsIgnorePattern: '^_', caughtErrors: 'none', ignoreRestSiblings: true },
      ],
      'no-empty': ['error', { allowEmptyCatch: false }],
      'eqeqeq': 'error',
      'prefer-const': 'error',
      'no-restricted-syntax': [
        'error',
        { selector: 'ExportAllDeclaration[exported=null]', message: 'Name what is exported: a reader should find it.' },
        {
          selector: 'TSAsExpression > TSAsExpression > TSUnknownKeyword',
          message: 'A double cast hides a wrong type; narrow or validate the value.',
        },
        {
          selector: "CallExpression[callee.object.name='vi'][callee.property.name=/^(mock|doMock)$/]",
          message: 'No module mocks: pass the dependency in.',
        },
      ],

      '@stylistic/quotes': ['error', 'single', { avoidEscape: true, allowTemplateLiterals: 'avoidEscape' }],
      '@stylistic/semi': ['error', 'never'],
      '@stylistic/no-tabs': 'error',
      '@stylistic/no-trailing-spaces': 'error',
      '@stylistic/eol-last': 'error',
      '@stylistic/max-len': [
        'error',
        { code: 140, ignoreUrls: true, ignoreStrings: true, ignoreTemplateLiterals: true, ignoreRegExpLiterals: true },
      ],
    },
  },
  {
    files: ['**/*.svelte', '**/*.svelte.ts'],
    languageOptions: { parserOptions: { parser: tseslint.parser } },
  },
  {
    files: REACHES_THE_BROWSER,
    ignores: ['**/*.test.ts'],
    rules: {
      'no-restricted-imports': ['error', { patterns: [noNode, noLargeZod] }],
      'no-restricted-globals': ['error', ...['process', 'Buffer', 'setImmediate', '__dirname'].map((name) => ({ name, message: noNode.message }))],
    },
  },
  {
    files: ['shared/api/**'],
    rules: { 'no-restricted-imports': ['error', { patterns: [noNode] }] },
  },
  {
    files: ['server/**'],
    rules: {
      'no-restricted-globals': ['error', ...['window', 'document', 'localStorage', 'navigator', 'location', 'name', 'event']
        .map((name) => ({ name, message: 'The server has no browser globals.' }))],
    },
  },
  {
    files: ['**/*.js'],
    extends: [tseslint.configs.disableTypeChecked],
  },
)
