-- What claims check, and what operators decide.

ALTER TABLE onceward.subscription
    -- The partitions that were there when somebody last looked; more than that is a growth nobody announced.
    ADD COLUMN partitions  int,
    -- Set when an operator let the worker begin anew on another incarnation or cluster. Nothing moves these offsets any more.
    ADD COLUMN retired_at  timestamptz;

ALTER TABLE onceward.incident
    ADD COLUMN resolved_at  timestamptz;
CREATE INDEX incident_partition ON onceward.incident (subscription_id, partition) WHERE resolved_by IS NULL;
