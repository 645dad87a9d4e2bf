// Which way the composer runs while somebody writes.
import { expect, test } from 'vitest'
import { directionOf } from './text-direction.ts'

test.each([
  ['', 'ltr'], ['Hello', 'ltr'], ['שלום', 'rtl'], ['سلام', 'rtl'], ['ދިވެހި', 'rtl'], ['日本語', 'ltr'],
  ['1. (“שלום” means peace', 'rtl'], ['😀 2 + 2', 'ltr'], ['Peace is שלום', 'ltr'], ['שלום is peace', 'rtl']
])('%s: %s', (text, direction) => expect(directionOf(text)).toBe(direction))
