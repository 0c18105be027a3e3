// kafkajs: pure JavaScript, the older and inflexible versions, asks for no lower bound.
import kafkajs from 'kafkajs'
import { bootstrap, equal, eventually, run, test, unique } from './tap.js'

const { ConfigResourceTypes, Kafka, logLevel } = kafkajs
const kafka = new Kafka({ clientId: 'interop', brokers: [bootstrap], logLevel: logLevel.NOTHING })
const admin = kafka.admin()
const values = (count) => Array.from({ length: count }, (_, i) => ({ key: `${i}`, value: `value ${i}`, headers: { h: 'x' } }))

// A topic is created when the controller has it; a broker hears of it a moment later and says until then that it knows none, which waitForLeaders takes for final.
async function topicOf(partitions = 1) {
  const topic = unique('kafkajs')
  await admin.createTopics({ topics: [{ topic, numPartitions: partitions, replicationFactor: 1 }], waitForLeaders: false })
  await eventually('the topic has leaders', async () => {
    const known = await admin.fetchTopicMetadata({ topics: [topic] }).catch(retriable)
    return known?.topics[0].partitions.length === partitions
  })
  return topic
}

const retriable = (error) => { if (!error.retriable) throw error }

async function send(topic, messages, options = {}) {
  const producer = kafka.producer(options)
  await producer.connect()
  await producer.send({ topic, messages, acks: -1 })
  await producer.disconnect()
}

async function start(topic, groupId, eachMessage) {
  const consumer = kafka.consumer({ groupId, sessionTimeout: 10000, heartbeatInterval: 500, rebalanceTimeout: 20000 })
  await consumer.connect()
  await consumer.subscribe({ topics: [topic], fromBeginning: true })
  await consumer.run({ autoCommitInterval: 200, eachMessage })
  return consumer
}

test('what is produced is consumed, compressed and idempotent too', async () => {
  const topic = await topicOf()
  await send(topic, values(500))
  await send(topic, values(500), { idempotent: true, maxInFlightRequests: 1 })
  const producer = kafka.producer()
  await producer.connect()
  await producer.send({ topic, messages: values(500), compression: 1 })
  await producer.disconnect()
  const seen = []
  const consumer = await start(topic, unique('group'), ({ message }) => { seen.push([message.offset, message.value.toString(), message.headers.h.toString()]) })
  await eventually('all are read', () => seen.length >= 1500)
  equal(seen.map((s) => s[0]), Array.from({ length: 1500 }, (_, i) => `${i}`), 'offsets')
  equal(seen[1499], ['1499', 'value 499', 'x'])
  await consumer.disconnect()
})

test('a group of two shares the partitions, and one takes over', async () => {
  const topic = await topicOf(4)
  const groupId = unique('group')
  const seen = new Set()
  const note = ({ message }) => { seen.add(message.value.toString()) }
  const first = await start(topic, groupId, note)
  const second = await start(topic, groupId, note)
  const members = async () => (await admin.describeGroups([groupId])).groups[0]
  await eventually('two members in a stable group', async () => { const g = await members(); return g.state === 'Stable' && g.members.length === 2 })
  await send(topic, values(100))
  await eventually('all are read by both', () => seen.size === 100)
  await second.disconnect()
  await send(topic, values(200).slice(100))
  await eventually('the rest is read by one', () => seen.size === 200)
  equal((await members()).members.length, 1, 'members')
  await eventually('all is committed', async () => {
    const [{ partitions }] = await admin.fetchOffsets({ groupId, topics: [topic] })
    return partitions.reduce((sum, p) => sum + Math.max(0, Number(p.offset)), 0) === 200
  })
  await first.disconnect()
  await admin.deleteGroups([groupId])
})

test('transactions commit and abort, records and offsets', async () => {
  const [input, output, groupId] = [await topicOf(), await topicOf(), unique('group')]
  const producer = kafka.producer({ transactionalId: unique('transaction'), maxInFlightRequests: 1, idempotent: true })
  await producer.connect()
  for (const [word, commit, offset] of [['aborted', false, '7'], ['committed', true, '5']]) {
    const transaction = await producer.transaction()
    await transaction.send({ topic: output, messages: [{ value: word }] })
    await transaction.sendOffsets({ consumerGroupId: groupId, topics: [{ topic: input, partitions: [{ partition: 0, offset }] }] })
    await (commit ? transaction.commit() : transaction.abort())
  }
  await producer.disconnect()
  const seen = []
  const consumer = await start(output, unique('group'), ({ message }) => { seen.push(message.value.toString()) })
  await eventually('the committed one is read', () => seen.length > 0)
  equal(seen, ['committed'])
  await eventually('the offset is the committed one', async () => (await admin.fetchOffsets({ groupId, topics: [input] }))[0].partitions[0].offset === '5')
  await consumer.disconnect()
})

test('administration', async () => {
  const topic = await topicOf(2)
  await admin.createPartitions({ topicPartitions: [{ topic, count: 3 }] })
  await eventually('three partitions', async () => (await admin.fetchTopicMetadata({ topics: [topic] })).topics[0].partitions.length === 3)
  await admin.alterConfigs({ validateOnly: false, resources: [{ type: ConfigResourceTypes.TOPIC, name: topic, configEntries: [{ name: 'retention.ms', value: '123456' }] }] })
  await eventually('the setting is seen', async () => {
    const { resources } = await admin.describeConfigs({ includeSynonyms: true, resources: [{ type: ConfigResourceTypes.TOPIC, name: topic, configNames: ['retention.ms'] }] })
    return resources[0].configEntries[0].configValue === '123456'
  })
  await send(topic, values(30))
  const ends = await admin.fetchTopicOffsets(topic)
  equal(ends.reduce((sum, p) => sum + Number(p.high), 0), 30, 'sum of the ends')
  await admin.deleteTopicRecords({ topic, partitions: ends.map((p) => ({ partition: p.partition, offset: '-1' })) })
  equal((await admin.fetchTopicOffsets(topic)).map((p) => p.low === p.high), [true, true, true], 'empty')
  const cluster = await admin.describeCluster()
  equal(cluster.brokers.some((b) => `${b.host}:${b.port}` === bootstrap), true, 'the broker is listed')
  equal((await admin.listTopics()).includes(topic), true, 'the topic is listed')
  await admin.deleteTopics({ topics: [topic] })
  await eventually('it is gone', async () => !(await admin.listTopics()).includes(topic))
})

await admin.connect()
await run('kafkajs')
