CREATE SCHEMA underwriting;

CREATE TABLE underwriting.policy (
    policy_id        text PRIMARY KEY,
    holder_id        text NOT NULL,
    state            text NOT NULL CHECK (state IN ('active', 'cancelled')),
    starts_on        date NOT NULL,
    ends_on          date NOT NULL,
    cancelled_on     date,
    premium_kopecks  bigint NOT NULL,
    updated_at       timestamptz NOT NULL DEFAULT now()
    -- A policy lives through a few updates that touch no indexed column: room in the page keeps them HOT.
) WITH (fillfactor = 80);

-- One row for each event, whatever became of it. Deliberately without a primary key or any unique index: a constraint would turn an event
-- applied twice into an error that is then handled, and hide what this table exists to show. Counting the rows proves exactly once.
CREATE TABLE underwriting.decision (
    id               bigint GENERATED ALWAYS AS IDENTITY,
    event_id         text NOT NULL,
    policy_id        text NOT NULL,
    kind             text NOT NULL CHECK (kind IN ('issued', 'renewed', 'cancelled')),
    outcome          text NOT NULL CHECK (outcome IN ('accepted', 'rejected')),
    reason           text,
    premium_kopecks  bigint,
    partition        int NOT NULL,
    "offset"         bigint NOT NULL,
    decided_at       timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX decision_event ON underwriting.decision (event_id);
CREATE INDEX decision_policy ON underwriting.decision (policy_id);
