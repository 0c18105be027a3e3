"""Debian's python3-kafka: pure Python, infers the broker's version from what it advertises, and speaks the oldest requests."""
import logging
import threading
import time

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient, NewPartitions, NewTopic
from kafka.errors import TopicAlreadyExistsError

from tap import BOOTSTRAP, equal, eventually, run, unique

logging.disable(logging.CRITICAL)
ADMIN = KafkaAdminClient(bootstrap_servers=BOOTSTRAP)


def topic_of(partitions=1):
    name = unique("python")
    ADMIN.create_topics([NewTopic(name, partitions, 1)])
    probe = KafkaConsumer(bootstrap_servers=BOOTSTRAP)
    eventually("its leaders", lambda: len(probe.partitions_for_topic(name) or ()) == partitions)
    probe.close()
    return name


def send(topic, values, **settings):
    producer = KafkaProducer(bootstrap_servers=BOOTSTRAP, acks="all", retries=5, **settings)
    for sent in [producer.send(topic, key=value.encode(), value=value.encode(), headers=[("h", b"x")]) for value in values]:
        sent.get(60)
    producer.close()


def consumer_of(group=None):
    return KafkaConsumer(bootstrap_servers=BOOTSTRAP, group_id=group or unique("group"), auto_offset_reset="earliest", session_timeout_ms=10000,
                         heartbeat_interval_ms=500, auto_commit_interval_ms=200)


def drain(consumer, into):
    for records in consumer.poll(timeout_ms=100).values():
        into += [r.value.decode() for r in records]
    return into


class Member(threading.Thread):
    """A member of a group on a thread of its own: its poll waits until the whole group has joined."""

    def __init__(self, topic, group):
        super().__init__(daemon=True)
        self.consumer, self.seen, self.partitions, self.stopping = consumer_of(group), [], 0, False
        self.consumer.subscribe([topic])
        self.start()

    def run(self):
        while not self.stopping:
            drain(self.consumer, self.seen)
            self.partitions = len(self.consumer.assignment())
        self.consumer.close()

    def stop(self):
        self.stopping = True
        self.join(60)
        equal(self.is_alive(), False, "still polling")


def what_is_produced_is_consumed():
    topic, expected = topic_of(), []
    for codec in (None, "gzip"):
        values = [f"{codec} {i}" for i in range(300)]
        send(topic, values, compression_type=codec)
        expected += values
    consumer, seen = consumer_of(), []
    consumer.subscribe([topic])
    eventually("all are read", lambda: len(drain(consumer, seen)) >= len(expected))
    equal(seen, expected)
    consumer.close()


def a_group_of_two_shares_the_partitions_and_one_takes_over():
    topic, group = topic_of(4), unique("group")
    first, second = Member(topic, group), Member(topic, group)
    eventually("two partitions each", lambda: first.partitions == 2 and second.partitions == 2)
    send(topic, [f"{i}" for i in range(100)])
    eventually("all are read by both", lambda: len(set(first.seen + second.seen)) == 100)
    second.stop()
    send(topic, [f"{i}" for i in range(100, 200)])
    eventually("the rest is read by one", lambda: len(set(first.seen + second.seen)) == 200)
    first.stop()
    offsets = ADMIN.list_consumer_group_offsets(group)
    equal(sum(o.offset for p, o in offsets.items() if p.topic == topic), 200, "sum of the committed offsets")
    equal([g.group for g in ADMIN.describe_consumer_groups([group])], [group], "described")
    equal(group in [name for name, _ in ADMIN.list_consumer_groups()], True, "listed")


def offsets_by_time_and_at_the_ends():
    topic = topic_of()
    producer = KafkaProducer(bootstrap_servers=BOOTSTRAP)
    start = int(time.time() * 1000) - 60_000
    for i in range(10):
        producer.send(topic, value=b"x", timestamp_ms=start + i * 1000).get(30)
    producer.close()
    partition, consumer = TopicPartition(topic, 0), consumer_of()
    equal(consumer.offsets_for_times({partition: start + 6500})[partition].offset, 7, "offset at a time")
    equal((consumer.beginning_offsets([partition])[partition], consumer.end_offsets([partition])[partition]), (0, 10), "ends")
    consumer.close()


def administration():
    topic = topic_of(2)
    ADMIN.create_partitions({topic: NewPartitions(3)})
    try:
        ADMIN.create_topics([NewTopic(topic, 1, 1)])
        raise AssertionError("a topic was created twice")
    except TopicAlreadyExistsError:
        pass
    ADMIN.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, {"retention.ms": "123456"})])

    def setting():
        response = ADMIN.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic, {"retention.ms": None})])[0]
        return response.resources[0][4][0][1]

    eventually("the setting is seen", lambda: setting() == "123456")
    equal(topic in ADMIN.list_topics(), True, "listed")
    equal(len(ADMIN.describe_topics([topic])[0]["partitions"]), 3, "partitions")
    ADMIN.delete_topics([topic])
    eventually("it is gone", lambda: topic not in ADMIN.list_topics())


run("python3-kafka", what_is_produced_is_consumed, a_group_of_two_shares_the_partitions_and_one_takes_over, offsets_by_time_and_at_the_ends, administration)
