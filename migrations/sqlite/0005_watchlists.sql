-- Lists that people keep beside the logs, as they were uploaded; times are microseconds since 1970-01-01 UTC.
create table watchlist (
    workspace text not null,
    alias text not null,
    search_key text not null,
    csv blob not null,
    updated bigint not null,
    primary key (workspace, alias)
) without rowid;
