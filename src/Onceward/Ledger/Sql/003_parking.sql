-- Keys that wait: a record that failed is set aside with all later records of its key behind it, and the partition goes on.

-- The row is the lock of its key: who parks behind it and who redrives it hold it FOR UPDATE until they commit.
CREATE TABLE onceward.parked_key (
    subscription_id  int NOT NULL REFERENCES onceward.subscription,
    -- sha256 of '\x01' and the key, so that a key may be as long as Kafka allows; of '\x00', partition and offset where there is no key.
    key_id           bytea NOT NULL CHECK (length(key_id) = 32),
    key              bytea,
    -- 'held': attempts are spent and the key waits for a person.
    state            text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'held')),
    -- Of the record at the head.
    attempts         int NOT NULL CHECK (attempts >= 0),
    next_attempt_at  timestamptz NOT NULL,
    reason           text NOT NULL,
    last_error       text NOT NULL,
    parked_at        timestamptz NOT NULL DEFAULT now(),
    -- The last arrival of this key that was applied since it is parked: what had its place before that cannot go back to it.
    applied_arrival  bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (subscription_id, key_id)
);
CREATE INDEX parked_key_due ON onceward.parked_key (subscription_id, next_attempt_at) WHERE state = 'waiting';

CREATE SEQUENCE onceward.arrival;

CREATE TABLE onceward.parked_record (
    subscription_id  int NOT NULL,
    key_id           bytea NOT NULL,
    -- Redrive follows it, not (partition, offset): a key may have moved to another partition.
    arrival          bigint NOT NULL DEFAULT nextval('onceward.arrival'),
    partition        int NOT NULL,
    "offset"         bigint NOT NULL,
    value            bytea,
    headers          bytea NOT NULL,
    ts               bigint NOT NULL,
    parked_at        timestamptz NOT NULL DEFAULT now(),
    -- Set by the first edit.
    original_value   bytea,
    edited_at        timestamptz,
    edited_by        text,
    -- Where it was before a person sent it back.
    dead_letter_id   bigint REFERENCES onceward.dead_letter,
    PRIMARY KEY (subscription_id, key_id, arrival),
    -- A record is parked once. Whoever sets offsets back by hand must take what is parked from there on out first.
    UNIQUE (subscription_id, partition, "offset"),
    -- Nobody is forgotten: the key's row goes after its last record, or not at all.
    FOREIGN KEY (subscription_id, key_id) REFERENCES onceward.parked_key
);

ALTER TABLE onceward.dead_letter
    ADD COLUMN key_id bytea GENERATED ALWAYS AS (sha256('\x01'::bytea || key)) STORED,
    ADD COLUMN arrival bigint NOT NULL DEFAULT nextval('onceward.arrival'),
    ADD COLUMN state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'parked', 'applied', 'discarded')),
    ADD COLUMN original_value bytea,
    ADD COLUMN edited_at timestamptz,
    ADD COLUMN edited_by text;
CREATE INDEX dead_letter_key ON onceward.dead_letter (subscription_id, key_id);
CREATE INDEX dead_letter_open ON onceward.dead_letter (subscription_id, id) WHERE state = 'open';

-- What became of a dead letter, in order.
CREATE TABLE onceward.dead_letter_history (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    dead_letter_id  bigint NOT NULL REFERENCES onceward.dead_letter,
    at              timestamptz NOT NULL DEFAULT now(),
    event           text NOT NULL CHECK (event IN ('sent back', 'applied', 'failed again', 'discarded', 'edited')),
    by              text NOT NULL,
    detail          text
);
CREATE INDEX dead_letter_history_of ON onceward.dead_letter_history (dead_letter_id);
