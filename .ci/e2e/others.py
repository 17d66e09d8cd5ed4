"""DuckDB writes to the lake, which it should only read: no file that we serve is removed, what it merged and added is served, what
it deleted does not come back by compaction, and all of it is said."""

import pathlib
import time

import support
from catalogs import Postgres, Sqlite, command, lake, load, on_postgres
from support import CONFIG, Service, gateway_record, wait_for

STORE = '[store]\nflush_interval = "300ms"\nupkeep_interval = "300ms"\n'
TABLE = 'lake."default"."ApiManagementGatewayLogs"'


def write(catalog, text):
    """Lets DuckDB write."""
    connection = load()
    try:
        connection.execute(f"ATTACH 'ducklake:{catalog.attached}' AS lake")
        connection.execute(text)
    finally:
        connection.close()


def configure(service, catalog, files):
    service.config.write_text(CONFIG + STORE + catalog.config + f"[store.compaction]\nfiles = {files}\n")


def count(service, where="true"):
    text = f"select count(*) as n, max(\"Url\") as u from ApiManagementGatewayLogs where {where}"
    return int(service.query(text)[0]["n"])


def files(service):
    return sorted(path.name for path in (service.data / "lake").rglob("*.parquet"))


def one_catalog(checks, folder, catalog):
    service = Service(folder)
    configure(service, catalog, 1000)
    service.start()
    try:
        rows = 0
        for part in range(8):
            answer = service.ingest([gateway_record(f"o{part}-{row}") for row in range(100)])
            assert answer.status == 200, answer
            rows += 100
            wait_for(lambda: len(files(service)) == part + 1, 30, "a file of its own")
        write(catalog, "CALL ducklake_merge_adjacent_files('lake')")
        wait_for(lambda: any(name.startswith("ducklake-") for name in files(service)), 30, "DuckDB to merge")
        for _ in range(10):
            checks.check("every row is served while files are replaced", count(service) == rows)
            time.sleep(0.2)
        wait_for(lambda: len(files(service)) == 1, 30, "the replaced files to be removed")
        checks.equal("... and when they are gone", count(service), rows)
        said = service.tail(200)
        checks.check("the log says who changed the lake", "another program changed the lake" in said, said[-800:])
        answer = service.ingest([gateway_record("after")])
        checks.equal("ingest goes on", answer.status, 200)
        rows += 1
        wait_for(lambda: lake(catalog, f"select count(*) from {TABLE}") == [(rows,)], 30, "its file")
        added = "(\"TimeGenerated\", \"CorrelationId\") select now(), 'foreign' from range(100)"
        write(catalog, f"insert into {TABLE} {added}")
        rows += 100
        wait_for(lambda: count(service) == rows, 30, "the rows that DuckDB added in a file")
        checks.check("rows that DuckDB adds in a file are served", True)
        deleted(checks, service, catalog, rows)
        checks.equal("it stops", service.stop(), 0)
    finally:
        if service.alive():
            service.kill()


def deleted(checks, service, catalog, rows):
    write(catalog, f"delete from {TABLE} where \"CorrelationId\" like 'o1-%'")
    write(catalog, f"delete from {TABLE} where \"CorrelationId\" = 'o2-1'")
    left = [(rows - 101,)]
    checks.equal("DuckDB does not see what it deleted", lake(catalog, f"select count(*) from {TABLE}"), left)
    checks.equal("it stops", service.stop(), 0)
    configure(service, catalog, 2)
    service.start()
    for part in range(3):
        service.ingest([gateway_record(f"n{part}-{row}") for row in range(20)])
        time.sleep(0.7)
    time.sleep(1)
    now = lake(catalog, f"select count(*) from {TABLE}")
    checks.equal("compaction brings nothing back", now, [(rows - 101 + 60,)])
    said = service.tail(200)
    checks.check("the log says that the table is not compacted", "the table is not compacted" in said, said[-800:])
    status, said = command(service, "lake", "verify")
    checks.check("so does bartizan lake verify, with status 1", status == 1 and "another program deleted" in said, said)


def body(checks):
    with support.folder("others-sqlite") as folder:
        one_catalog(checks, folder, Sqlite(pathlib.Path(folder) / "data"))
    with support.folder("others-postgres") as folder, on_postgres(checks, folder) as address:
        if address:
            one_catalog(checks, folder, Postgres(address))


support.run("others: programs that write to the lake", body)
