// One cell of the matrix with a JavaScript client: carries out the steps that standard input's JSON names, and prints what it truly did. See python/driver.py, whose twin it is.
import { text } from 'node:stream/consumers'

const LIMIT = 60_000 // milliseconds that a step may wait for records

class Unsupported extends Error {}

const pause = (ms) => new Promise((done) => setTimeout(done, ms))

function enough(got, wanted) {
  if (got < wanted) throw new Error(`${got} of ${wanted} records came within ${LIMIT / 1000} s`)
  return got
}

class Base {
  constructor(cell) {
    Object.assign(this, { cell, next: new Map(), last: new Map(), queue: [], produced: 0 })
  }

  took(partition, offset) {
    this.next.set(partition, offset + 1n)
    this.last.set(partition, offset)
  }

  messages(n, make) {
    return Array.from({ length: n }, () => make(this.produced++ % this.cell.partitions))
  }

  // A record that a library has handed over waits until a step asks for it.
  async read(n) {
    const got = []
    for (const end = Date.now() + LIMIT; got.length < n && Date.now() < end; ) {
      const m = await this.take()
      if (!m) continue
      this.took(m.partition, m.offset)
      got.push(m)
    }
    return got
  }
}

class Kafkajs extends Base {
  async open() {
    const { Kafka, logLevel } = await import('kafkajs')
    const { role, mode, brokers, topic, group, id, client, user, password } = this.cell
    if (mode === 'static') throw new Unsupported('the library knows no group.instance.id')
    if (mode === 'assign' || mode === 'lone') throw new Unsupported('the library reads in a group only')
    if (mode === 'kip848' || mode === 'share') throw new Unsupported('the library speaks the classic protocol only')
    const k = new Kafka({
      brokers: brokers.split(','),
      logLevel: logLevel.ERROR,
      ...(client && { clientId: client }),
      ...(user && { sasl: { mechanism: 'plain', username: user, password } }),
    })
    if (role === 'write' || mode === 'copy') {
      const more = role === 'write' ? { default: {}, plain: {}, idempotent: { idempotent: true }, transactional: { transactionalId: id, maxInFlightRequests: 1, idempotent: true } }[mode] : { transactionalId: id, maxInFlightRequests: 1, idempotent: true }
      this.p = k.producer(more)
      await this.p.connect()
    }
    if (role === 'write') return
    this.c = k.consumer({ groupId: group, readUncommitted: false })
    await this.c.connect()
    await this.c.subscribe({ topics: [topic], fromBeginning: true })
    this.wanted = 0
    await this.c.run({
      autoCommit: mode === 'async',
      autoCommitInterval: 1000,
      eachBatchAutoResolve: false,
      eachBatch: async ({ batch, resolveOffset, heartbeat, isRunning, isStale, commitOffsetsIfNecessary }) => {
        for (const m of batch.messages) {
          while (this.wanted === 0 && !this.closing) {
            await heartbeat()
            if (mode === 'async') await commitOffsetsIfNecessary()
            await pause(20)
          }
          if (this.closing || !isRunning() || isStale()) return
          this.wanted--
          this.queue.push({ partition: batch.partition, offset: BigInt(m.offset) })
          resolveOffset(m.offset)
        }
      },
    })
  }

  async read(n) {
    const end = Date.now() + LIMIT
    this.wanted = n
    while (this.wanted > 0 && Date.now() < end) await pause(5)
    this.wanted = 0
    const got = this.queue.splice(0)
    for (const m of got) this.took(m.partition, m.offset)
    return got
  }

  offsets(from) {
    return [...from].map(([partition, offset]) => ({ topic: this.cell.topic, partition, offset: String(offset) }))
  }

  commit(from) {
    return this.c.commitOffsets(this.offsets(from))
  }

  seek(partition, offset) {
    this.c.seek({ topic: this.cell.topic, partition, offset: String(offset) })
  }

  async write(n) {
    const messages = this.messages(n, (partition) => ({ value: 'x', partition }))
    if (this.cell.mode !== 'transactional') return this.p.send({ topic: this.cell.topic, messages })
    const t = await this.p.transaction()
    await t.send({ topic: this.cell.topic, messages })
    await t.commit()
  }

  async copy(n) {
    const got = await this.read(n)
    const t = await this.p.transaction()
    await t.send({ topic: this.cell.out, messages: this.messages(got.length, (partition) => ({ value: 'x', partition })) })
    const partitions = [...this.next].map(([partition, offset]) => ({ partition, offset: String(offset) }))
    await t.sendOffsets({ consumerGroupId: this.cell.group, topics: [{ topic: this.cell.topic, partitions }] })
    await t.commit()
    return got
  }

