-- Tables of the crate `alerts`. Times are microseconds since 1970-01-01 UTC.

-- Where each rule stands: the end of its next window, and whether it runs.
create table rule_state (
    workspace text not null,
    rule_id text not null,
    next_window_end integer not null,
    received_seen integer not null,
    suppressed_until integer,
    windows integer not null default 0,
    status text not null check (status in ('ok', 'failing')),
    error text,
    failing_since integer,
    failures integer not null default 0,
    retry_at integer,
    evaluated integer,
    primary key (workspace, rule_id)
) strict;

create table incident (
    workspace text not null,
    number integer not null,
    id text not null unique,
    rule_id text not null,
    fingerprint text not null,
    title text not null,
    description text not null,
    severity text not null check (severity in ('Informational', 'Low', 'Medium', 'High')),
    status text not null check (status in ('New', 'Active', 'Closed')),
    classification text,
    classification_reason text,
    classification_comment text,
    owner text,
    labels text not null,
    first_activity integer not null,
    last_activity integer not null,
    created integer not null,
    modified integer not null,
    closed integer,
    version integer not null,
    alerts integer not null,
    tactics text not null,
    techniques text not null,
    entities text not null,
    details text not null,
    evidence text not null,
    runbook text not null,
    reason text not null,
    late integer not null,
    first_event integer,
    last_event integer,
    window_start integer not null,
    window_end integer not null,
    received integer,
    primary key (workspace, number)
) strict;

-- At most one incident is open for the same rule and entities.
create unique index incident_open on incident (workspace, rule_id, fingerprint) where status <> 'Closed';
create index incident_status on incident (workspace, status, number);
create index incident_fingerprint on incident (workspace, rule_id, fingerprint, number);

create table alert (
    workspace text not null,
    id text not null,
    incident_number integer not null,
    rule_id text not null,
    rule_version text not null,
    fingerprint text not null,
    title text not null,
    severity text not null,
    window_start integer not null,
    window_end integer not null,
    first_event integer,
    last_event integer,
    created integer not null,
    late integer not null,
    entities text not null,
    details text not null,
    evidence text not null,
    primary key (workspace, id),
    foreign key (workspace, incident_number) references incident (workspace, number)
) strict;

-- The same window never raises the same alert twice.
create unique index alert_window on alert (workspace, rule_id, fingerprint, window_end);
create index alert_incident on alert (workspace, incident_number);

-- What people did to an incident.
create table incident_change (
    workspace text not null,
    number integer not null,
    version integer not null,
    changed integer not null,
    actor text not null,
    changes text not null,
    comment text,
    primary key (workspace, number, version),
    foreign key (workspace, number) references incident (workspace, number)
) strict;

create table delivery (
    id text primary key,
    workspace text not null,
    incident_number integer not null,
    receiver text not null,
    message text not null,
    status text not null check (status in ('pending', 'leased', 'delivered', 'dead')),
    attempts integer not null,
    due integer not null,
    lease text,
    lease_until integer,
    created integer not null,
    finished integer,
    error text,
    foreign key (workspace, incident_number) references incident (workspace, number)
) strict;

create index delivery_due on delivery (status, due);
create index delivery_incident on delivery (workspace, incident_number);

create table delivery_attempt (
    delivery_id text not null references delivery (id),
    number integer not null,
    started integer not null,
    finished integer not null,
    outcome text not null check (outcome in ('delivered', 'retry', 'refused')),
    answer text not null,
    primary key (delivery_id, number)
) strict;
