"""Far more logs than the service can take: it says so with 429 and 503, its memory stays bounded, small queries go on,
what it acknowledged is there once, and it recovers by itself."""

import json
import os
import re
import threading
import time
import uuid

import support
from support import CONFIG, Service, gateway_record

SECONDS = int(os.environ.get("OVERLOAD_SECONDS", "12"))
SENDERS = 120
RECORDS = 400
PLACE = b"over-???-??????"
# Small, so that a test build is overwhelmed within seconds.
BODIES_MB, ROWS_MB, QUERIES_MB, FILES = 4, 8, 64, 4
LIMITS = f"""
[limits]
body_bytes = {2 << 20}
decompressed_bytes = {2 << 20}
ingest_memory_bytes = {BODIES_MB << 20}
ingest_concurrency = 2
ingest_requests_per_second = 20
address_requests_per_second = 100000
[store]
segment_bytes = {ROWS_MB << 19}
recent_bytes = {ROWS_MB << 20}
[store.compaction]
files = {FILES}
[query]
memory_bytes = {QUERIES_MB << 20}
"""
# What the configuration promises: a body is there as it came, as rows and as a frame of the log; rows stay until their
# file is written, which needs buffers by column; a file that is merged takes 6 MB, and there may be a compacted one more.
PROMISED_MB = 3 * BODIES_MB + 2 * ROWS_MB + QUERIES_MB + 6 * (FILES + 1)
# Pages that are partly free count as used.
ALLOCATOR_FACTOR = 2
# Pages of the program that only load brings in, and a heap of its own for each of some twenty threads.
BASE_MB = 64
# The allocator would keep what was freed for a second, which is as much as is worked on in a second.
ENVIRONMENT = {"MIMALLOC_PURGE_DELAY": "0"}
QUERY_P99_S_MAX = 5.0
RECOVERY_S_MAX = 5.0


class Sender(threading.Thread):
    """Sends as fast as it can and keeps count of what it was told."""

    def __init__(self, service, number, template):
        super().__init__()
        self.service, self.number, self.template, self.end = service, number, template, None
        self.answers, self.acknowledged, self.without_retry_after = {}, [], 0

    def run(self):
        place = 0
        while time.monotonic() < self.end:
            batch = f"over-{self.number:03d}-{place:06d}"
            place += 1
            answer = self.service.ingest(self.template.replace(PLACE, batch.encode()))
            self.answers[answer.status] = self.answers.get(answer.status, 0) + 1
            if answer.status == 200:
                self.acknowledged.append(batch)
            elif "Retry-After" not in answer.headers:
                self.without_retry_after += 1


def template():
    """A body whose correlation ids begin with a name to be given. Made once: writing JSON takes longer than reading it."""
    filler = os.urandom(300).hex()
    records = [gateway_record(f"{PLACE.decode()}-{one}", padding=filler) for one in range(RECORDS)]
    return json.dumps({"records": records}).encode()


def peak_mb(service):
    with open(f"/proc/{service.process.pid}/status", encoding="utf-8") as status:
        return int(re.search(r"VmHWM:\s+(\d+)", status.read())[1]) / 1024


def memory_at_rest_mb(service):
    """What the program takes that has done everything once: most of it is its own pages."""
    service.ingest([gateway_record("rest")])
    service.query("select count(*) as n from ApiManagementGatewayLogs where ResponseCode = 503")
    return peak_mb(service)


def ask_meanwhile(service, end):
    """Small queries while the load lasts; how long each took."""
    took = []
    while time.monotonic() < end:
        begin = time.monotonic()
        service.query("select count(*) as n from ApiManagementGatewayLogs where ResponseCode = 503")
        took.append(time.monotonic() - begin)
        time.sleep(0.2)
    return sorted(took)


def verify(checks, service, senders):
    acknowledged = {batch for sender in senders for batch in sender.acknowledged}
    text = (
        "select substr(CorrelationId, 1, 15) as Batch, count(*) as Rows, count(distinct CorrelationId) as Ids "
        "from ApiManagementGatewayLogs where CorrelationId like 'over-{:03d}-%' group by 1"
    )
    found = {}
    for sender in senders:
        for row in service.query(text.format(sender.number)):
            found[row["Batch"]] = (int(row["Rows"]), int(row["Ids"]))
    lost = [batch for batch in acknowledged if found.get(batch) != (RECORDS, RECORDS)]
    checks.check(f"all {len(acknowledged):,} acknowledged batches are there, once", not lost, lost[:5])
    checks.check("nothing that was refused is there", found.keys() <= acknowledged, sorted(found.keys() - acknowledged)[:5])


def body(checks):
    with support.folder("overload") as folder:
        os.environ.update(ENVIRONMENT)
        service = Service(folder, CONFIG + LIMITS).start()
        body_ = template()
        rest = memory_at_rest_mb(service)
        memory_mb_max = rest + BASE_MB + ALLOCATOR_FACTOR * PROMISED_MB
        senders = [Sender(service, number, body_) for number in range(SENDERS)]
        end = time.monotonic() + SECONDS
        for sender in senders:
            sender.end = end
            sender.start()
        queries = ask_meanwhile(service, end)
        for sender in senders:
            sender.join()
        answers = {}
        for sender in senders:
            for status, count in sender.answers.items():
                answers[status] = answers.get(status, 0) + count
        print(f"  {SECONDS} s, {SENDERS} senders: {answers}")
        checks.check("nothing but 200, 429 and 503 is answered", set(answers) <= {200, 429, 503}, answers)
        checks.check("some is taken", answers.get(200, 0) > 0, answers)
        checks.check("and some refused", answers.get(429, 0) + answers.get(503, 0) > 0, answers)
        missing = sum(sender.without_retry_after for sender in senders)
        checks.equal("every refusal says when to come back", missing, 0)
        peak = peak_mb(service)
        bound = f"{memory_mb_max:.0f} MB, {rest:.0f} at rest, {BASE_MB} and {ALLOCATOR_FACTOR} times the {PROMISED_MB} of the configuration"
        checks.check(f"memory stays below {bound} ({peak:.0f})", peak < memory_mb_max, peak)
        slowest = queries[int(len(queries) * 0.99)]
        checks.check(f"99 of 100 small queries take less than {QUERY_P99_S_MAX} s ({slowest:.2f})", slowest < QUERY_P99_S_MAX, queries[-3:])
        begin = time.monotonic()
        one = str(uuid.uuid4())
        refusals = []
        while (answer := service.ingest([gateway_record(one)])).status != 200 and time.monotonic() - begin < 30:
            refusals.append(str(answer))
            time.sleep(0.1)
        checks.check("a batch is taken again", answer.status == 200, refusals[-3:])
        took = time.monotonic() - begin
        checks.check(f"it recovers within {RECOVERY_S_MAX} s ({took:.2f})", took < RECOVERY_S_MAX, took)
        verify(checks, service, senders)
        checks.equal("it ends in order", service.stop(), 0)


if __name__ == "__main__":
    support.run("overload: more than it can take", body)
