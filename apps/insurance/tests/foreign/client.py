"""Drives a running gateway through grpcio (the C core): one line "ok <scenario>" for each, exit code 1 if any failed.

Arguments: host:port, token, the directory of the generated messages. No service code is generated: the methods are called by
their paths, so that only protoc itself is needed.
"""
import itertools
import os
import sys
import threading
import time
import traceback

address, token, generated = sys.argv[1:4]
sys.path.insert(0, generated)

import google
import grpc

google.__path__.append(os.path.join(generated, "google"))
from google.protobuf import timestamp_pb2
from google.rpc import error_details_pb2, status_pb2

import gateway_pb2
import health_pb2
import policy_events_pb2 as events

RUN = f"python-{os.getpid()}-{int(time.time())}"
PATIENCE = 20
AUTHORIZED = (("authorization", f"Bearer {token}"),)


class Gateway:
    """The stubs that a generator would write."""

    def __init__(self, **options):
        self.channel = grpc.insecure_channel(address, **options)
        service = "/insurance.v1.PolicyGateway/"
        request, health = gateway_pb2.PublishRequest.SerializeToString, health_pb2.HealthCheckRequest.SerializeToString
        self.publish_method = self.channel.unary_unary(service + "Publish", request, gateway_pb2.PublishResponse.FromString)
        self.stream_method = self.channel.stream_stream(service + "PublishStream", request, gateway_pb2.PublishAck.FromString)
        self.unknown = self.channel.unary_unary(service + "Nothing", request, gateway_pb2.PublishResponse.FromString)
        self.check = self.channel.unary_unary("/grpc.health.v1.Health/Check", health, health_pb2.HealthCheckResponse.FromString)
        self.watch = self.channel.unary_stream("/grpc.health.v1.Health/Watch", health, health_pb2.HealthCheckResponse.FromString)

    def publish(self, request, timeout=PATIENCE, metadata=AUTHORIZED, **options):
        return self.publish_method(request, timeout=timeout, metadata=metadata, **options)

    def stream(self, requests, timeout=PATIENCE, metadata=AUTHORIZED, **options):
        return self.stream_method(iter(requests), timeout=timeout, metadata=metadata, **options)


def event(number):
    terms = events.PolicyTerms(
        vehicle=events.Vehicle(category=events.VEHICLE_CATEGORY_CAR, engine_power_hp=110),
        territory_code="77",
        drivers=[events.Driver(age=40, experience_years=20, bonus_malus_class="13")],
        base_rate_kopecks=753500,
        starts_on=events.Date(year=2026, month=3, day=1),
        ends_on=events.Date(year=2027, month=3, day=1),
    )
    return gateway_pb2.PublishRequest(event=events.PolicyEvent(
        event_id=f"{RUN}-{number}",
        policy_id=f"{RUN}-policy-{number % 7}",
        occurred_at=timestamp_pb2.Timestamp(seconds=int(time.time())),
        issued=events.PolicyIssued(holder_id="holder-1", terms=terms),
    ))


def refused(code, call):
    try:
        call()
    except grpc.RpcError as error:
        assert error.code() == code, f"{error.code()} {error.details()}"
        return error
    raise AssertionError(f"was accepted instead of {code}")


def violations(rpc_status):
    bad_request = error_details_pb2.BadRequest()
    assert rpc_status.details[0].Unpack(bad_request)
    return [violation.field for violation in bad_request.field_violations]


def violations_of(error):
    trailers = dict(error.trailing_metadata())
    rpc_status = status_pb2.Status.FromString(trailers["grpc-status-details-bin"])
    assert rpc_status.code == error.code().value[0] and rpc_status.message == error.details()
    return violations(rpc_status)


def unary(gateway):
    response = gateway.publish(event(1))
    assert response.event_id == f"{RUN}-1" and response.topic == "auto.events"
    assert 0 <= response.partition < 12 and response.offset >= 0


def stream_of_1000(gateway):
    acks = list(gateway.stream(event(number) for number in range(1000)))
    assert len(acks) == 1000 and len({ack.event_id for ack in acks}) == 1000
    assert all(ack.WhichOneof("outcome") == "accepted" for ack in acks)


def order_of_one_policy(gateway):
    requests = [event(7 * number) for number in range(200)]
    offsets = {ack.event_id: (ack.accepted.partition, ack.accepted.offset) for ack in gateway.stream(requests)}
    placed = [offsets[request.event.event_id] for request in requests]
    assert placed == sorted(placed) and len(set(partition for partition, _ in placed)) == 1


def refused_event_does_not_end_the_stream(gateway):
    bad = event(2)
    bad.event.policy_id = ""
    acks = list(gateway.stream([event(1), bad, gateway_pb2.PublishRequest(), event(3)]))
    assert [ack.WhichOneof("outcome") for ack in acks] == ["accepted", "rejected", "rejected", "accepted"]
    assert acks[1].rejected.code == grpc.StatusCode.INVALID_ARGUMENT.value[0]
    assert violations(acks[1].rejected) == ["event.policy_id"]


