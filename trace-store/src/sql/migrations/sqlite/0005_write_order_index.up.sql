-- A writer reads what others recorded since its last batch.
CREATE INDEX traces_write_order_idx ON traces (write_order);
