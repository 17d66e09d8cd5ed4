"""Fifty rounds of kill -9 under load: what was acknowledged is there exactly once, what was sent twice is there once.

Bodies are sent, some by several senders at once, while rows are queried, published, and looked at by rules.
BARTIZAN_ROUNDS=20 does twenty times as many rounds.
"""

import http.client
import json
import os
import random
import threading
import time
import urllib.parse

import support
from support import ADMIN_KEY, CONFIG, Service, gateway_record

ROUNDS = int(os.environ.get("CRASH_ROUNDS", str(50 * support.effort())))
SEED = int(os.environ.get("CRASH_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 32)
SENDERS, RECORDS = 6, 5
# Of so many bodies one is sent by several at once, with one Idempotency-Key.
REPEATED = 4


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
        self.chance = random.Random(f"{SEED}-{round_}-{place}")
        self.repeated = 0

    def run(self):
        connection = http.client.HTTPConnection(self.address, timeout=30)
        try:
            for key, body, ids in self.bodies():
                self.open[key] = (key, body, ids)
                copies = self.copies(key, body)
                answer = post(connection, key, body)
                text = answer.read()
                for copy in copies:
                    copy.join(60)
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

    def copies(self, key, body):
        """Sends the same body at the same time from elsewhere, now and then."""
        count = self.chance.randint(1, 4) if self.chance.randrange(REPEATED) == 0 else 0
        copies = [threading.Thread(target=send_copy, args=(self.address, key, body), daemon=True) for _ in range(count)]
        for copy in copies:
            copy.start()
        self.repeated += count
        return copies

    def bodies(self):
        yield from self.unanswered
        number = 0
        while True:
            base = f"{self.round:03d}-{self.place}-{number:05d}"
            ids = [f"{base}-{place}" for place in range(RECORDS)]
            records = [gateway_record(one) for one in ids]
            yield base, json.dumps({"records": records}).encode(), ids
            number += 1


def post(connection, key, body):
    headers = {"Authorization": f"Bearer {ADMIN_KEY}", "Content-Type": "application/json"}
    connection.request("POST", "/api/v1/ingest", body, headers | {"Idempotency-Key": key})
    return connection.getresponse()


def send_copy(address, key, body):
    """What becomes of a copy is the same to us: its body has a sender who waits for the answer."""
    connection = http.client.HTTPConnection(address, timeout=30)
    try:
        post(connection, key, body).read()
    except (OSError, http.client.HTTPException):
        pass
    finally:
        connection.close()


class Reader(threading.Thread):
    """Counts the round's rows again and again; what was acknowledged before it asked must be counted."""

    def __init__(self, round_, service, senders):
        super().__init__(daemon=True)
        self.round, self.senders = round_, senders
        self.address = urllib.parse.urlsplit(service.url).netloc
        self.answers, self.stale = 0, []

    def run(self):
        text = (
            "select count(distinct CorrelationId) as n from ApiManagementGatewayLogs "
            f"where CorrelationId like '{self.round:03d}-%'"
        )
        headers = {"Authorization": f"Bearer {ADMIN_KEY}", "Content-Type": "application/json"}
        connection = http.client.HTTPConnection(self.address, timeout=30)
        try:
            while True:
                # Bodies of earlier rounds that are sent again do not count here.
                promised = sum(one[:3] == f"{self.round:03d}" for s in self.senders for one in list(s.acknowledged))
                connection.request("POST", "/api/v1/query", json.dumps({"query": text}), headers)
                answer = connection.getresponse()
                body = answer.read()
                if answer.status == 200:
                    found = int(json.loads(body)["rows"][0][0])
                    self.answers += 1
                    if found < promised:
                        self.stale.append((promised, found))
                else:
                    time.sleep(0.05)
        except (OSError, http.client.HTTPException):
            return


class Ledger:
    """What the service promised, by round."""

    def __init__(self):
        self.acknowledged, self.sent, self.unanswered = {}, 0, {}
        self.lost, self.twice, self.answers, self.repeated, self.stale = set(), set(), 0, 0, []

    def take(self, sender):
        for one in sender.acknowledged:
            self.acknowledged.setdefault(one[:3], set()).add(one)
        self.sent += len(sender.acknowledged)
        self.repeated += sender.repeated
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
    ledger.lost.update(lost)
    ledger.twice.update(twice)
    span = f"rounds {rounds[0]} to {rounds[-1]} ({total} rows)"
    checks.check(f"{span}: nothing acknowledged is lost", not lost, f"{len(lost)}: {sorted(lost)[:5]}")
    checks.check(f"{span}: nothing is there twice", not twice, f"{len(twice)}: {sorted(twice)[:5]}")


def one_round(service, round_, ledger, chance):
    senders = []
    for place in range(SENDERS):
        senders.append(Sender(place, round_, service, ledger.unanswered.get(place, [])))
    reader = Reader(round_, service, senders)
    for thread in [*senders, reader]:
        thread.start()
    time.sleep(chance.uniform(0.05, 1.6))
    service.kill()
    for sender in senders:
        sender.join(60)
        ledger.take(sender)
    reader.join(60)
    ledger.answers += reader.answers
    ledger.stale += reader.stale
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
            checks.check("every query saw what was acknowledged before it", not ledger.stale, ledger.stale[:3])
            checks.check("there were queries and repeated bodies", ledger.answers > ROUNDS / 2 and ledger.repeated)
            print(f"  {ledger.sent} rows acknowledged, {ledger.answers} queries, {ledger.repeated} copies sent beside a body")
            checks.check("a clean stop ends with 0", service.stop() == 0)
            service.start()
            verify(checks, service, ledger, range(ROUNDS))
            support.record(
                "T1", "kill -9 at a random moment under six senders, bodies sent by several at once, queries, publication "
                "and rules; then a restart", rounds=ROUNDS, faults=ROUNDS, acknowledged=ledger.sent,
                lost=len(ledger.lost), doubled=len(ledger.twice)
            )
        except Exception:
            print(service.tail(), flush=True)
            raise
        finally:
            if service.alive():
                service.kill()


support.run("crash: kill -9 under load", body)
