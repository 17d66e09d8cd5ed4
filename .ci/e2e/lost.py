"""A catalog that is lost, old or another's, a lake that is not mounted, a database that is away: the service says so, and no
file of the lake is removed. Every state is put right again, and then every row is there."""

import os
import pathlib
import shutil
import subprocess
import time

import support
from catalogs import Postgres, on_postgres, postgres_execute
from support import CONFIG, Service, gateway_record, wait_for

FILES, ROWS = 4, 200
STORE = '[store]\nflush_interval = "300ms"\nupkeep_interval = "500ms"\nwal_file_bytes = 65536\n'


def configure(service, catalog=""):
    service.config.write_text(CONFIG + STORE + catalog + "[store.compaction]\nfiles = 1000\n")


def send(service, name):
    """Rows of their own file, in so long a body that the log goes over to another file."""
    records = [gateway_record(f"{name}-{row}", url="https://x/" + os.urandom(300).hex()) for row in range(ROWS)]
    assert service.ingest(records).status == 200
    before = files(service)
    wait_for(lambda: files(service) > before, 20, "a file")


def files(service):
    return len(list((service.data / "lake").rglob("*.parquet")))


def count(service):
    return int(service.query("select count(*) as n from ApiManagementGatewayLogs")[0]["n"])


def refused(checks, service, what, words):
    """It does not start, says why, and leaves the files as they are; twice, since the first try may have changed something."""
    before = files(service)
    for again in ("", ", and again"):
        offset = service.log.stat().st_size
        try:
            service.start(30)
            checks.check(f"{what}: it does not start{again}", False, service.tail(5))
            service.stop()
        except SystemExit:
            said = service.log.read_bytes()[offset:].decode(errors="replace")
            checks.check(f"{what}: it does not start, and says why{again}", words in said, said[-600:])
            checks.equal(f"{what}: it ends with 1{again}", service.process.returncode, 1)
    checks.equal(f"{what}: no file is removed", files(service), before)


def whole(checks, service, rows, when):
    service.start()
    checks.equal(f"{when} every row is there", count(service), rows)
    time.sleep(1)
    checks.equal(f"{when} it stops with 0", service.stop(), 0)


def body(checks):
    with support.folder("lost-sqlite") as folder:
        on_sqlite(checks, Service(folder))
    with support.folder("lost-postgres") as folder, on_postgres(checks, folder) as address:
        if address:
            on_server(checks, folder, address)


def on_sqlite(checks, service):
    configure(service)
    service.start()
    send(service, "first")
    checks.equal("it stops", service.stop(), 0)
    catalog, kept, old = (service.data / name for name in ("catalog.sqlite", "kept", "old"))
    checks.check("a clean stop leaves the catalog as one file", not list(service.data.glob("catalog.sqlite-*")))
    shutil.copy(catalog, old)
    service.start()
    for file in range(1, FILES):
        send(service, f"file{file}")
    checks.equal("it stops", service.stop(), 0)
    rows = FILES * ROWS
    shutil.copy(catalog, kept)
    catalog.unlink()
    refused(checks, service, "a lost catalog", "is missing or empty")
    checks.check("a new one is not put in its place", not catalog.exists())
    catalog.write_bytes(b"")
    refused(checks, service, "an empty catalog", "is missing or empty")
    catalog.write_bytes(b"garbage " * 2000)
    refused(checks, service, "a file that is no catalog", "is no SQLite database")
    shutil.copy(old, catalog)
    refused(checks, service, "an older catalog", "the catalog is older than the files")
    shutil.copy(kept, catalog)
    whole(checks, service, rows, "with the catalog put back")
    lake, away = service.data / "lake", service.data / "away"
    lake.rename(away)
    refused(checks, service, "a lake that is not mounted", "is its volume mounted?")
    checks.check("nothing is written in its place", not lake.exists())
    away.rename(lake)
    whole(checks, service, rows, "with the lake put back")
    damaged(checks, service, rows)


