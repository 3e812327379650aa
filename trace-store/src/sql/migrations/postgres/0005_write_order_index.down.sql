DROP INDEX traces_write_order_idx;
