-- How far each source was read; times are microseconds since 1970-01-01 UTC. A source that is forgotten is read again.
create table source_position (
    workspace text not null,
    source text not null,
    position text not null,
    origin text,
    updated bigint not null,
    primary key (workspace, source)
) without rowid;