def damaged(checks, service, rows):
    """One file is lost: that is not the fault of who asks, and the log says which it is."""
    service.start()
    file = next((service.data / "lake").rglob("*.parquet"))
    kept = service.folder / file.name
    shutil.copy(file, kept)
    file.unlink()
    kql = "ApiManagementGatewayLogs | summarize max(Url)"
    answer = service.call("POST", "/api/v1/query", {"query": kql, "language": "kql"})
    checks.check("a lost file is answered with 500, without its path", answer.status == 500 and "/" not in answer.json()["detail"], answer)
    answer = service.call("POST", "/v1/workspaces/default/query", {"query": kql})
    checks.equal("... in Log Analytics' words", (answer.status, answer.json()["error"]["code"]), (500, "InternalServerError"))
    answer = service.call("POST", "/v2/rest/query", {"csl": kql, "db": "default"})
    checks.check("... and in Kusto's", answer.status == 500 or "General_InternalServerError" in answer.text, answer)
    errors = [line for line in service.tail(20).splitlines() if "ERROR" in line and file.name in line]
    checks.check("the log says which file, and what helps", errors and "bartizan lake verify" in errors[0], service.tail(5))
    checks.equal("it stops with 0", service.stop(), 0)
    service.start()
    said = service.tail(12)
    checks.check("the next start says it too", "ERROR" in said and str(file) in said, said)
    checks.equal("it stops with 0", service.stop(), 0)
    shutil.copy(kept, file)
    whole(checks, service, rows, "with the file put back")


def on_server(checks, folder, address):
    catalog, other = Postgres(address), Postgres(address)
    service = Service(pathlib.Path(folder))
    configure(service, catalog.config)
    service.start()
    for file in range(FILES):
        send(service, f"file{file}")
    checks.equal("it stops", service.stop(), 0)
    rows = FILES * ROWS
    configure(service, other.config)
    refused(checks, service, "a mistyped database", "holds no lake")
    configure(service)
    refused(checks, service, "no database", "holds no lake")
    configure(service, catalog.config)
    whole(checks, service, rows, "with the right database")
    taken_over(checks, service, catalog, rows)


def taken_over(checks, service, catalog, rows):
    """Another process opens the lake from a copy of the folder; the first one ends, and is not let back."""
    service.start()
    send(service, "more")
    rows += ROWS
    copy = service.folder / "copy"
    copy.mkdir()
    shutil.copytree(service.data, copy / "data", ignore=shutil.ignore_patterns("lock"))
    second = Service(copy)
    configure(second, catalog.config)
    # Rows that the first acknowledges, and publishes too late.
    second.start()
    try:
        answer = service.ingest([gateway_record("late")])
        wait_for(lambda: not service.alive(), 20, "the first to end")
        checks.equal("the one before ends, with 1", service.process.returncode, 1)
        said = service.tail()
        checks.check("it says who has the lake", "another process has taken this lake over" in said, said[-600:])
        if answer.status == 200:
            checks.check("and where its rows are", "rows=1" in said and str(service.data / "wal") in said, said[-900:])
        checks.equal("the other one has the rest", count(second), rows)
        send(second, "others")
        refused(checks, service, "the one before", "from another copy of")
        checks.equal("the other one goes on", (second.call("GET", "/readyz").status, count(second)), (200, rows + ROWS))
        stopped_without(checks, second, catalog, rows + ROWS)
    finally:
        if second.alive():
            second.kill()


def stopped_without(checks, service, catalog, rows):
    """The database is away while the service stops: that is no clean end, and no row is lost."""
    database = catalog.login.rsplit("dbname=", 1)[1]
    admin = catalog.login.replace(f"dbname={database}", "dbname=postgres")
    postgres_execute(admin, f"alter database {database} with allow_connections false")
    end = f"select pg_terminate_backend(pid) from pg_stat_activity where datname = '{database}'"
    postgres_execute(admin, f"create table ended_{database} as {end}")
    checks.equal("rows are taken while the database is away", service.ingest([gateway_record("kept")]).status, 200)
    answer = service.ingest([gateway_record("key")], {"Idempotency-Key": "k"})
    checks.equal("what needs the database gets 503", answer.status, 503)
    checks.check("... which says so, and when to come back", "catalog" in answer.text and "Retry-After" in answer.headers, answer)
    checks.equal("it stops with 1", service.stop(90), 1)
    said = service.tail()
    checks.check("... and says what is not published", "rows are not published" in said, said[-600:])
    postgres_execute(admin, f"alter database {database} with allow_connections true")
    whole(checks, service, rows + 1, "with the database back")


support.run("lost: a lake that is not whole is left as it is", body)
