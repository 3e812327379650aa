DROP INDEX traces_long_query_idx;
