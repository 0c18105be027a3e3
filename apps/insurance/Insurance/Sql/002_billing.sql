CREATE SCHEMA billing;

CREATE TABLE billing.contract (
    policy_id     text PRIMARY KEY,
    holder_id     text NOT NULL,
    state         text NOT NULL CHECK (state IN ('active', 'cancelled')),
    starts_on     date NOT NULL,
    ends_on       date NOT NULL,
    cancelled_on  date,
    updated_at    timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 80);

-- One row for each event, and no primary key or unique index on purpose: see underwriting.decision.
CREATE TABLE billing.contract_event (
    id         bigint GENERATED ALWAYS AS IDENTITY,
    event_id   text NOT NULL,
    policy_id  text NOT NULL,
    kind       text NOT NULL CHECK (kind IN ('issued', 'renewed', 'cancelled')),
    outcome    text NOT NULL CHECK (outcome IN ('accepted', 'rejected')),
    reason     text,
    partition  int NOT NULL,
    "offset"   bigint NOT NULL,
    at         timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX contract_event_event ON billing.contract_event (event_id);
CREATE INDEX contract_event_policy ON billing.contract_event (policy_id);

-- The journal: two rows for each premium, debit positive and credit negative, that add up to 0. Rows are never changed. No primary key or
-- unique index on purpose: see underwriting.decision.
CREATE TABLE billing.entry (
    id                bigint GENERATED ALWAYS AS IDENTITY,
    premium_event_id  text NOT NULL,
    source_event_id   text NOT NULL,
    policy_id         text NOT NULL,
    account           text NOT NULL CHECK (account IN ('receivable', 'premium_income', 'refund_payable')),
    amount_kopecks    bigint NOT NULL,
    partition         int NOT NULL,
    "offset"          bigint NOT NULL,
    booked_at         timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX entry_premium_event ON billing.entry (premium_event_id);
CREATE INDEX entry_source_event ON billing.entry (source_event_id);
CREATE INDEX entry_policy ON billing.entry (policy_id);

-- What the entries of an account add up to, kept by addition: applied twice it is wrong, and differs from the journal.
CREATE TABLE billing.balance (
    policy_id        text NOT NULL,
    account          text NOT NULL,
    balance_kopecks  bigint NOT NULL,
    PRIMARY KEY (policy_id, account)
) WITH (fillfactor = 80);
