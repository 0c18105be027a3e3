-- Remembered event ids are forgotten by their age. They come in that order, so a few pages of summary do, and inserts pay nearly nothing.
CREATE INDEX seen_event_at ON onceward.seen_event USING brin (at) WITH (pages_per_range = 16, autosummarize = on);
