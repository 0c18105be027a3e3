-- Set when a person let the messages of a channel go on in another one. Nothing is published from it any more, whatever Kafka says of it.
ALTER TABLE onceward.outbox_channel ADD COLUMN retired_at timestamptz;
