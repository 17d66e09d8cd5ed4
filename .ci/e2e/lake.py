"""DuckDB attaches the lake's catalog, in SQLite and in PostgreSQL, and reads the same rows as our own query API: as they were
published, after columns were added, after compaction and after retention. pyarrow reads the files alone."""

import pathlib
from datetime import datetime, timedelta, timezone

import pyarrow.parquet

import support
from catalogs import Postgres, Sqlite, attach, command, lake, on_postgres
from support import CONFIG, Service, gateway_record, wait_for, wrong_key_record

ROWS = 5_000
FILES = 4
COLUMNS = [
    "TimeGenerated", "CorrelationId", "ApiId", "CallerIpAddress", "ResponseCode", "ResponseSize", "TotalTime",
    "IsRequestSuccess", "Url", "LastErrorReason", "_ResourceId", "Type", "AdditionalFields",
]


def records(begin):
    for place in range(ROWS):
        at = begin + timedelta(milliseconds=place * 400)
        if place % 20 == 0:
            yield wrong_key_record(f"lake-{place:06d}", at, "203.0.113.9", place)
        else:
            record = gateway_record(f"lake-{place:06d}", at, (200, 201, 404, 503)[place % 4])
            record["properties"] |= {"url": f"https://api.e2e.example/é/{place}?q='\"", "unknownKey": [place, None]}
            yield record


def flow_record(begin):
    millis = int(begin.timestamp() * 1000)
    tuples = [f"{millis + place},10.20.1.4,10.20.2.11,{40000 + place},443,6,I,E,NX,9,900,8,8000" for place in range(50)]
    flows = [{"aclID": "x", "flowGroups": [{"rule": "UserRule_Allow", "flowTuples": tuples}]}]
    return {
        "time": support.instant(begin + timedelta(seconds=40)),
        "flowLogVersion": 4,
        "flowLogGUID": "5d0c7f61-94be-4a55-8a1c-0be7a3a1e2d9",
        "macAddress": "0022488A1C0B",
        "category": "FlowLogFlowEvent",
        "flowLogResourceID": "/SUBSCRIPTIONS/X/RESOURCEGROUPS/Y/PROVIDERS/MICROSOFT.NETWORK/NETWORKWATCHERS/Z/FLOWLOGS/L",
        "targetResourceID": "/subscriptions/x/resourceGroups/y/providers/Microsoft.Network/virtualNetworks/v",
        "operationName": "FlowLogFlowEvent",
        "flowRecords": {"flows": flows},
    }


def plain(value):
    """A value as both sides can be compared by."""
    if isinstance(value, datetime):
        return value.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%f")
    if isinstance(value, str) and len(value) > 19 and value[4] == value[7] == "-" and value[10] == "T":
        return plain(datetime.fromisoformat(value.replace("Z", "+00:00")))
    return value


def schema_of(catalog):
    """The schema of the lake that holds the tables: the workspace's name."""
    found = lake(
        catalog,
        "select distinct table_schema from information_schema.tables "
        "where table_catalog = 'lake' and table_name = 'ApiManagementGatewayLogs'",
    )
    return found[0][0]


def body(checks):
    with support.folder("lake-sqlite") as folder:
        one_catalog(checks, folder, Sqlite(pathlib.Path(folder) / "data"))
    with support.folder("lake-postgres") as folder, on_postgres(checks, folder) as address:
        if address:
            one_catalog(checks, folder, Postgres(address))


def configure(service, catalog, store, rest=""):
    """What the service reads when it starts the next time."""
    text = CONFIG + '[store]\nflush_interval = "500ms"\nupkeep_interval = "500ms"\n' + catalog.config
    service.config.write_text(text + store + rest)


