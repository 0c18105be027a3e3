// Drives a running gateway through grpc-js: one line "ok <scenario>" for each, exit code 1 if any failed.
// Arguments: host:port, token, then the directories to find .proto files in, the contracts first.
import assert from 'node:assert/strict';
import http2 from 'node:http2';
import net from 'node:net';
import zlib from 'node:zlib';
import grpc from '@grpc/grpc-js';
import loader from '@grpc/proto-loader';

const [address, token, contracts, ...includes] = process.argv.slice(2);
const definition = loader.loadSync(
  ['gateway.proto', 'health.proto', 'google/rpc/status.proto', 'google/rpc/error_details.proto'],
  { includeDirs: [contracts, ...includes], keepCase: true, longs: Number, enums: String, oneofs: true, defaults: true });
const api = grpc.loadPackageDefinition(definition);
const run = `node-${process.pid}-${Date.now()}`;
const credentials = grpc.credentials.createInsecure();
const { status } = grpc;

const gateway = (options) => new api.insurance.v1.PolicyGateway(address, credentials, options);
const health = new api.grpc.health.v1.Health(address, credentials);
const client = gateway();

function metadata(extra = {}) {
  const built = new grpc.Metadata();
  built.set('authorization', `Bearer ${token}`);
  for (const [key, value] of Object.entries(extra)) built.set(key, value);
  return built;
}

function event(id, change = {}) {
  return {
    event: {
      event_id: `${run}-${id}`,
      policy_id: `${run}-policy-${id % 7}`,
      occurred_at: { seconds: Math.floor(Date.now() / 1000) },
      issued: {
        holder_id: 'holder-1',
        terms: {
          vehicle: { category: 'VEHICLE_CATEGORY_CAR', engine_power_hp: 110 },
          territory_code: '77',
          drivers: [{ age: 40, experience_years: 20, bonus_malus_class: '13' }],
          base_rate_kopecks: 753500,
          starts_on: { year: 2026, month: 3, day: 1 },
          ends_on: { year: 2027, month: 3, day: 1 },
        },
      },
      ...change,
    },
  };
}

function publish(request, { headers = metadata(), options = {}, using = client } = {}) {
  return new Promise((resolve, reject) =>
    using.Publish(request, headers, options, (error, response) => (error ? reject(error) : resolve(response))));
}

async function refused(code, call) {
  const error = await call.then(() => assert.fail('was accepted'), (e) => e);
  assert.equal(error.code, code, `${error.code} ${error.details}`);
  return error;
}

function ended(call) {
  return new Promise((resolve) => {
    call.on('status', resolve);
    call.on('error', () => {}); // The same news as the status.
  });
}

const collect = (call) => {
  const acks = [];
  call.on('data', (ack) => acks.push(ack));
  return acks;
};

function violations(rpcStatus) {
  const [detail] = rpcStatus.details;
  assert.equal(detail.type_url, 'type.googleapis.com/google.rpc.BadRequest');
  return definition['google.rpc.BadRequest'].deserialize(detail.value).field_violations;
}

const violationsOf = (error) => violations(definition['google.rpc.Status'].deserialize(error.metadata.get('grpc-status-details-bin')[0]));

