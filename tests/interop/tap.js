// Names, deadlines and TAP for the programs of this folder: `node PROGRAM BOOTSTRAP`.

// @platformatic/kafka is written for Node 22; Debian's 18 and 20 lack only this.
Promise.withResolvers ??= () => {
  const parts = {}
  parts.promise = new Promise((resolve, reject) => Object.assign(parts, { resolve, reject }))
  return parts
}

export const bootstrap = process.argv[2]
export const unique = (prefix) => `${prefix}-${process.pid}-${Math.random().toString(36).slice(2, 10)}`

const tests = []
export const test = (name, body) => tests.push([name, body])

export function equal(actual, expected, what = 'value') {
  const [a, e] = [JSON.stringify(actual), JSON.stringify(expected)]
  if (a !== e) throw new Error(`${what}: ${a}, expected ${e}`)
}

export async function eventually(what, condition, seconds = 60) {
  const deadline = Date.now() + seconds * 1000
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`not within ${seconds} s: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

const limited = (promise, seconds) => {
  let timer
  const late = new Promise((_, reject) => { timer = setTimeout(() => reject(new Error(`not finished after ${seconds} s`)), seconds * 1000) })
  return Promise.race([promise, late]).finally(() => clearTimeout(timer))
}

export async function run(client) {
  let failed = 0
  for (const [index, [name, body]] of tests.entries()) {
    try {
      await limited(body(), 120)
      console.log(`ok ${index + 1} - ${client}: ${name}`)
    } catch (error) {
      failed++
      console.log(`not ok ${index + 1} - ${client}: ${name}\n# ${String(error.stack ?? error).replaceAll('\n', '\n# ')}`)
      for (const cause of error.errors ?? []) console.log(`# cause: ${cause.message} ${cause.apiCode ?? ''}`)
    }
  }
  console.log(`1..${tests.length}`)
  process.exit(failed ? 1 : 0)
}