def bad_input_has_every_violation(gateway):
    bad = event(1)
    bad.event.event_id = "я" * 65
    bad.event.issued.terms.vehicle.engine_power_hp = 0
    bad.event.issued.terms.drivers[0].experience_years = 39
    error = refused(grpc.StatusCode.INVALID_ARGUMENT, lambda: gateway.publish(bad))
    assert violations_of(error) == [
        "event.event_id", "event.issued.terms.vehicle.engine_power_hp", "event.issued.terms.drivers[0].experience_years"]


def many_violations_still_arrive(gateway):
    bad = event(1)
    del bad.event.issued.terms.drivers[:]
    bad.event.issued.terms.drivers.extend([events.Driver(age=1, experience_years=99, bonus_malus_class="?")] * 20)
    error = refused(grpc.StatusCode.INVALID_ARGUMENT, lambda: gateway.publish(bad))
    assert len(violations_of(error)) == 40


def wrong_token(gateway):
    for metadata in ((), (("authorization", f"Bearer {token}x"),), (("authorization", token),)):
        refused(grpc.StatusCode.UNAUTHENTICATED, lambda: gateway.publish(event(1), metadata=metadata))
        refused(grpc.StatusCode.UNAUTHENTICATED, lambda: list(gateway.stream([event(1)], metadata=metadata)))


def health(gateway):
    ask = health_pb2.HealthCheckRequest
    answers = health_pb2.HealthCheckResponse
    for service in ("", "insurance.v1.PolicyGateway"):
        assert gateway.check(ask(service=service), timeout=PATIENCE).status == answers.SERVING
    refused(grpc.StatusCode.NOT_FOUND, lambda: gateway.check(ask(service="nothing"), timeout=PATIENCE))
    for service, expected in (("", answers.SERVING), ("nothing", answers.SERVICE_UNKNOWN)):
        watch = gateway.watch(ask(service=service), timeout=PATIENCE)
        assert next(watch).status == expected
        watch.cancel()


def unknown_method(gateway):
    refused(grpc.StatusCode.UNIMPLEMENTED, lambda: gateway.unknown(event(1), timeout=PATIENCE))


def deadline_exceeded(gateway):
    refused(grpc.StatusCode.DEADLINE_EXCEEDED, lambda: gateway.publish(event(1), timeout=0.002))
    silent = threading.Event()
    open_ended = itertools.chain([event(1)], (event(2) for _ in iter(lambda: silent.wait(PATIENCE), True)))
    acks = gateway.stream(open_ended, timeout=0.3)
    assert next(acks).WhichOneof("outcome") == "accepted"
    refused(grpc.StatusCode.DEADLINE_EXCEEDED, lambda: next(acks))
    silent.set()


def cancellation(gateway):
    silent = threading.Event()
    acks = gateway.stream(itertools.chain([event(1)], (event(2) for _ in iter(lambda: silent.wait(PATIENCE), True))))
    next(acks)
    acks.cancel()
    silent.set()
    assert acks.code() == grpc.StatusCode.CANCELLED
    gateway.publish(event(2))


def gzip(_):
    gateway = Gateway(compression=grpc.Compression.Gzip)
    assert gateway.publish(event(1)).event_id == f"{RUN}-1"
    assert len(list(gateway.stream(event(number) for number in range(50)))) == 50
    gateway.channel.close()


def deflate_is_named_as_unsupported(_):
    gateway = Gateway(compression=grpc.Compression.Deflate)
    large = event(1)
    large.event.issued.holder_id = "x" * 10_000
    refused(grpc.StatusCode.UNIMPLEMENTED, lambda: gateway.publish(large))
    gateway.channel.close()


def oversize(gateway):
    large = event(1)
    large.event.issued.holder_id = "x" * 600 * 1024
    assert violations_of(refused(grpc.StatusCode.INVALID_ARGUMENT, lambda: gateway.publish(large))) == ["event"]
    large.event.issued.holder_id = "x" * 5 * 1024 * 1024
    refused(grpc.StatusCode.RESOURCE_EXHAUSTED, lambda: gateway.publish(large))
    gateway.publish(event(2))


def large_metadata(gateway):
    gateway.publish(event(1), metadata=AUTHORIZED + (("x-large", "x" * 12_000), ("x-bytes-bin", b"\xff" * 3_000)))


def stream_cut_in_the_middle(gateway):
    torn = Gateway(options=[("grpc.use_local_subchannel_pool", 1)])
    silent = threading.Event()
    acks = torn.stream(itertools.chain([event(1)], (event(2) for _ in iter(lambda: silent.wait(PATIENCE), True))))
    next(acks)
    torn.channel.close()
    silent.set()
    refused(grpc.StatusCode.CANCELLED, lambda: next(acks))
    gateway.publish(event(2))


def main():
    gateway = Gateway()
    failed = 0
    for scenario in (
            unary, stream_of_1000, order_of_one_policy, refused_event_does_not_end_the_stream, bad_input_has_every_violation,
            many_violations_still_arrive, wrong_token, health, unknown_method, deadline_exceeded, cancellation, gzip,
            deflate_is_named_as_unsupported, oversize, large_metadata, stream_cut_in_the_middle):
        try:
            scenario(gateway)
            print(f"ok {scenario.__name__}", flush=True)
        except Exception as error:  # The boundary of a scenario: the others still run.
            failed += 1
            print(f"FAILED {scenario.__name__}: {error!r}", flush=True)
            traceback.print_exc()
    gateway.channel.close()
    return 1 if failed else 0


sys.exit(main())
