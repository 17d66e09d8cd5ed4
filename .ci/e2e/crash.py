"""Fifty rounds of kill -9 under load: what was acknowledged is there exactly once, what was sent twice is there once."""

import http.client
import json
import os
import random
import threading
import time
import urllib.parse

import support
from support import ADMIN_KEY, CONFIG, Service, gateway_record

ROUNDS = int(os.environ.get("CRASH_ROUNDS", "50"))
SEED = int(os.environ.get("CRASH_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 32)
SENDERS, RECORDS = 6, 5


class Sender(threading.Thread):
    """Posts small bodies one after the other until the service dies under it.

    An even one remembers the body that got no answer and sends it again, with its Idempotency-Key, to the
    next life of the service; an odd one lets it be.
    """

    def __init__(self, place, round_, service, unanswered):
        super().__init__(daemon=True)
        self.place, self.round = place, round_
        self.address = urllib.parse.urlsplit(service.url).netloc
        self.unanswered = unanswered
        self.acknowledged, self.refused = [], []
        self.open = {key: (key, body, ids) for key, body, ids in unanswered}

    def run(self):
        connection = http.client.HTTPConnection(self.address, timeout=30)
        try:
            for key, body, ids in self.bodies():
                self.open[key] = (key, body, ids)
                headers = {"Authorization": f"Bearer {ADMIN_KEY}", "Content-Type": "application/json"}
                connection.request("POST", "/api/v1/ingest", body, headers | {"Idempotency-Key": key})
                answer = connection.getresponse()
                text = answer.read()
                if answer.status == 200 and json.loads(text)["accepted"] == RECORDS:
                    self.acknowledged.extend(ids)
                    del self.open[key]
                elif answer.status in (409, 429, 503):
                    time.sleep(0.05)
                else:
                    self.refused.append((answer.status, text[:200]))
                    return
        except (OSError, http.client.HTTPException):
            return

    def bodies(self):
        yield from self.unanswered
        number = 0
        while True:
            base = f"{self.round:03d}-{self.place}-{number:05d}"
            ids = [f"{base}-{place}" for place in range(RECORDS)]
            records = [gateway_record(one) for one in ids]
            yield base, json.dumps({"records": records}).encode(), ids
            number += 1


class Ledger:
    """What the service promised, by round."""

    def __init__(self):
        self.acknowledged, self.sent, self.unanswered = {}, 0, {}

    def take(self, sender):
        for one in sender.acknowledged:
            self.acknowledged.setdefault(one[:3], set()).add(one)
        self.sent += len(sender.acknowledged)
        # Only even senders try again.
        self.unanswered[sender.place] = list(sender.open.values()) if sender.place % 2 == 0 else []


def stored(service, round_):
    """How often each id of a round is stored."""
    text = (
        "select CorrelationId, count(*) as Times from ApiManagementGatewayLogs "
        f"where CorrelationId like '{round_:03d}-%' group by CorrelationId"
    )
    found = {}
    for sender in range(SENDERS):
        part = text.replace("-%'", f"-{sender}-%'")
        found.update({row["CorrelationId"]: int(row["Times"]) for row in service.query(part)})
    return found


def verify(checks, service, ledger, rounds):
    lost, twice, total = [], [], 0
    for round_ in rounds:
        found = stored(service, round_)
        total += len(found)
        lost += [one for one in ledger.acknowledged.get(f"{round_:03d}", ()) if one not in found]
        twice += [one for one, times in found.items() if times != 1]
    span = f"rounds {rounds[0]} to {rounds[-1]} ({total} rows)"
    checks.check(f"{span}: nothing acknowledged is lost", not lost, f"{len(lost)}: {sorted(lost)[:5]}")
    checks.check(f"{span}: nothing is there twice", not twice, f"{len(twice)}: {sorted(twice)[:5]}")


def one_round(service, round_, ledger, chance):
    senders = []
    for place in range(SENDERS):
        senders.append(Sender(place, round_, service, ledger.unanswered.get(place, [])))
    for sender in senders:
        sender.start()
    time.sleep(chance.uniform(0.05, 1.6))
    service.kill()
    for sender in senders:
        sender.join(60)
        ledger.take(sender)
    return [refusal for sender in senders for refusal in sender.refused]


def resend(checks, service, ledger):
    """Sends what is still open until it is acknowledged: it may have been stored before the last crash."""
    left = [entry for entries in ledger.unanswered.values() for entry in entries]
    for key, body, ids in left:
        answer = service.ingest(body, {"Idempotency-Key": key})
        if checks.check(f"{key} is acknowledged when sent again", answer.status == 200, answer):
            ledger.acknowledged.setdefault(ids[0][:3], set()).update(ids)
    ledger.unanswered = {}


def body(checks):
    print(f"  seed {SEED} (CRASH_SEED), {ROUNDS} rounds (CRASH_ROUNDS)", flush=True)
    chance = random.Random(SEED)
    with support.folder("crash") as folder:
        service = Service(folder, CONFIG + '[store]\nflush_interval = "500ms"\n')
        ledger, refused = Ledger(), []
        try:
            for round_ in range(ROUNDS):
                service.start()
                if round_ and round_ % 10 == 0:
                    verify(checks, service, ledger, range(round_ - 10, round_))
                refused += one_round(service, round_, ledger, chance)
            service.start()
            resend(checks, service, ledger)
            verify(checks, service, ledger, range(ROUNDS))
            checks.check("no request was refused", not refused, refused[:3])
            checks.check("there was load", ledger.sent >= ROUNDS * SENDERS * RECORDS, ledger.sent)
            print(f"  {ledger.sent} rows acknowledged")
            checks.check("a clean stop ends with 0", service.stop() == 0)
            service.start()
            verify(checks, service, ledger, range(ROUNDS))
        except Exception:
            print(service.tail(), flush=True)
            raise
        finally:
            if service.alive():
                service.kill()


support.run("crash: kill -9 under load", body)