def one_catalog(checks, folder, catalog):
    print(f"  -- catalog in {catalog.name}", flush=True)
    service = Service(folder)
    configure(service, catalog, "[store.compaction]\nfiles = 1000\n")
    service.start()
    try:
        begin = support.now() - timedelta(hours=2)
        sent = list(records(begin))
        # Compaction takes two at a time, so an odd one would be left over until its day ends.
        for part in range(FILES):
            answer = service.ingest(sent[part * ROWS // FILES : (part + 1) * ROWS // FILES])
            assert answer.status == 200, answer
            wait_for(lambda: published(catalog) == part + 1, 30, "a file of its own")
        checks.equal("a flow record is accepted", service.ingest([flow_record(begin)]).status, 200)
        compare(checks, service, catalog)
        verified(checks, service, "as published")
        checks.equal("a clean stop ends with 0", service.stop(), 0)
        evolution(checks, service, catalog)
        compaction(checks, service, catalog)
        retention(checks, service, catalog)
    except Exception:
        print(service.tail(), flush=True)
        raise
    finally:
        if service.alive():
            service.kill()
    count = lake(catalog, f'select count(*) from {table(catalog, "ApiManagementGatewayLogs")}')
    checks.equal("with the service killed DuckDB still reads all", count, [(ROWS,)])
    damage(checks, service)


def table(catalog, name):
    return f'lake."{schema_of(catalog)}"."{name}"'


def published(catalog):
    """Files of gateway logs in the newest snapshot."""
    schema = schema_of(catalog)
    text = f"select count(*) from ducklake_list_files('lake', 'ApiManagementGatewayLogs', schema => '{schema}')"
    return lake(catalog, text)[0][0]


def verified(checks, service, when):
    status, said = command(service, "lake", "verify")
    checks.check(f"bartizan lake verify finds nothing, {when}", status == 0 and " 0 findings" in said, said)


def compare(checks, service, catalog):
    for name, expected in (("ApiManagementGatewayLogs", ROWS), ("NTANetAnalytics", 50)):
        ours = service.query(f"select count(*) as Rows from {name}")[0]["Rows"]
        checks.equal(f"{name}: we count what was sent", int(ours), expected)
        text = f"select count(*) from {table(catalog, name)}"
        wait_for(lambda: lake(catalog, text)[0][0] == expected, 30, f"{name} to be published")
        checks.check(f"{name}: DuckDB counts the same", True)
    names = ", ".join(f'"{name}"' for name in COLUMNS)
    text = f'select {names} from {{}} where "CorrelationId" >= \'lake-00{{}}\' order by "CorrelationId" limit 1000'
    for page in range(0, ROWS, 1000):
        start = f"{page:04d}"
        ours = service.query(text.format('"ApiManagementGatewayLogs"', start))
        theirs = lake(catalog, text.format(table(catalog, "ApiManagementGatewayLogs"), start))
        ours = [tuple(plain(row[name]) for name in COLUMNS) for row in ours]
        theirs = [tuple(plain(value) for value in row) for row in theirs]
        different = [pair for pair in zip(ours, theirs) if pair[0] != pair[1]]
        same = not different and len(ours) == len(theirs) == 1000
        checks.check(f"rows {page} to {page + 999} agree in {len(COLUMNS)} columns", same, different[:1])
    sums(checks, service, catalog)


def sums(checks, service, catalog):
    for name, text in (
        ("NTANetAnalytics", 'select sum("BytesSrcToDest") as a, min("SrcIp") as b, count("DestIp") as c from {}'),
        (
            "ApiManagementGatewayLogs",
            'select sum("ResponseSize") as a, max("TimeGenerated") as b, min("TimeGenerated") as c, '
            'count("LastErrorReason") as d, count(distinct "CallerIpAddress") as e from {}',
        ),
    ):
        ours = service.query(text.format(f'"{name}"'))[0]
        theirs = lake(catalog, text.format(table(catalog, name)))[0]
        ours = [str(plain(ours[key])) for key in sorted(ours)]
        checks.equal(f"{name}: sums and bounds agree", [str(plain(value)) for value in theirs], ours)


def evolution(checks, service, catalog):
    """Makes one file, and the catalog, what a release without the last columns would have left behind."""
    folder = service.data / "lake" / schema_of(catalog) / "ApiManagementGatewayLogs"
    file = sorted(folder.glob("segment-*.parquet"))[0]
    whole = pyarrow.parquet.read_table(file)
    kept = whole.num_columns - 3
    lost = whole.column_names[kept:]
    bytes_before = file.stat().st_size
    pyarrow.parquet.write_table(whole.select(range(kept)), file)
    bytes_after = file.stat().st_size
    of_table = "table_id = (select table_id from ducklake_table where table_name = 'ApiManagementGatewayLogs')"
    of_file = f"(select data_file_id from ducklake_data_file where path = '{file.name}')"
    catalog.run(f"update ducklake_data_file set file_size_bytes = {bytes_after} where path = '{file.name}'")
    grown = f"file_size_bytes = file_size_bytes + {bytes_after - bytes_before}"
    catalog.run(f"update ducklake_table_stats set {grown} where {of_table}")
    catalog.run(f"delete from segment_file where data_file_id in {of_file}")
    for known in ("ducklake_column", "ducklake_file_column_stats", "ducklake_table_column_stats"):
        catalog.run(f"delete from {known} where column_id > {kept} and {of_table}")
    gateway = table(catalog, "ApiManagementGatewayLogs")
    before = lake(catalog, f"describe {gateway}")
    checks.equal("DuckDB sees the older release's columns", len(before), kept)
    service.start()
    after = lake(catalog, f"describe {gateway}")
    checks.equal("the columns of this release are added", [row[0] for row in after[kept:]], lost)
    nulls = f'select count(*) from {{}} where "{lost[0]}" is null and "{lost[1]}" is null'
    ours = service.query(f'select count(*) as n from "ApiManagementGatewayLogs" where "{lost[0]}" is null and "{lost[1]}" is null')
    checks.equal("older rows are null in them", lake(catalog, nulls.format(gateway)), [(int(ours[0]["n"]),)])
    checks.check("and there are such rows", int(ours[0]["n"]) >= whole.num_rows, ours)
    sums(checks, service, catalog)
    verified(checks, service, "after columns were added")
    checks.equal("it stops", service.stop(), 0)


def compaction(checks, service, catalog):
    gateway = table(catalog, "ApiManagementGatewayLogs")
    before = published(catalog)
    checks.equal("there are small files", before, FILES)
    reader = attach(catalog)
    reader.execute("begin")
    count = f"select count(*), sum(\"ResponseSize\") from {gateway}"
    first = reader.execute(count).fetchall()
    rest = "[store.compaction]\nfiles = 2\n"
    configure(service, catalog, "", rest)
    service.start()
    wait_for(lambda: published(catalog) == 1, 60, "compaction")
    checks.check(f"{before} files became one", True)
    again = reader.execute(count).fetchall()
    checks.equal("a reader that had attached before reads on as it was", again, first)
    reader.close()
    sums(checks, service, catalog)
    ordered = f'select count(*) from (select "TimeGenerated" t, lag("TimeGenerated") over (order by file_row_number) b from read_parquet(\'{{}}\', file_row_number => true)) where b > t'
    changes = lake(catalog, "select changes from lake.snapshots()")
    checks.check("DuckDB lists the snapshots", "merge_adjacent" in str(changes), str(changes)[-300:])
    verified(checks, service, "after compaction")
    checks.equal("it stops", service.stop(), 0)
    configure(service, catalog, 'snapshot_retention = "1s"\n', rest)
    service.start()
    folder = service.data / "lake" / schema_of(catalog) / "ApiManagementGatewayLogs"
    wait_for(lambda: len(list(folder.iterdir())) == 1, 60, "replaced files to be removed")
    file = next(folder.iterdir())
    alone = pyarrow.parquet.read_table(file)
    checks.equal("pyarrow reads as many rows", alone.num_rows, ROWS)
    whole = sum(value or 0 for value in alone.column("ResponseSize").to_pylist())
    checks.equal("and the same sum", whole, int(first[0][1]))
    checks.equal("its rows are in order of time", lake(catalog, ordered.format(file)), [(0,)])
    sums(checks, service, catalog)
    verified(checks, service, "after old files were removed")
    checks.equal("it stops", service.stop(), 0)


def retention(checks, service, catalog):
    configure(service, catalog, 'snapshot_retention = "1s"\n', '[store.retention]\nNTANetAnalytics = "1s"\n')
    service.start()
    flows = f"select count(*) from {table(catalog, 'NTANetAnalytics')}"
    wait_for(lambda: lake(catalog, flows) == [(0,)], 60, "retention")
    ours = service.query("select count(*) as n from NTANetAnalytics")
    checks.equal("flows are gone for us too", int(ours[0]["n"]), 0)
    folder = service.data / "lake" / schema_of(catalog) / "NTANetAnalytics"
    wait_for(lambda: not list(folder.iterdir()), 60, "its files to be removed")
    ours = service.query("select count(*) as n from ApiManagementGatewayLogs")
    checks.equal("gateway logs stay", int(ours[0]["n"]), ROWS)
    verified(checks, service, "after retention")
    status, said = command(service, "lake", "status")
    shown = [line.split() for line in said.splitlines()]
    rows = {line[1]: line[4] for line in shown if len(line) > 4}
    checks.check("bartizan lake status counts the rows", status == 0 and rows.get("ApiManagementGatewayLogs") == str(ROWS), said)


def damage(checks, service):
    file = next((service.data / "lake").glob("*/ApiManagementGatewayLogs/segment-*.parquet"))
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    status, said = command(service, "lake", "verify")
    checks.check("one flipped bit is found, with status 1", status == 1 and f"{file}: has other content" in said, said)
    file.unlink()
    status, said = command(service, "lake", "verify")
    checks.check("so is a lost file", status == 1 and f"{file}: is missing" in said, said)


support.run("lake: DuckDB reads what we wrote", body)