const scenarios = {
  async unary() {
    const response = await publish(event(1));
    assert.equal(response.event_id, `${run}-1`);
    assert.equal(response.topic, 'auto.events');
    assert.ok(response.partition >= 0 && response.partition < 12 && response.offset >= 0);
  },

  async stream_of_1000() {
    const call = client.PublishStream(metadata());
    const acks = collect(call);
    const end = ended(call);
    for (let i = 0; i < 1000; i++) {
      if (!call.write(event(1000 + i))) await new Promise((resolve) => call.once('drain', resolve));
    }
    call.end();
    assert.equal((await end).code, status.OK);
    assert.equal(acks.length, 1000);
    assert.equal(new Set(acks.map((ack) => ack.event_id)).size, 1000);
    assert.ok(acks.every((ack) => ack.outcome === 'accepted'));
  },

  async refused_event_does_not_end_the_stream() {
    const call = client.PublishStream(metadata());
    const acks = collect(call);
    const end = ended(call);
    for (const request of [event(1), event(2, { policy_id: '' }), {}, event(3)]) call.write(request);
    call.end();
    assert.equal((await end).code, status.OK);
    assert.deepEqual(acks.map((ack) => ack.outcome), ['accepted', 'rejected', 'rejected', 'accepted']);
    assert.equal(acks[1].event_id, `${run}-2`);
    assert.equal(acks[1].rejected.code, status.INVALID_ARGUMENT);
    assert.equal(violations(acks[1].rejected)[0].field, 'event.policy_id');
  },

  async bad_input_has_every_violation() {
    const bad = event(1, { event_id: 'a b', occurred_at: { seconds: 1 } });
    bad.event.issued.terms.base_rate_kopecks = -1;
    bad.event.issued.terms.ends_on = { year: 2026, month: 2, day: 30 };
    const error = await refused(status.INVALID_ARGUMENT, publish(bad));
    assert.deepEqual(violationsOf(error).map((violation) => violation.field), [
      'event.event_id', 'event.occurred_at', 'event.issued.terms.base_rate_kopecks', 'event.issued.terms.ends_on']);
  },

  async many_violations_still_arrive() {
    const bad = event(1);
    bad.event.issued.terms.drivers = Array.from({ length: 20 }, () => ({ age: 1, experience_years: 99, bonus_malus_class: '?' }));
    const error = await refused(status.INVALID_ARGUMENT, publish(bad));
    assert.equal(violationsOf(error).length, 40);
  },

  async unknown_kind() {
    const bad = event(1);
    delete bad.event.issued;
    const error = await refused(status.INVALID_ARGUMENT, publish(bad));
    assert.equal(violationsOf(error)[0].field, 'event.kind');
  },

  async wrong_token() {
    await refused(status.UNAUTHENTICATED, publish(event(1), { headers: new grpc.Metadata() }));
    await refused(status.UNAUTHENTICATED, publish(event(1), { headers: metadata({ authorization: `Bearer ${token}x` }) }));
    const call = client.PublishStream(new grpc.Metadata());
    collect(call);
    assert.equal((await ended(call)).code, status.UNAUTHENTICATED);
  },

  async health() {
    const check = (service) => new Promise((resolve, reject) =>
      health.Check({ service }, (error, response) => (error ? reject(error) : resolve(response.status))));
    assert.equal(await check(''), 'SERVING');
    assert.equal(await check('insurance.v1.PolicyGateway'), 'SERVING');
    await refused(status.NOT_FOUND, check('nothing'));
    for (const [service, expected] of [['', 'SERVING'], ['nothing', 'SERVICE_UNKNOWN']]) {
      const watch = health.Watch({ service });
      const end = ended(watch);
      const first = await new Promise((resolve) => watch.once('data', resolve));
      assert.equal(first.status, expected);
      watch.cancel();
      assert.equal((await end).code, status.CANCELLED);
    }
  },

  async unknown_method() {
    const call = (path) => new Promise((resolve, reject) => client.makeUnaryRequest(
      path, (bytes) => bytes, (bytes) => bytes, Buffer.alloc(0), (error, response) => (error ? reject(error) : resolve(response))));
    await refused(status.UNIMPLEMENTED, call('/insurance.v1.PolicyGateway/Nothing'));
  },

  async deadline_exceeded() {
    // The producer lingers for longer than this, so either side may be the first to notice.
    await refused(status.DEADLINE_EXCEEDED, publish(event(1), { options: { deadline: Date.now() + 2 } }));
    const call = client.PublishStream(metadata(), { deadline: Date.now() + 200 });
    const acks = collect(call);
    const end = ended(call);
    call.write(event(2));
    assert.equal((await end).code, status.DEADLINE_EXCEEDED);
    assert.equal(acks.length, 1);
  },

  async cancellation() {
    const call = client.PublishStream(metadata());
    const end = ended(call);
    call.write(event(1));
    await new Promise((resolve) => call.once('data', resolve));
    call.cancel();
    assert.equal((await end).code, status.CANCELLED);
    await publish(event(2));
  },

  async gzip() {
    const gzipped = gateway({ 'grpc.default_compression_algorithm': 2 });
    const response = await publish(event(1), { using: gzipped });
    assert.equal(response.event_id, `${run}-1`);
    const call = gzipped.PublishStream(metadata());
    const acks = collect(call);
    const end = ended(call);
    for (let i = 0; i < 50; i++) call.write(event(i));
    call.end();
    assert.equal((await end).code, status.OK);
    assert.equal(acks.length, 50);
    gzipped.close();
  },

  // The library hides how a message came, so the bytes themselves are looked at.
  async gzip_on_the_wire() {
    const service = definition['insurance.v1.PolicyGateway'].Publish;
    const payload = zlib.gzipSync(service.requestSerialize(event(1)));
    const session = http2.connect(`http://${address}`);
    const stream = session.request({
      ':method': 'POST', ':path': service.path, 'content-type': 'application/grpc', te: 'trailers',
      authorization: `Bearer ${token}`, 'grpc-encoding': 'gzip', 'grpc-accept-encoding': 'identity,gzip',
    });
    const prefix = Buffer.alloc(5);
    prefix[0] = 1;
    prefix.writeUInt32BE(payload.length, 1);
    stream.end(Buffer.concat([prefix, payload]));
    const headers = new Promise((resolve) => stream.once('response', resolve));
    const trailers = new Promise((resolve) => stream.once('trailers', resolve));
    const chunks = [];
    for await (const chunk of stream) chunks.push(chunk);
    const body = Buffer.concat(chunks);
    assert.equal((await trailers)['grpc-status'], '0');
    assert.equal((await headers)['grpc-encoding'], 'gzip');
    assert.equal(body[0], 1);
    assert.equal(service.responseDeserialize(zlib.gunzipSync(body.subarray(5))).event_id, `${run}-1`);
    session.close();
  },

  async oversize() {
    const large = event(1);
    large.event.issued.holder_id = 'x'.repeat(600 * 1024);
    const error = await refused(status.INVALID_ARGUMENT, publish(large));
    assert.equal(violationsOf(error)[0].field, 'event');
    large.event.issued.holder_id = 'x'.repeat(5 * 1024 * 1024);
    await refused(status.RESOURCE_EXHAUSTED, publish(large));
    await publish(event(2));
  },

  async large_metadata() {
    await publish(event(1), { headers: metadata({ 'x-large': 'x'.repeat(12_000), 'x-bytes-bin': Buffer.alloc(3_000, 0xff) }) });
  },

  async stream_cut_in_the_middle() {
    const service = definition['insurance.v1.PolicyGateway'].PublishStream;
    const [host, port] = address.split(':');
    const socket = net.connect({ host, port });
    const session = http2.connect(`http://${address}`, { createConnection: () => socket });
    const stream = session.request({
      ':method': 'POST', ':path': service.path, 'content-type': 'application/grpc', te: 'trailers', authorization: `Bearer ${token}`,
    });
    stream.on('error', () => {});
    session.on('error', () => {});
    const payload = service.requestSerialize(event(1));
    const prefix = Buffer.alloc(5);
    prefix.writeUInt32BE(payload.length, 1);
    stream.write(Buffer.concat([prefix, payload, prefix, payload.subarray(0, 10)]));
    // One whole event and a half: the whole one is acknowledged, then the connection is torn.
    await new Promise((resolve) => stream.once('data', resolve));
    socket.destroy();
    await publish(event(2));
  },
};

let failed = 0;
for (const [name, scenario] of Object.entries(scenarios)) {
  let timer;
  const patience = new Promise((_, reject) => { timer = setTimeout(() => reject(new Error('took longer than 20 s')), 20_000); });
  try {
    await Promise.race([scenario(), patience]);
    console.log(`ok ${name}`);
  } catch (error) {
    failed++;
    console.log(`FAILED ${name}: ${error.message.replaceAll('\n', ' ')}`);
  } finally {
    clearTimeout(timer);
  }
}
client.close();
health.close();
process.exit(failed === 0 ? 0 : 1);
