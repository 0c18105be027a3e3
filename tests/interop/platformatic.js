// @platformatic/kafka: pure JavaScript, the newest and flexible versions, fetch by topic id.
import { Admin, Consumer, Producer, stringDeserializers, stringSerializers } from '@platformatic/kafka'
import { bootstrap, equal, eventually, run, test, unique } from './tap.js'

const common = { clientId: 'interop', bootstrapBrokers: [bootstrap], timeout: 30000 }
const admin = new Admin(common)
const consumerOf = (groupId) => new Consumer({ ...common, groupId, deserializers: stringDeserializers, sessionTimeout: 10000, heartbeatInterval: 500, rebalanceTimeout: 20000 }) // reads committed data by default
const messages = (topic, from, to) => Array.from({ length: to - from }, (_, i) => ({ topic, key: `${from + i}`, value: `value ${from + i}`, headers: { h: 'x' } }))

async function topicOf(partitions = 1) {
  const topic = unique('platformatic')
  await admin.createTopics({ topics: [topic], partitions, replicas: 1 })
  await eventually('its leader', async () => {
    try { return (await admin.metadata({ topics: [topic], forceUpdate: true })).topics.get(topic).partitions.every((p) => p.leader >= 0) } catch { return false }
  })
  return topic
}

async function send(list, options = {}) {
  const producer = new Producer({ ...common, serializers: stringSerializers, ...options })
  await producer.send({ messages: list, acks: -1 })
  await producer.close()
}

async function read(consumer, topic, note) {
  const stream = await consumer.consume({ topics: [topic], mode: 'earliest', autocommit: 200, maxWaitTime: 300 })
  stream.on('data', note)
  stream.on('error', () => {}) // A rebalance while it closes; what is wrong shows in what was read.
  return stream
}

test('what is produced is consumed, idempotent and compressed too', async () => {
  const topic = await topicOf()
  await send(messages(topic, 0, 500))
  await send(messages(topic, 500, 1000), { idempotent: true })
  await send(messages(topic, 1000, 1500), { compression: 'gzip' })
  const consumer = consumerOf(unique('group'))
  const seen = []
  await read(consumer, topic, (m) => { seen.push([m.offset.toString(), m.value, m.headers.get('h')]) })
  await eventually('all are read', () => seen.length >= 1500)
  equal(seen.map((s) => s[1]), messages(topic, 0, 1500).map((m) => m.value), 'values')
  equal(seen[1499], ['1499', 'value 1499', 'x'])
  await consumer.close(true)
})

test('a group of two shares the partitions, and one takes over', async () => {
  const topic = await topicOf(4)
  const groupId = unique('group')
  const seen = new Set()
  const [first, second] = [consumerOf(groupId), consumerOf(groupId)]
  await read(first, topic, (m) => { seen.add(m.value) })
  await read(second, topic, (m) => { seen.add(m.value) })
  const group = async () => (await admin.describeGroups({ groups: [groupId] })).get(groupId)
  await eventually('two members in a stable group', async () => { const g = await group(); return g.state.toUpperCase() === 'STABLE' && g.members.size === 2 })
  await send(messages(topic, 0, 100))
  await eventually('all are read by both', () => seen.size === 100)
  await second.close(true)
  await send(messages(topic, 100, 200))
  await eventually('the rest is read by one', () => seen.size === 200)
  equal((await group()).members.size, 1, 'members')
  await first.close(true)
})

test('transactions commit and abort', async () => {
  const topic = await topicOf()
  const producer = new Producer({ ...common, serializers: stringSerializers, idempotent: true, transactionalId: unique('transaction') })
  for (const [word, commit] of [['aborted', false], ['committed', true]]) {
    const transaction = await producer.beginTransaction()
    await transaction.send({ messages: [{ topic, key: 'k', value: word }] })
    await (commit ? transaction.commit() : transaction.abort())
  }
  await producer.close()
  const consumer = consumerOf(unique('group'))
  const seen = []
  await read(consumer, topic, (m) => { seen.push(m.value) })
  await eventually('the committed one is read', () => seen.includes('committed'))
  equal(seen, ['committed'])
  await consumer.close(true)
})

test('administration', async () => {
  const topic = await topicOf(2)
  const [broker] = (await admin.metadata({ topics: [topic] })).brokers.keys()
  await admin.createPartitions({ topics: [{ name: topic, count: 3, assignments: [{ brokerIds: [Number(broker)] }] }] })
  await eventually('three partitions', async () => (await admin.metadata({ topics: [topic], forceUpdate: true })).topics.get(topic).partitions.length === 3)
  const resource = { resourceType: 2, resourceName: topic }
  await admin.incrementalAlterConfigs({ resources: [{ ...resource, configs: [{ name: 'retention.ms', configOperation: 0, value: '123456' }] }] })
  await eventually('the setting is seen', async () => {
    const [described] = await admin.describeConfigs({ resources: [{ ...resource, configurationKeys: ['retention.ms'] }], includeSynonyms: true, includeDocumentation: true })
    return described.configs[0].value === '123456'
  })
  equal((await admin.listTopics()).includes(topic), true, 'the topic is listed')
  equal((await admin.listGroups()) instanceof Map, true, 'groups are listed')
  await admin.deleteTopics({ topics: [topic] })
  await eventually('it is gone', async () => !(await admin.listTopics()).includes(topic))
})

await run('@platformatic/kafka')
