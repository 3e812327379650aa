-- The runs whose query goes on behind the beginning that the index of the newest runs holds.
CREATE INDEX traces_long_query_idx ON traces (started_at DESC) WHERE length(query) > 200;
