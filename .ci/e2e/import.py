"""Files and folders: each record once, whatever is killed, grows, is rotated, renamed or compressed meanwhile."""

import gzip
import json
import os
import pathlib
import random
import signal
import subprocess
import threading
import time

import support
from support import ADMIN_KEY, CONFIG, Service, binary, environment, gateway_record

ROUNDS = int(os.environ.get("IMPORT_ROUNDS", "20"))
SEED = int(os.environ.get("IMPORT_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 32)
FAST = '[store]\nflush_interval = "300ms"\n[limits]\ningest_requests_per_second = 5000\nrequests_per_second = 5000\n'
MACS = ("000D3AF87856", "002248034D77")


class Truth:
    """What was written to files: gateway records by correlation id, flow tuples and broken lines by number."""

    def __init__(self):
        self.gateway, self.flows, self.broken, self.number = set(), 0, 0, 0

    def line(self):
        """A diagnostic log's line, now and then with characters that tempt a splitter."""
        self.number += 1
        name = f"import-{self.number:07d}"
        self.gateway.add(name)
        odd = 'https://api.example/{"a":[1,2]}\\"}]\n' if self.number % 7 == 0 else "https://api.example/orders"
        return json.dumps(gateway_record(name, url=odd)) + "\n"

    def broken_line(self):
        self.broken += 1
        return '{"time":"2026-01-02T03:04:05Z","category":"GatewayLogs","properties":{"url":"cut off\n'

    def flow(self, mac):
        """A VNet flow log's record with two tuples."""
        self.number += 1
        self.flows += 2
        begin = 1_767_323_045_000 + self.number * 1000
        tuples = [
            f"{begin + place},10.20.1.{place + 4},10.20.2.5,{50000 + self.number % 9000},443,6,O,B,NX,0,0,0,0"
            for place in range(2)
        ]
        return json.dumps(
            {
                "time": "2026-01-02T03:04:05.1234567Z",
                "flowLogVersion": 4,
                "flowLogGUID": "61ca57fb-ab9d-4d04-a8c2-d8e7b3f43fc5",
                "macAddress": mac,
                "category": "FlowLogFlowEvent",
                "flowLogResourceID": "/SUBSCRIPTIONS/0D8F6B1C-33A5-4D1E-9C57-8E2F4A60B9D1/RESOURCEGROUPS/NETWORKWATCHERRG/PROVIDERS/MICROSOFT.NETWORK/NETWORKWATCHERS/NW/FLOWLOGS/FL",
                "targetResourceID": "/subscriptions/0d8f6b1c-33a5-4d1e-9c57-8e2f4a60b9d1/resourceGroups/rg/providers/Microsoft.Network/virtualNetworks/vnet",
                "operationName": "FlowLogFlowEvent",
                "flowRecords": {
                    "flows": [
                        {"aclID": "00000000-1234-abcd-ef00-c1c2c3c4c5c6", "flowGroups": [{"rule": "AllowInternal", "flowTuples": tuples}]}
                    ]
                },
            }
        )


class Tree:
    """Azure's folders: append blobs of lines, and block blobs whose end is written anew with each block."""

    def __init__(self, root, chance):
        self.root, self.chance, self.truth = pathlib.Path(root), chance, Truth()
        self.hour = 0

    def diagnostic(self, hour=None):
        hour = self.hour if hour is None else hour
        service = "SUBSCRIPTIONS/0D8F6B1C/RESOURCEGROUPS/RG/PROVIDERS/MICROSOFT.APIMANAGEMENT/SERVICE/E2E-APIM"
        return self._file(f"insights-logs-gatewaylogs/resourceId=/{service}/y=2026/m=01/d=02/h={hour:02d}/m=00/PT1H.json")

    def flow_log(self, mac):
        name = "0D8F6B1C_NETWORKWATCHERRG/NETWORKWATCHER_NORTHEUROPE_FL"
        hour = f"y=2026/m=01/d=02/h={self.hour:02d}/m=00/macAddress={mac}"
        return self._file(f"insights-logs-flowlogflowevent/flowLogResourceID=/{name}/{hour}/PT1H.json")

    def _file(self, name):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def grow(self, lines=40):
        """Appends to this hour's files, sometimes half of a line first, sometimes with a broken one."""
        with open(self.diagnostic(), "a", encoding="utf-8") as out:
            for _ in range(self.chance.randrange(1, lines)):
                line = self.truth.line()
                cut = self.chance.randrange(len(line))
                if self.chance.random() < 0.1:
                    out.write(line[:cut])
                    out.flush()
                    time.sleep(0.01)
                    line = line[cut:]
                out.write(line)
            if self.chance.random() < 0.15:
                out.write(self.truth.broken_line())
        for mac in MACS:
            if self.chance.random() < 0.5:
                self.add_block(self.flow_log(mac), mac)

    def add_block(self, path, mac):
        block = ",".join(self.truth.flow(mac) for _ in range(self.chance.randrange(1, 6)))
        if not path.exists():
            path.write_text('{"records":[' + block + "]}")
            return
        with open(path, "r+b") as out:
            out.seek(-2, os.SEEK_END)
            out.write(("," + block + "]}").encode())


def importer(service, *arguments):
    command = [binary(), "import", "--url", service.url, "--key", ADMIN_KEY, *map(str, arguments)]
    return subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment()
    )


def run_import(service, *arguments, seconds=240):
    process = importer(service, *arguments)
    text, _ = process.communicate(timeout=seconds)
    return process.returncode, text


def counts(service):
    """Rows: gateway records and how many of them are distinct, flow tuples, quarantined records."""
    gateway = service.query("select count(*) as Rows, count(distinct CorrelationId) as Ids from ApiManagementGatewayLogs")[0]
    flows = service.query("select count(*) as Rows from NTANetAnalytics")[0]
    quarantine = service.query('select count(*) as Rows from "_Quarantine"')[0]
    return int(gateway["Rows"]), int(gateway["Ids"]), int(flows["Rows"]), int(quarantine["Rows"])


def expected(truth):
    return len(truth.gateway), len(truth.gateway), truth.flows, truth.broken


def crashes(checks, service, tree):
    """Importer and server are killed in turns while the files grow."""
    for round_ in range(ROUNDS):
        tree.hour = round_ // 4
        process = importer(service, tree.root, "--follow")
        end = time.monotonic() + tree.chance.uniform(0.2, 1.5)
        while time.monotonic() < end:
            tree.grow()
            time.sleep(0.05)
        if round_ % 3 != 0:
            process.send_signal(signal.SIGKILL)
        if round_ % 3 != 1:
            service.kill()
            service.start()
        process.kill()
        process.communicate()
    code, text = run_import(service, tree.root)
    checks.check("an import after the crashes ends with 0", code == 0, text)
    checks.equal(f"{ROUNDS} rounds of kill -9: every record is there once", counts(service), expected(tree.truth))
    code, text = run_import(service, tree.root)
    checks.check("a second import adds nothing", code == 0 and "0 files: 0 records accepted" in text, text)
    checks.equal("  as the rows say", counts(service), expected(tree.truth))


def changes(checks, service, tree):
    """What happens to log files: renamed, compressed, copied, replaced, cut short."""
    old = tree.diagnostic(0)
    old.rename(old.with_name("renamed.json"))
    zipped = tree.diagnostic(1)
    with gzip.open(zipped.with_suffix(".json.gz"), "wt", encoding="utf-8") as out:
        out.write(zipped.read_text(encoding="utf-8"))
        out.write(tree.truth.line())
    zipped.unlink()
    code, text = run_import(service, tree.root)
    checks.check("a renamed and a compressed file are imported", code == 0, text)
    checks.equal("  and only what was added counts", counts(service), expected(tree.truth))
    unfinished = tree.diagnostic(23)
    line = tree.truth.line()
    unfinished.write_text(tree.truth.line() + line[:50], encoding="utf-8")
    code, text = run_import(service, tree.root)
    checks.check("an unfinished record is left and said", code == 0 and "unfinished record of 50 bytes" in text, text)
    with open(unfinished, "a", encoding="utf-8") as out:
        out.write(line[50:])
    run_import(service, tree.root)
    checks.equal("  and taken when it is whole", counts(service), expected(tree.truth))
    refused = tree.root / "table.parquet"
    refused.write_bytes(b"PAR1\0\0\0\0")
    code, text = run_import(service, tree.root, tree.root / "missing")
    checks.check("what can't be read ends with 1 and is named", code == 1 and "table.parquet" in text and "missing" in text, text)
    refused.unlink()
    code, text = run_import(service, "--dry-run", tree.root)
    checks.check("a dry run sends nothing", code == 0 and text.startswith("would send 0 records"), text)


def rotation(checks, service, tree):
    """A log is rotated again and again while it is followed."""
    folder = tree.root / "rotated"
    folder.mkdir()
    process = importer(service, folder, "--follow")
    for generation in range(6):
        for _ in range(5):
            with open(folder / "app.log", "a", encoding="utf-8") as out:
                out.writelines(tree.truth.line() for _ in range(20))
            time.sleep(0.15)
        for number in range(generation, 0, -1):
            (folder / f"app.log.{number}").rename(folder / f"app.log.{number + 1}")
        (folder / "app.log").rename(folder / "app.log.1")
    total = len(tree.truth.gateway)
    try:
        support.wait_for(lambda: counts(service)[0] >= total, 60, "the rotated files")
    except TimeoutError:
        pass
    process.send_signal(signal.SIGINT)
    text, _ = process.communicate(timeout=30)
    checks.check("following ends cleanly on Ctrl-C", process.returncode == 0, text)
    checks.equal("rotated files are read to their ends, once", counts(service), expected(tree.truth))


def copies(checks, service, tree):
    """A file that holds only the beginning of another is no new file, however it came about."""
    folder = tree.root / "copies"
    (folder / "a").mkdir(parents=True)
    (folder / "b").mkdir()
    lines = [tree.truth.line() for _ in range(20)]
    (folder / "a" / "x.json").write_text("".join(lines), encoding="utf-8")
    (folder / "b" / "x.json").write_text("".join(lines[:10]) + lines[10][:80], encoding="utf-8")
    code, text = run_import(service, folder)
    checks.check("a copy of a file's beginning is told", code == 0 and "hold only the beginning" in text, text)
    checks.equal("  and sent no second time", counts(service), expected(tree.truth))
    for name in ("a", "b"):
        old = time.time() - 3600
        os.utime(folder / name / "x.json", (old, old))
    run_import(service, folder)
    checks.equal("  nor when it is old", counts(service), expected(tree.truth))
    (folder / "b" / "x.json").write_text("".join(lines), encoding="utf-8")
    run_import(service, folder)
    checks.equal("  nor when it has grown to the whole", counts(service), expected(tree.truth))
    # The same path is written anew, as scp does it: no other file can prove what this is.
    (folder / "b" / "x.json").unlink()
    (folder / "a" / "x.json").write_text("".join(lines[:12]), encoding="utf-8")
    code, text = run_import(service, folder)
    checks.check("a file that shrank waits while it is written", code == 0 and "may be an unfinished copy" in text, text)
    more = [tree.truth.line() for _ in range(3)]
    (folder / "a" / "x.json").write_text("".join(lines + more), encoding="utf-8")
    run_import(service, folder)
    checks.equal("  and what was added to it then is sent once", counts(service), expected(tree.truth))


def copytruncate(checks, service, tree):
    """logrotate copies a log while it is followed, cuts it to nothing, and compresses the copy; the first line is always the same."""
    folder = tree.root / "copytruncate"
    folder.mkdir()
    opened = json.dumps(gateway_record("import-opened", at=support.now())) + "\n"
    tree.truth.gateway.add("import-opened")
    log = folder / "access.log"
    process = importer(service, folder, "--follow")
    generations = 3
    for generation in range(generations):
        with open(log, "a", encoding="utf-8") as out:
            out.write(opened)
            out.writelines(tree.truth.line() for _ in range(300))
        time.sleep(1.5)
        for number in range(generation, 0, -1):
            (folder / f"access.log.{number}.gz").rename(folder / f"access.log.{number + 1}.gz")
        whole = log.read_bytes()
        in_parts(folder / "access.log.1", whole)
        os.truncate(log, 0)
        in_parts(folder / "access.log.1.gz", gzip.compress(whole))
        (folder / "access.log.1").unlink()
    with open(log, "a", encoding="utf-8") as out:
        out.write(opened + tree.truth.line())
    total = len(tree.truth.gateway) + generations
    try:
        support.wait_for(lambda: counts(service)[0] >= total, 30, "the log")
        time.sleep(2)
    except TimeoutError:
        pass
    process.send_signal(signal.SIGINT)
    text, _ = process.communicate(timeout=30)
    checks.check("following a log that is copied and cut ends with 0", process.returncode == 0, text)
    wanted = (total, len(tree.truth.gateway)) + expected(tree.truth)[2:]
    checks.equal("every record is there once, and the first line once for each log", counts(service), wanted)


def in_parts(path, whole, parts=4):
    """Writes a file slowly."""
    with open(path, "wb", 0) as out:
        for part in range(parts):
            out.write(whole[part * len(whole) // parts : (part + 1) * len(whole) // parts])
            time.sleep(0.7)


def alike(checks, service):
    """Many files with the same first line cost as many requests as others."""
    count = 1_100
    with support.folder("alike") as folder:
        first = json.dumps(gateway_record("alike-first", at=support.now())) + "\n"
        for place in range(count):
            (pathlib.Path(folder) / f"{place:04d}.json").write_text(first + json.dumps(gateway_record(f"alike-{place}")) + "\n")
        begin = time.monotonic()
        code, text = run_import(service, folder)
        print(f"  {count} files that begin alike: {time.monotonic() - begin:.1f} s")
        found = service.query("select count(*) as Rows, count(distinct CorrelationId) as Ids from ApiManagementGatewayLogs where CorrelationId like 'alike-%'")[0]
        checks.equal(f"{count} files that begin alike are all sent", (code, int(found["Rows"]), int(found["Ids"])), (0, 2 * count, count + 1))
        code, text = run_import(service, folder)
        checks.check("  and known again", code == 0 and "0 files: 0 records accepted" in text, text)


def values(checks, service):
    """Comma-separated values have their names in the first line only."""
    names = "TimeGenerated [UTC],CorrelationId,ResponseCode,Url,Type\r\n"

    def row(place):
        return f'"11/24/2026, 1:00:00.000 AM",csv-{place},200,"https://{"x" * 200}\n/{place}",ApiManagementGatewayLogs\r\n'

    def ids():
        found = service.query("select count(*) as Rows, count(distinct CorrelationId) as Ids from ApiManagementGatewayLogs where CorrelationId like 'csv-%'")[0]
        return int(found["Rows"]), int(found["Ids"])

    with support.folder("values") as folder:
        path = pathlib.Path(folder) / "rows.csv"
        path.write_text(names + "".join(row(place) for place in range(12_000)))
        code, text = run_import(service, path)
        checks.equal("comma-separated values of 3 MB", (code, ids()), (0, (12_000, 12_000)))
        with open(path, "a", encoding="utf-8") as out:
            out.write(row(12_000) + row(12_001)[:-9])
        run_import(service, path)
        checks.equal("  and a row that was added", ids(), (12_001, 12_001))
        process = importer(service, folder, "--follow")
        with open(path, "a", encoding="utf-8") as out:
            out.write(row(12_001)[-9:] + row(12_002))
        try:
            support.wait_for(lambda: ids()[0] >= 12_003, 30, "rows")
        except TimeoutError:
            pass
        process.send_signal(signal.SIGINT)
        text, _ = process.communicate(timeout=30)
        checks.equal("  also while it is followed", (process.returncode, ids()), (0, (12_003, 12_003)))
        path.write_text(names + "one,two\n" + row(0))
        code, text = run_import(service, path)
        checks.check("a row with too few cells is quarantined and said", code == 0 and "1 records could not be read" in text, text)


def odd_files(checks, service):
    """What is no plain file."""
    with support.folder("odd") as folder:
        path = pathlib.Path(folder) / "padded.gz"
        path.write_bytes(gzip.compress(json.dumps(gateway_record("odd-padded")).encode() + b"\n") + b"\0" * 512)
        code, text = run_import(service, path)
        checks.check("gzip with zeros behind it", code == 0 and "1 records accepted" in text, text)
        pipe = pathlib.Path(folder) / "pipe"
        os.mkfifo(pipe)
        for name in (pipe, "-", "/dev/null"):
            code, text = run_import(service, name, seconds=20)
            checks.check(f"{name} is refused with what to do", code == 1 and "write it to a file first" in text, text)
        whole = gzip.compress("".join(json.dumps(gateway_record(f"odd-{place}")) + "\n" for place in range(200)).encode())
        path.write_bytes(whole[: len(whole) // 2])
        code, text = run_import(service, path)
        checks.check("gzip that ends too early is an error", code == 1 and "still being written" in text, text)
        # Quiet for long, so it is reported; then it is whole after all.
        os.utime(path, (time.time() - 3600, time.time() - 3600))
        later = pathlib.Path(folder) / "later"
        process = importer(service, folder, later, "--follow")
        time.sleep(2)
        path.write_bytes(whole)
        later.write_text(json.dumps(gateway_record("odd-later")) + "\n")
        query = "select count(*) as Rows, count(distinct CorrelationId) as Ids from ApiManagementGatewayLogs where CorrelationId like 'odd-%'"
        try:
            support.wait_for(lambda: int(service.query(query)[0]["Rows"]) >= 202, 30, "the rest")
        except TimeoutError:
            pass
        process.send_signal(signal.SIGINT)
        text, _ = process.communicate(timeout=30)
        found = service.query(query)[0]
        checks.equal("  but not for one that is followed and finished later", (process.returncode, int(found["Rows"]), int(found["Ids"])), (0, 202, 202))
        checks.check("  and what is not there yet is waited for, and said", "later: No such file" in text and "waiting for it" in text, text)
        checks.check("  and so is what was cut off for long", "still being written" in text, text)


def away(checks):
    """A service that can't be reached is waited for, and that is said; an address that is none is not."""
    with support.folder("away") as folder:
        path = pathlib.Path(folder) / "a.json"
        path.write_text(json.dumps(gateway_record("away")) + "\n")

        def importing(url):
            line = [binary(), "import", "--url", url, "--key", ADMIN_KEY, str(path)]
            return subprocess.Popen(line, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment())

        for url in ("ftp://x", "nonsense", "localhost:8080"):
            process = importing(url)
            text, _ = process.communicate(timeout=20)
            checks.check(f"{url} is refused at once", process.returncode == 1 and "no address of a service" in text, text)
        port = support.free_port()
        process = importing(f"http://127.0.0.1:{port}/")
        said = process.stdout.readline()
        checks.check("a port where nobody listens is waited for, and said", f"waiting for http://127.0.0.1:{port}: " in said and "refused" in said, said)
        time.sleep(1)
        process.send_signal(signal.SIGINT)
        text, _ = process.communicate(timeout=20)
        checks.check("  once, and again at the end", text.count("waiting for") == 1 and "ended while" in text, text)


def two_at_once(checks, service, tree):
    """Two importers of the same files: between them each record is sent once."""
    folder = tree.root / "both"
    folder.mkdir()
    for name in range(6):
        (folder / f"{name}.json").write_text("".join(tree.truth.line() for _ in range(400)), encoding="utf-8")
    results = []
    threads = [threading.Thread(target=lambda: results.append(run_import(service, folder))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    checks.check("two importers at once both end with 0", all(code == 0 for code, _ in results), results)
    checks.equal("  and each record is there once", counts(service), expected(tree.truth))


def api(checks, service):
    listed = service.call("GET", "/api/v1/sources?limit=1000").json()["sources"]
    checks.check("sources are listed with their files", listed and any("PT1H.json" in one["origin"] for one in listed), listed[:2])
    one = listed[0]
    found = service.call("GET", f"/api/v1/sources/{one['source']}").json()
    checks.equal("and one by one", found, one)
    headers = {"Bartizan-Source": one["source"], "Bartizan-From": "1:00", "Bartizan-To": "2:00"}
    answer = service.ingest([gateway_record("elsewhere")], headers)
    checks.check("a part from elsewhere is 409", answer.status == 409 and answer.json()["position"] == one["position"], answer)
    answer = service.ingest([gateway_record("elsewhere")], {"Bartizan-Source": one["source"]})
    checks.check("a part without an end is 400", answer.status == 400 and "Bartizan-To" in answer.text, answer)


def body(checks):
    print(f"  seed {SEED} (IMPORT_SEED), {ROUNDS} rounds (IMPORT_ROUNDS)", flush=True)
    chance = random.Random(SEED)
    with support.folder("import") as folder:
        service = Service(folder, CONFIG + FAST).start()
        tree = Tree(pathlib.Path(folder) / "tree", chance)
        try:
            for part in (crashes, changes, rotation, two_at_once, copies, copytruncate):
                part(checks, service, tree)
            api(checks, service)
            for part in (alike, values, odd_files):
                part(checks, service)
            away(checks)
            print(f"  {len(tree.truth.gateway)} records and {tree.truth.flows} flow tuples")
        except Exception:
            print(service.tail(), flush=True)
            raise
        finally:
            service.kill()


support.run("import: files and folders, each record once", body)
