"""DuckDB attaches the lake's catalog and reads the same rows as our own query API."""

import glob
import os
import site
from datetime import datetime, timedelta, timezone

import duckdb

import support
from support import CONFIG, Service, gateway_record, wait_for, wrong_key_record

ROWS = 5_000
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


def attach(data):
    """DuckDB with its extensions out of the installed packages; nothing is downloaded."""
    connection = duckdb.connect()
    pattern = os.path.join("duckdb_extension_*", "extensions", "*", "*.duckdb_extension")
    for path in glob.glob(os.path.join(site.getsitepackages()[0], pattern)):
        connection.execute(f"INSTALL '{path}'")
    for name in ("sqlite_scanner", "ducklake"):
        connection.execute(f"LOAD {name}")
    connection.execute("SET TimeZone='UTC'")
    connection.execute(f"ATTACH 'ducklake:sqlite:{data}/catalog.sqlite' AS lake (READ_ONLY)")
    return connection


def lake(data, text):
    """Rows of a query of DuckDB, over a connection of its own: a snapshot is chosen when it attaches."""
    connection = attach(data)
    try:
        return connection.execute(text).fetchall()
    finally:
        connection.close()


def plain(value):
    """A value as both sides can be compared by."""
    if isinstance(value, datetime):
        return value.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%f")
    if isinstance(value, str) and len(value) > 19 and value[4] == value[7] == "-" and value[10] == "T":
        return plain(datetime.fromisoformat(value.replace("Z", "+00:00")))
    return value


def schema_of(data):
    """The schema of the lake that holds the tables: the workspace's name."""
    found = lake(
        data,
        "select distinct table_schema from information_schema.tables "
        "where table_catalog = 'lake' and table_name = 'ApiManagementGatewayLogs'",
    )
    return found[0][0]


def body(checks):
    with support.folder("lake") as folder:
        service = Service(folder, CONFIG + '[store]\nflush_interval = "500ms"\n').start()
        try:
            begin = support.now() - timedelta(hours=2)
            sent = list(records(begin))
            for place in range(0, ROWS, 500):
                answer = service.ingest(sent[place : place + 500])
                assert answer.status == 200, answer
            checks.equal("a flow record is accepted", service.ingest([flow_record(begin)]).status, 200)
            schema = schema_of(service.data)
            compare(checks, service, schema)
        except Exception:
            print(service.tail(), flush=True)
            raise
        finally:
            service.kill()
        count = lake(service.data, f'select count(*) from lake."{schema}"."ApiManagementGatewayLogs"')
        checks.equal("with the service killed DuckDB still reads all", count, [(ROWS,)])


def compare(checks, service, schema):
    for table, expected in (("ApiManagementGatewayLogs", ROWS), ("NTANetAnalytics", 50)):
        ours = service.query(f"select count(*) as Rows from {table}")[0]["Rows"]
        checks.equal(f"{table}: we count what was sent", int(ours), expected)
        text = f'select count(*) from lake."{schema}"."{table}"'
        wait_for(lambda: lake(service.data, text)[0][0] == expected, 30, f"{table} to be published")
        checks.check(f"{table}: DuckDB counts the same", True)
    names = ", ".join(f'"{name}"' for name in COLUMNS)
    text = f'select {names} from {{}} where "CorrelationId" >= \'lake-00{{}}\' order by "CorrelationId" limit 1000'
    for page in range(0, ROWS, 1000):
        start = f"{page:04d}"
        ours = service.query(text.format('"ApiManagementGatewayLogs"', start))
        theirs = lake(service.data, text.format(f'lake."{schema}"."ApiManagementGatewayLogs"', start))
        ours = [tuple(plain(row[name]) for name in COLUMNS) for row in ours]
        theirs = [tuple(plain(value) for value in row) for row in theirs]
        different = [pair for pair in zip(ours, theirs) if pair[0] != pair[1]]
        same = not different and len(ours) == len(theirs) == 1000
        checks.check(f"rows {page} to {page + 999} agree in {len(COLUMNS)} columns", same, different[:1])
    sums = 'select sum("BytesSrcToDest") as Total, min("SrcIp") as First from {}'
    ours = service.query(sums.format('"NTANetAnalytics"'))[0]
    theirs = lake(service.data, sums.format(f'lake."{schema}"."NTANetAnalytics"'))[0]
    checks.equal("sums over flows agree", (int(theirs[0]), theirs[1]), (int(ours["Total"]), ours["First"]))


support.run("lake: DuckDB reads what we wrote", body)
