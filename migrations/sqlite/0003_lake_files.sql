-- Whose lake this is: the data folder that its files lie in, and the process that writes to it now.
create table lake_owner (id bigint primary key check (id = 1), lake text not null, instance text not null);

-- What DuckLake does not keep of a file: whether it was compacted (level 1), when its rows came in (microseconds
-- since 1970-01-01 UTC), and the BLAKE3 digest of its bytes.
create table segment_file (
    data_file_id bigint primary key,
    level bigint not null,
    received_min bigint not null,
    received_max bigint not null,
    digest blob not null
);
