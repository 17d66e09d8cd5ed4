"""Quarantine: what can't be read is kept within bounds, can be looked at, and is read again once, also over kill -9."""

import base64
import json
import random
import subprocess
import threading
import time

import support
from support import ADMIN_KEY, CONFIG, Service, binary, environment, gateway_record

MAPPING = """
[[mapping]]
name = "edge"
match = ["/edge_id", "/edge_status"]
[mapping.columns]
TimeGenerated = { path = "/edge_epoch", unit = "s" }
CallerIpAddress = "/edge_client"
CorrelationId = "/edge_id"
ResponseCode = "/edge_status"
"""
FAST = '[store]\nflush_interval = "300ms"\n[limits]\nrequests_per_second = 5000\n'
RECORDS, ROUNDS = 400, 12


def edge(place):
    """A record of a gateway that no decoder knows yet."""
    return {"edge_id": f"edge-{place:04d}", "edge_status": 401, "edge_client": "192.0.2.9", "edge_epoch": 1767323045 + place}


def command(service, *arguments):
    line = [binary(), "quarantine", *arguments, "--url", service.url, "--key", ADMIN_KEY]
    done = subprocess.run(line, capture_output=True, text=True, timeout=120, env=environment(), stdin=subprocess.DEVNULL)
    return done.returncode, done.stdout + done.stderr


def listed(service, query=""):
    records, before = [], ""
    while True:
        page = service.call("GET", f"/api/v1/quarantine?limit=100{query}{before}").json()
        records += page["records"]
        if "next" not in page:
            return records
        before = f"&before={page['next']}"


def rows(service):
    found = service.query("select count(*) as Rows, count(distinct CorrelationId) as Ids from ApiManagementGatewayLogs where CorrelationId like 'edge-%'")[0]
    return int(found["Rows"]), int(found["Ids"])


def looking(checks, service):
    for begin in range(0, RECORDS, 40):
        body = "\n".join(json.dumps(edge(place)) for place in range(begin, begin + 40))
        answer = service.ingest(body + "\n" + json.dumps(gateway_record(f"good-{begin}")))
        if not checks.check(f"records from {begin} on are answered", answer.status == 200 and answer.json()["quarantined"] == 40, answer):
            return
    broken = json.dumps(gateway_record("x")).encode()[:-3] + b"\xff\n"
    service.ingest(json.dumps(gateway_record("beside")).encode() + b"\n" + broken)
    time.sleep(0.7)
    records = listed(service)
    checks.equal("all are listed, over pages, once", len({one["id"] for one in records}), RECORDS + 1)
    checks.equal("the newest comes first", records[0]["reason_class"], "syntax")
    checks.equal("filtered by class", len(listed(service, "&class=unknown_kind")), RECORDS)
    checks.equal("and by source", len(listed(service, "&source=nobody")), 0)
    checks.equal("and by time", len(listed(service, "&until=2020-01-01T00:00:00Z")), 0)
    one = service.call("GET", f"/api/v1/quarantine/{records[0]['id']}").json()
    checks.equal("a record has its bytes, and no text where it is not UTF-8", base64.b64decode(one["bytes"]).strip(), broken.strip())
    checks.check("  ", "text" not in one, one)
    answer = service.call("GET", "/api/v1/quarantine?class=bad")
    checks.check("a wrong class is 400 and names the classes", answer.status == 400 and "unknown_kind" in answer.text, answer)
    checks.equal("a record that is not there is 404", service.call("GET", "/api/v1/quarantine/x").status, 404)
    code, text = command(service, "list", "--class", "unknown_kind", "--limit", "3")
    checks.check("the command lists", code == 0 and text.count("unknown_kind:") == 3 and "--before" in text, text)
    code, text = command(service, "show", records[1]["id"])
    checks.check("and shows", code == 0 and '"edge_id"' in text, text)
    code, text = command(service, "replay")
    checks.check("a replay with the same decoders reads nothing", code == 0 and text.startswith("0 read now"), text)
    code, text = command(service, "show", "../keys")
    checks.check("what is no id is said to be none", code == 1 and "is no id of a record" in text, text)
    wrong(checks, service, records)
    metrics = service.call("GET", "/metrics").text
    checks.check("records are counted by class", f'bartizan_quarantined_records_total{{reason="unknown_kind"}} {RECORDS}' in metrics)
    checks.check("bytes are measured", "bartizan_quarantine_bytes " in metrics)


