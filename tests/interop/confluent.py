"""Debian's python3-confluent-kafka: librdkafka as of the distribution, which compresses and groups only if the first versions are offered."""
from confluent_kafka import Consumer, KafkaError, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, ConfigResource, NewPartitions, NewTopic

from tap import BOOTSTRAP, equal, eventually, run, unique

ADMIN = AdminClient({"bootstrap.servers": BOOTSTRAP})


def topic_of(partitions=1):
    name = unique("confluent")
    ADMIN.create_topics([NewTopic(name, partitions, 1)])[name].result(30)
    return name


def send(topic, values, **settings):
    errors = []
    producer = Producer({"bootstrap.servers": BOOTSTRAP, **{k.replace("_", "."): v for k, v in settings.items()}})
    for value in values:
        producer.produce(topic, value, key=value, headers={"h": "x"}, on_delivery=lambda error, _: errors.append(error))
    equal(producer.flush(60), 0, "left in the queue")
    equal([e for e in errors if e], [], "errors")
    equal(len(errors), len(values), "deliveries")


def consumer_of(group=None, **settings):
    return Consumer({
        "bootstrap.servers": BOOTSTRAP, "group.id": group or unique("group"), "auto.offset.reset": "earliest", "session.timeout.ms": 10000, "heartbeat.interval.ms": 500,
        "auto.commit.interval.ms": 200, **{k.replace("_", "."): v for k, v in settings.items()}})


def drain(consumer, into):
    while (message := consumer.poll(0.05)) is not None:  # not consume(), which loses records in a rebalance before librdkafka 2
        if message.error() is None:
            into.append(message.value().decode())
    return into


def what_is_produced_is_consumed_whatever_compresses_it():
    topic = topic_of()
    expected = []
    for codec in ("none", "gzip", "snappy", "lz4", "zstd"):
        values = [f"{codec} {i}" for i in range(300)]
        send(topic, values, compression_codec=codec, enable_idempotence=codec != "none")
        expected += values
    consumer, seen = consumer_of(), []
    consumer.subscribe([topic])
    eventually("all are read", lambda: len(drain(consumer, seen)) >= len(expected))
    equal(seen, expected)
    consumer.close()


def a_group_of_two_shares_the_partitions_and_one_takes_over():
    topic, group, seen = topic_of(4), unique("group"), []
    first, second = consumer_of(group), consumer_of(group)
    first.subscribe([topic])
    second.subscribe([topic])

    def shared():
        drain(first, seen), drain(second, seen)
        return len(first.assignment()) == 2 and len(second.assignment()) == 2

    eventually("two partitions each", shared)
    send(topic, [f"{i}" for i in range(100)])
    eventually("all are read by both", lambda: (drain(first, seen), len(set(drain(second, seen))) == 100)[1])
    second.close()
    send(topic, [f"{i}" for i in range(100, 200)])
    eventually("the rest is read by one", lambda: len(set(drain(first, seen))) == 200)
    equal(len(first.assignment()), 4, "partitions of the one that stayed")
    first.close()
    reader = consumer_of(group)
    committed = reader.committed([TopicPartition(topic, p) for p in range(4)], timeout=30)
    equal(sum(max(0, p.offset) for p in committed), 200, "sum of the committed offsets")
    reader.close()


def transactions_commit_and_abort_records_and_offsets():
    source, target, group = topic_of(), topic_of(), unique("group")
    producer = Producer({"bootstrap.servers": BOOTSTRAP, "transactional.id": unique("transaction")})
    producer.init_transactions(60)
    member = consumer_of(group)
    for word, commit, offset in (("aborted", False, 7), ("committed", True, 5)):
        producer.begin_transaction()
        producer.produce(target, word)
        producer.send_offsets_to_transaction([TopicPartition(source, 0, offset)], member.consumer_group_metadata(), 60)
        producer.flush(60)
        producer.commit_transaction(60) if commit else producer.abort_transaction(60)
    reader, seen = consumer_of(isolation_level="read_committed"), []
    reader.subscribe([target])
    eventually("the committed one is read", lambda: len(drain(reader, seen)) > 0)
    equal(seen, ["committed"])
    equal(member.committed([TopicPartition(source, 0)], timeout=30)[0].offset, 5, "committed offset")
    reader.close()
    member.close()


def a_second_producer_fences_the_first():
    topic, name = topic_of(), unique("transaction")
    first = Producer({"bootstrap.servers": BOOTSTRAP, "transactional.id": name})
    first.init_transactions(60)
    first.begin_transaction()
    first.produce(topic, "lost")
    second = Producer({"bootstrap.servers": BOOTSTRAP, "transactional.id": name})
    second.init_transactions(60)
    try:
        first.commit_transaction(60)
    except Exception as refused:
        equal(refused.args[0].fatal(), True, f"{refused} is fatal")
        return
    raise AssertionError("the fenced producer committed")


def administration():
    topic = topic_of(2)
    ADMIN.create_partitions([NewPartitions(topic, 3)])[topic].result(30)
    eventually("three partitions", lambda: len(ADMIN.list_topics(topic, timeout=30).topics[topic].partitions) == 3)
    resource = ConfigResource("topic", topic, set_config={"retention.ms": "123456"})
    ADMIN.alter_configs([resource])[resource].result(30)

    def setting():
        answers = ADMIN.describe_configs([resource])  # held, or its futures never end
        return answers[resource].result(30)["retention.ms"].value

    eventually("the setting is seen", lambda: setting() == "123456")
    send(topic, [f"{i}" for i in range(30)])
    consumer = consumer_of()
    marks = [consumer.get_watermark_offsets(TopicPartition(topic, p), timeout=30) for p in range(3)]
    equal(sum(high - low for low, high in marks), 30, "records between the marks")
    consumer.close()
    ADMIN.list_groups(timeout=30)
    ADMIN.delete_topics([topic])[topic].result(30)
    eventually("it is gone", lambda: topic not in ADMIN.list_topics(timeout=30).topics)
    try:
        ADMIN.create_topics([NewTopic("not a name", 1, 1)])["not a name"].result(30)
    except Exception as refused:
        equal(refused.args[0].code(), KafkaError.TOPIC_EXCEPTION, "error of a bad name")
        return
    raise AssertionError("a bad name was taken")


run("python3-confluent-kafka", what_is_produced_is_consumed_whatever_compresses_it, a_group_of_two_shares_the_partitions_and_one_takes_over,
    transactions_commit_and_abort_records_and_offsets, a_second_producer_fences_the_first, administration)
