"""KQL gives the rows that SQL gives: each query of kql_duckdb.txt over generated logs, beside SQL that was written by hand and that
DuckDB runs over the same Parquet files."""

import importlib.util
import json
import math
import pathlib
import random
import tempfile
import uuid
from datetime import datetime, timedelta, timezone

import duckdb

import support
from support import ROOT, Service, wait_for

RECORDS = 20_000
FLOWS = 4_000
HERE = pathlib.Path(__file__).parent
TABLES = {"ApiManagementGatewayLogs": RECORDS, "NTANetAnalytics": FLOWS}
BEGIN = datetime(2026, 11, 1, tzinfo=timezone.utc)


def cases():
    """Title, KQL and SQL of each query."""
    for block in (HERE / "kql_duckdb.txt").read_text().split("\n====\n"):
        title, _, queries = block.partition("\n")
        kql, _, sql = queries.partition("\n----\n")
        yield title.removeprefix("# "), kql, sql


def gateway_lines():
    """The logs that the benchmarks use."""
    spec = importlib.util.spec_from_file_location("gateway", ROOT / "tests" / "bench" / "gateway.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return list(module.lines(RECORDS))


def flow_records(addresses):
    """VNet flow logs whose sources are callers of the gateway as well, or nobody."""
    chance = random.Random(11)
    for minute in range(40):
        at = BEGIN + timedelta(minutes=minute)
        tuples = []
        for place in range(FLOWS // 40):
            source = chance.choice(addresses) if place % 3 else f"10.20.1.{chance.randrange(1, 60)}"
            millis = int(at.timestamp() * 1000) + place * 500
            port, state = chance.choice([(443, "E"), (80, "E"), (22, "D")])
            sent = [0, 0, 0, 0] if state == "D" else [chance.randrange(1, 90), chance.randrange(60, 90_000), chance.randrange(1, 90), chance.randrange(60, 90_000)]
            tuples.append(",".join(map(str, [millis, source, "10.20.2.11", 40_000 + place, port, 6, "I", state, "NX", *sent])))
        rules = [{"rule": "UserRule_Any", "flowTuples": tuples}]
        yield {
            "time": support.instant(at + timedelta(seconds=59)), "flowLogVersion": 4,
            "flowLogGUID": "5d0c7f61-94be-4a55-8a1c-0be7a3a1e2d9", "macAddress": "0022488A1C0B", "category": "FlowLogFlowEvent",
            "flowLogResourceID": "/SUBSCRIPTIONS/X/RESOURCEGROUPS/Y/PROVIDERS/MICROSOFT.NETWORK/NETWORKWATCHERS/Z/FLOWLOGS/L",
            "targetResourceID": "/subscriptions/x/resourceGroups/y/providers/Microsoft.Network/virtualNetworks/v",
            "operationName": "FlowLogFlowEvent", "flowRecords": {"flows": [{"aclID": "x", "flowGroups": rules}]},
        }


def files(service, table):
    return service.data / "lake" / "default" / table / "*.parquet"


def fill(checks, service):
    lines = gateway_lines()
    for start in range(0, len(lines), 1_000):
        answer = service.ingest("\n".join(lines[start:start + 1_000]))
        assert answer.status == 200, answer
    addresses = sorted({json.loads(line)["callerIpAddress"] for line in lines[:3_000]})
    answer = service.ingest(list(flow_records(addresses)))
    assert answer.status == 200, answer
    rows = "SELECT count(*) AS n FROM {}"
    for table, expected in TABLES.items():
        checks.equal(f"{table} is filled", service.query(rows.format(table))[0]["n"], expected)

    def published():
        if not all(any(files(service, table).parent.glob("*.parquet")) for table in TABLES):
            return False
        count = "SELECT coalesce(sum(num_rows), 0) FROM parquet_file_metadata('{}')"
        return [int(duckdb.execute(count.format(files(service, table))).fetchone()[0]) for table in TABLES] == list(TABLES.values())

    wait_for(published, 60, "every row to be published")


def plain(value):
    """A value as both sides can have it: instants as text with seven digits, JSON read."""
    if isinstance(value, datetime):
        return value.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%f0Z")
    if isinstance(value, uuid.UUID):
        return str(value)
    if isinstance(value, str) and value.startswith(("[", "{")):
        return json.loads(value)
    return value


def same(left, right):
    """Equal, numbers up to the order in which they were added."""
    if isinstance(left, (int, float)) and isinstance(right, (int, float)):
        return math.isclose(left, right, rel_tol=1e-9, abs_tol=1e-9)
    return left == right


def differ(ours, theirs, is_ordered):
    """The first row that is not the same, if there is one."""
    if not is_ordered:
        ours, theirs = (sorted(rows, key=lambda row: [(value is None, str(value)) for value in row]) for rows in (ours, theirs))
    if len(ours) != len(theirs):
        return f"{len(ours)} rows, DuckDB has {len(theirs)}"
    for left, right in zip(ours, theirs):
        if len(left) != len(right) or not all(map(same, left, right)):
            return f"{left} is {right} in DuckDB"
    return None


def compare(checks, service, database):
    for title, kql, sql in cases():
        answer = service.call("POST", "/api/v1/query", {"query": kql, "language": "kql", "format": "json"})
        if answer.status != 200:
            checks.check(title, False, answer)
            continue
        ours = [[plain(value) for value in row] for row in answer.json()["rows"]]
        theirs = [[plain(value) for value in row] for row in database.execute(sql).fetchall()]
        found = differ(ours, theirs, is_ordered=" ORDER BY " in sql.rpartition(")")[2])
        checks.check(f"{title} ({len(ours)} rows)", found is None and ours, found)


def body(checks):
    with tempfile.TemporaryDirectory(prefix="bartizan-kql-") as folder:
        service = Service(folder).start()
        try:
            fill(checks, service)
            database = duckdb.connect()
            database.execute("SET TimeZone = 'UTC'")
            for table in TABLES:
                database.execute(f"CREATE VIEW {table} AS SELECT * FROM read_parquet('{files(service, table)}', union_by_name = true)")
            compare(checks, service, database)
        finally:
            service.kill()


support.run("kql_duckdb: KQL gives the rows of hand-written SQL", body)
