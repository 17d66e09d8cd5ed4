-- SQLite has no checksums. Each index holds a second time what decides which rows are there, and the start compares the two.
create index ducklake_schema_copy on ducklake_schema (schema_id, end_snapshot, schema_name);
create index ducklake_table_copy on ducklake_table (table_id, schema_id, end_snapshot, table_name);
create index ducklake_data_file_copy on ducklake_data_file (data_file_id, table_id, end_snapshot, path, record_count, file_size_bytes);
create index ducklake_file_column_stats_copy on ducklake_file_column_stats (data_file_id, min_value, max_value) where column_id = 1;
create index segment_file_copy on segment_file (data_file_id, level, received_min, received_max, digest);
create index wal_position_copy on wal_position (id, sequence);
create index source_position_copy on source_position (workspace, source, position);
