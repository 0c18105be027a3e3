-- The ledger: what was applied, what is to be published, what could not be applied. All offsets are bigint.

-- One worker on one incarnation of a topic of one cluster. A topic that is deleted and created again has another topic_id.
CREATE TABLE onceward.subscription (
    id          int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    cluster_id  text NOT NULL,
    worker      text NOT NULL,
    topic       text NOT NULL,
    topic_id    text NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now(),
    UNIQUE (cluster_id, worker, topic, topic_id)
);

-- An ordered, dense stream of outbox rows. Of kind 'partition', its numbers come from consumer_offset.next_out_seq.
CREATE TABLE onceward.outbox_channel (
    id           int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    cluster_id   text NOT NULL,
    application  text NOT NULL,
    kind         text NOT NULL CHECK (kind IN ('partition')),
    source       text NOT NULL,
    relayed_seq  bigint NOT NULL DEFAULT 0,
    UNIQUE (cluster_id, application, source)
);

-- Where a worker stands on a partition. Whoever moves next_offset proves by (next_offset, epoch) that nobody did before.
CREATE TABLE onceward.consumer_offset (
    subscription_id      int NOT NULL REFERENCES onceward.subscription,
    partition            int NOT NULL CHECK (partition >= 0),
    next_offset          bigint NOT NULL CHECK (next_offset >= 0),
    epoch                bigint NOT NULL DEFAULT 0,
    state                text NOT NULL DEFAULT 'running' CHECK (state IN ('running', 'stopped')),
    owner                text,
    claimed_at           timestamptz,
    anchor_offset        bigint,
    anchor_leader_epoch  int,
    anchor_ts            bigint,
    anchor_hash          bigint,
    channel_id           int NOT NULL REFERENCES onceward.outbox_channel,
    next_out_seq         bigint NOT NULL DEFAULT 0,
    updated_at           timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (subscription_id, partition)
    -- Every batch updates these rows: room in the page keeps the updates HOT, an early vacuum keeps the table at a few pages.
) WITH (fillfactor = 30, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);

CREATE TABLE onceward.outbox (
    channel_id  int NOT NULL,
    seq         bigint NOT NULL,
    topic       text NOT NULL,
    key         bytea,
    value       bytea,
    headers     bytea NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (channel_id, seq)
) WITH (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 10000);

CREATE TABLE onceward.dead_letter (
    id               bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    subscription_id  int NOT NULL REFERENCES onceward.subscription,
    partition        int NOT NULL,
    "offset"         bigint NOT NULL,
    key              bytea,
    value            bytea,
    headers          bytea NOT NULL,
    ts               bigint NOT NULL,
    reason           text NOT NULL,
    error            text NOT NULL,
    attempts         int NOT NULL,
    trace_id         text,
    at               timestamptz NOT NULL DEFAULT now()
);

-- Client retries under the same event id are dropped. scope is the subscription.
CREATE TABLE onceward.seen_event (
    scope     int NOT NULL,
    event_id  text NOT NULL,
    at        timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (scope, event_id)
);

-- A durable note of every stop, skip, loss and reset.
CREATE TABLE onceward.incident (
    id               bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    subscription_id  int,
    partition        int,
    kind             text NOT NULL,
    from_offset      bigint,
    to_offset        bigint,
    detail           jsonb NOT NULL DEFAULT '{}',
    at               timestamptz NOT NULL DEFAULT now(),
    resolved_by      text
);
CREATE INDEX incident_open ON onceward.incident (kind) WHERE resolved_by IS NULL;