  async close() {
    this.closing = true
    await this.c?.disconnect()
    await this.p?.disconnect()
  }
}

class Platformatic extends Base {
  async open() {
    this.k = await import('@platformatic/kafka')
    const { role, mode, brokers, topic, group, id, client, user, password } = this.cell
    if (mode === 'share') throw new Unsupported('the library knows no share groups')
    if (mode === 'assign' || mode === 'lone') throw new Unsupported('the library reads in a group only')
    const base = { bootstrapBrokers: brokers.split(','), ...(client && { clientId: client }), ...(user && { sasl: { mechanism: 'PLAIN', username: user, password } }) }
    const producer = (more) => new this.k.Producer({ ...base, ...more })
    if (role === 'write') {
      this.p = producer({ default: {}, plain: { idempotent: false }, idempotent: { idempotent: true }, transactional: { idempotent: true, transactionalId: id } }[mode])
      return
    }
    if (mode === 'copy') this.p = producer({ idempotent: true, transactionalId: id })
    const more = mode === 'kip848' ? { groupProtocol: 'consumer' } : mode === 'static' ? { groupInstanceId: 'seat-1' } : {}
    this.c = new this.k.Consumer({ ...base, groupId: group, highWaterMark: 1024, ...more })
    this.stream = await this.c.consume({ topics: [topic], mode: 'committed', fallbackMode: 'earliest', autocommit: mode === 'async' ? 1000 : false, maxWaitTime: 500 })
    this.handed = this.stream[Symbol.asyncIterator]()
  }

  async take() {
    this.coming ??= this.handed.next()
    const m = await Promise.race([this.coming, pause(1000)])
    if (!m) return
    this.coming = undefined
    return { partition: m.value.partition, offset: m.value.offset, message: m.value }
  }

  commit(from) {
    return this.c.commit({ offsets: [...from].map(([partition, offset]) => ({ topic: this.cell.topic, partition, offset, leaderEpoch: -1 })) })
  }

  seek() {
    throw new Unsupported('the library has no seek')
  }

  async write(n) {
    const messages = this.messages(n, (partition) => ({ topic: this.cell.topic, value: Buffer.from('x'), partition }))
    if (this.cell.mode !== 'transactional') return this.p.send({ messages })
    const t = await this.p.beginTransaction()
    await t.send({ messages })
    await t.commit()
  }

  async copy(n) {
    const got = await this.read(n)
    const t = await this.p.beginTransaction()
    await t.send({ messages: this.messages(got.length, (partition) => ({ topic: this.cell.out, value: Buffer.from('x'), partition })) })
    await t.addConsumer(this.c)
    for (const m of new Map(got.map((m) => [m.partition, m])).values()) await t.addOffset(m.message)
    await t.commit()
    return got
  }

  async close() {
    await this.c?.close(true)
    await this.p?.close()
  }
}

const cell = JSON.parse(await text(process.stdin))
const did = { read: 0, wrote: 0 }
const tell = () => new Promise((done) => process.stdout.write(JSON.stringify(did) + '\n', done))
try {
  const client = new { kafkajs: Kafkajs, '@platformatic/kafka': Platformatic }[cell.library](cell)
  await client.open()
  for (const step of cell.steps) {
    switch (step.do) {
      case 'read':
        did.read += enough((await client.read(step.n)).length, step.n)
        break
      case 'copy': {
        const n = enough((await client.copy(step.n)).length, step.n)
        did.read += n
        did.wrote += n
        break
      }
      case 'write':
        await client.write(step.n)
        did.wrote += step.n
        break
      case 'commit':
        await client.commit(client.next)
        break
      case 'commit-last': // the offset of the last record, where Kafka wants that of the next
        await client.commit(client.last)
        break
      case 'seek':
        for (let p = 0; p < cell.partitions; p++) {
          client.seek(p, BigInt(step.to))
          client.next.set(p, BigInt(step.to))
        }
        break
      case 'sleep':
        await pause(step.seconds * 1000)
        break
      case 'die':
        await tell()
        process.exit(0)
        break
      case 'close':
        await client.close()
    }
  }
} catch (e) {
  if (!(e instanceof Unsupported)) throw e
  did.unsupported = e.message
}
await tell()
process.exit(0)