def wrong(checks, service, records):
    """What would replay more than was meant, or mark what was not replayed."""
    path = "/api/v1/quarantine/replay"
    unknown = "00000000-0000-7000-8000-000000000000-3"
    for request in ({"ids": []}, {"ids": None}, {"ids": [records[0]["id"], "nope"]}):
        answer = service.call("POST", path, request)
        checks.check(f"{list(request.values())[0]} as ids is 400", answer.status == 400 and "id" in answer.text, answer)
    answer = service.call("POST", path, {"ids": [unknown, records[0]["id"]]})
    checks.check("ids of no record are named", answer.status == 200 and answer.json()["unknown"] == [unknown], answer)
    code, text = command(service, "replay", unknown)
    checks.check("  by the command too, with 1", code == 1 and f"no quarantined record '{unknown}'" in text, text)
    key = service.call("POST", "/api/v1/keys", {"name": "sender", "scopes": ["ingest"]}).json()["key"]
    headers = {"Bartizan-Source": f"quarantine:{records[0]['id']}", "Bartizan-To": "replayed"}
    answer = service.ingest([gateway_record("forged")], headers, key=key)
    checks.check("a sender can't mark a record as replayed", answer.status == 400 and "begin with" in answer.text, answer)
    checks.check("  and it is not", not service.call("GET", f"/api/v1/quarantine/{records[0]['id']}").json()["replayed"])


def listed_sources(checks, service):
    """Marks of replays are no sources that somebody reads."""
    for name in ("a", "quarantine", "quarantine:", "r", "z"):
        headers = {"Bartizan-Source": name, "Bartizan-To": "1"}
        if not name.endswith(":"):
            service.ingest([gateway_record(f"source-{name}")], headers)
    names, after = [], ""
    while True:
        page = service.call("GET", f"/api/v1/sources?limit=2{after}").json()
        names += [one["source"] for one in page["sources"]]
        if "next" not in page:
            break
        after = f"&after={page['next']}"
    checks.equal("marks of replays are not listed as sources, the others are", names, ["a", "quarantine", "r", "z"])


def replays(checks, service, chance):
    """The mapping is written at last; the service is killed in the midst of replays."""
    service.config.write_text(CONFIG + FAST + MAPPING)
    for _ in range(ROUNDS):
        service.start()
        ids = [one["id"] for one in listed(service, "&class=unknown_kind") if not one["replayed"]]
        request = {"ids": chance.sample(ids, min(len(ids), 60))} if chance.random() < 0.5 and ids else {"filter": {"limit": 120}}
        thread = threading.Thread(target=service.call, args=("POST", "/api/v1/quarantine/replay", request))
        thread.start()
        time.sleep(chance.uniform(0, 0.4))
        service.kill()
        thread.join()
    service.start()
    before = rows(service)
    checks.check("after kill -9 no record is there twice", before[0] == before[1], before)
    code, text = command(service, "replay")
    checks.check("the replay reads the rest", code == 0 and f"{RECORDS - before[0]} read now" in text, text)
    checks.equal("every record is there once", rows(service), (RECORDS, RECORDS))
    code, text = command(service, "replay", "--class", "unknown_kind")
    checks.check("a second replay adds nothing", text.startswith(f"0 read now, {RECORDS} were before"), text)
    checks.equal("  as the rows say", rows(service), (RECORDS, RECORDS))
    listed_sources(checks, service)
    marked = [one for one in listed(service) if one["replayed"]]
    checks.equal("records are marked as replayed", len(marked), RECORDS)


def bounds(checks, folder):
    """A sender of garbage fills its share, and no more."""
    config = CONFIG + FAST + "[quarantine]\nbody_bytes = 3000\nsender_bytes_per_hour = 5000\n"
    service = Service(folder, config).start()
    try:
        for _ in range(4):
            service.ingest("\n".join(json.dumps({"garbage": "x" * 980}) for _ in range(5)))
        kept = [one["bytes_kept"] for one in listed(service)]
        checks.equal("of each body and of all of an hour only so much is kept", (len(kept), sum(kept)), (20, 5))
        one = [one for one in listed(service) if not one["bytes_kept"]][0]
        checks.check("of the rest reason, length and digest are", one["length"] == 995 and len(one["digest"]) == 64, one)
        code, text = command(service, "replay")
        checks.check("a replay says whose bytes are missing", code == 0 and "of 15 bytes are missing" in text, text)
        metrics = service.call("GET", "/metrics").text
        checks.check("which is counted", "bartizan_quarantined_without_bytes_total 15" in metrics)
    finally:
        service.kill()


def body(checks):
    with support.folder("quarantine") as folder, support.folder("quarantine-bounds") as second:
        service = Service(folder, CONFIG + FAST).start()
        try:
            looking(checks, service)
            service.kill()
            replays(checks, service, random.Random())
        except Exception:
            print(service.tail(), flush=True)
            raise
        finally:
            if service.alive():
                service.kill()
        bounds(checks, second)


support.run("quarantine: kept, looked at, read again once", body)
