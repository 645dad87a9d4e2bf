/** Evaluates simple arithmetic (`+ - * / % ^`, parentheses, decimals) for the offline agent. */

export type ArithmeticResult = { kind: 'value', expression: string, value: number } | { kind: 'undefined', expression: string }

const MAX_LENGTH = 200
const MAX_DEPTH = 50

/** @returns null when the text is not an arithmetic expression with at least one operator */
export const evaluateArithmetic = (text: string): ArithmeticResult | null => {
  const expression = text.toLowerCase()
    .replace(/^(what\s+is|what's|calculate|compute|how\s+much\s+is)\s+/, '')
    .replace(/[=?\s]+$/, '')
    .replace(/[×·]/g, '*').replace(/÷/g, '/').replace(/−/g, '-')
  if (expression.length > MAX_LENGTH || !/^[\d\s.+\-*/%^()]+$/.test(expression) || !/\d\s*[+\-*/%^]/.test(expression)) return null
  const tokens = expression.match(/\d+(?:\.\d+)?|\.\d+|[+\-*/%^()]/g)
  if (!tokens || tokens.join('') !== expression.replace(/\s+/g, '')) return null
  const value = new Parser(tokens).parse()
  if (value === null) return null
  return Number.isFinite(value) ? { kind: 'value', expression, value: Number(value.toPrecision(12)) } : { kind: 'undefined', expression }
}

/** Recursive descent over the usual precedence; null anywhere means "not an expression". */
class Parser {
  readonly #tokens: readonly string[]
  #at = 0

  constructor(tokens: readonly string[]) {
    this.#tokens = tokens
  }

  parse(): number | null {
    const value = this.#sum(0)
    return this.#at === this.#tokens.length ? value : null
  }

  #sum(depth: number): number | null {
    let left = this.#product(depth)
    for (let operator = this.#take('+', '-'); left !== null && operator; operator = this.#take('+', '-')) {
      const right = this.#product(depth)
      left = right === null ? null : operator === '+' ? left + right : left - right
    }
    return left
  }

  #product(depth: number): number | null {
    let left = this.#power(depth)
    for (let operator = this.#take('*', '/', '%'); left !== null && operator; operator = this.#take('*', '/', '%')) {
      const right = this.#power(depth)
      left = right === null ? null : operator === '*' ? left * right : operator === '/' ? left / right : left % right
    }
    return left
  }

  #power(depth: number): number | null {
    if (depth > MAX_DEPTH) return null
    if (this.#take('-')) {
      const value = this.#power(depth + 1)
      return value === null ? null : -value
    }
    const base = this.#atom(depth)
    if (base === null || !this.#take('^')) return base
    const exponent = this.#power(depth + 1)
    return exponent === null ? null : base ** exponent
  }

  #atom(depth: number): number | null {
    if (this.#take('(')) {
      const value = this.#sum(depth + 1)
      return this.#take(')') ? value : null
    }
    const token = this.#tokens[this.#at]
    if (token === undefined || !/[\d.]/.test(token)) return null
    this.#at++
    return Number(token)
  }

  #take(...operators: string[]): string | null {
    const token = this.#tokens[this.#at]
    if (token === undefined || !operators.includes(token)) return null
    this.#at++
    return token
  }
}
