"""What goes wrong on the way to receivers costs no message, is seen in metrics, and can be mended while the service runs."""

import json
import re
from datetime import timedelta

import support
from sinks import MailServer, WebhookReceiver
from support import CONFIG, Service, gateway_record, wait_for, webhook_secret, wrong_key_record


def config(mail, hooks, secret):
    text = f"""{CONFIG}
[smtp]
host = "127.0.0.1"
port = {mail.port}
tls = "starttls"
username = "{mail.USER}"
password = "{mail.PASSWORD}"
from = "Bartizan <bartizan@example.org>"
ca_certificate = "{mail.authority}"
[[receivers]]
name = "mail"
[receivers.email]
to = ["oncall@example.org", "left@example.org"]
[delivery]
retry_schedule = ["0s", "1s", "1s", "1s", "1s", "1s", "1s", "1s", "1s", "1s", "1s", "1s", "1s", "1s", "60s", "60s"]
timeout = "60s"
"""
    for name, hook in hooks.items():
        text += f"""
[[receivers]]
name = "{name}"
[receivers.webhook]
url = "http://127.0.0.1:{hook.port}/"
secret = "{secret}"
allow_private = true
"""
    return text


def attack(service, begin, address):
    guesses = [
        wrong_key_record(f"{address}-{place}", begin + timedelta(seconds=place * 3.7), address, place)
        for place in range(80)
    ]
    service.ingest(guesses)
    service.ingest([gateway_record(f"{address}-later", begin + timedelta(minutes=16))])
    wait_for(lambda: any(address in json.dumps(one) for one in service.incidents()), 40, f"incident of {address}")


def deliveries(service, receiver):
    return service.call("GET", f"/api/v1/deliveries?receiver={receiver}").json()["deliveries"]


def states(service, receiver):
    return sorted(one["status"] for one in deliveries(service, receiver))


def metric(service, name, receiver):
    text = service.call("GET", "/metrics").text
    found = re.search(rf'^{name}{{receiver="{receiver}"[^}}]*}} (\S+)$', text, re.MULTILINE)
    return float(found.group(1)) if found else None


def wait_for_metric(checks, service, name, receiver, expected):
    try:
        wait_for(lambda: metric(service, name, receiver) == expected, 15, name)
    except TimeoutError:
        pass
    checks.equal(f"{name} of {receiver}", metric(service, name, receiver), expected)


def wrong_password(checks, service, mail):
    tried = lambda: [one for one in deliveries(service, "mail/email") if one["attempts"] > 1]
    waiting = wait_for(tried, 20, "further attempts")[0]
    checks.equal("after a wrong password mail waits", waiting["status"], "pending")
    checks.check("and says why", "SMTP 535" in waiting["error"], waiting)
    wait_for_metric(checks, service, "bartizan_deliveries_pending", "mail/email", 1)
    checks.check("its age is told", metric(service, "bartizan_delivery_oldest_pending_seconds", "mail/email") > 0)
    del mail.PASSWORD
    wait_for(lambda: states(service, "mail/email") == ["delivered"], 20, "the e-mail")
    checks.equal("with the right one it arrives", [one.rcpt_tos for one in mail.mails], [["oncall@example.org"]])
    name = "bartizan_delivery_recipients_refused_total"
    checks.equal("who was refused is counted", metric(service, name, "mail/email"), 1)
    checks.check("and named", "the relay refuses left@example.org" in service.log.read_text())
    checks.check("the password is not in the log", "correct horse" not in service.log.read_text())


def gone(checks, service, hook):
    wait_for_metric(checks, service, "bartizan_receiver_gone", "gone/webhook", 1)
    wait_for_metric(checks, service, "bartizan_deliveries_dead", "gone/webhook", 1)
    wait_for_metric(checks, service, "bartizan_deliveries_pending", "gone/webhook", 1)
    checks.equal("after 410 nothing more is posted", len(hook.posts), 1)
    dead = service.call("GET", "/api/v1/deliveries?status=dead").json()["deliveries"]
    checks.equal("what was given up is listed", [one["receiver"] for one in dead], ["gone/webhook"])
    return dead[0]["id"]


def renamed(checks, service, hooks, text):
    service.kill()
    service.config.write_text(text.replace('name = "good"', 'name = "better"'))
    hooks["good"].status = 204
    hooks["gone"].status = 204
    before = len(hooks["good"].posts)
    service.start()
    said = lambda: [one for one in deliveries(service, "good/webhook") if "configured" in (one["error"] or "")]
    waiting = wait_for(said, 20, "a delivery to a receiver that is not configured")
    checks.equal("a message waits for its receiver's name", waiting[0]["status"], "pending")
    checks.equal("nothing is posted meanwhile", len(hooks["good"].posts), before)
    service.kill()
    service.config.write_text(text)
    service.start()
    wait_for(lambda: states(service, "good/webhook") == ["delivered"] * 2, 20, "the message")
    checks.check("once the name is back it is delivered", True)


def incident(checks, service):
    path = "/api/v1/incidents/1"
    patch = {"status": "Active", "owner": "ann", "comment": "on it"}
    checks.equal("If-Match: * takes any version", service.call("PATCH", path, patch, {"If-Match": "*"}).status, 200)
    last = service.call("GET", path).json()["history"][-1]
    checks.equal("the comment is in the history", last["comment"], "on it")
    checks.equal("so is what changed", last["changes"]["owner"], {"old": None, "new": "ann"})
    checks.equal("a label has a bound", service.call("PATCH", path, {"labels": ["l" * 101]}).status, 400)
    checks.equal("limit=1000 is taken", service.call("GET", "/api/v1/incidents?limit=1000").status, 200)
    checks.equal("limit=1001 is not", service.call("GET", "/api/v1/incidents?limit=1001").status, 400)
    high = service.call("GET", "/api/v1/incidents?severity=Informational").json()["incidents"]
    checks.equal("incidents are listed by severity", high, [])


def body(checks):
    with support.folder("faults") as folder:
        mail = MailServer(folder)
        hooks = {name: WebhookReceiver().start() for name in ("slow", "good", "gone")}
        text = config(mail, hooks, webhook_secret())
        mail.PASSWORD = "rotated"
        mail.refused = {"left@example.org": "550 5.1.1 nobody of that name"}
        hooks["slow"].delay, hooks["gone"].status = 300, 410
        mail.start()
        service = Service(folder, text).start()
        begin = (support.now() - timedelta(minutes=75)).replace(second=1, microsecond=0)
        begin -= timedelta(minutes=begin.minute % 15)
        try:
            attack(service, begin, "203.0.113.201")
            wait_for(lambda: states(service, "good/webhook") == ["delivered"], 20, "the webhook beside a slow one")
            checks.equal("a slow receiver delays nobody else", states(service, "slow/webhook"), ["leased"])
            wrong_password(checks, service, mail)
            hooks["good"].status = 503
            attack(service, begin + timedelta(minutes=30), "203.0.113.202")
            wait_for(lambda: states(service, "good/webhook") == ["delivered", "pending"], 20, "a failed attempt")
            dead = gone(checks, service, hooks["gone"])
            incident(checks, service)
            renamed(checks, service, hooks, text)
            wait_for(lambda: states(service, "gone/webhook") == ["dead", "delivered"], 20, "what waited for a start")
            checks.check("after a start a receiver that was gone is tried again", True)
            checks.equal("what was given up is tried again", retry(service, dead), 200)
            wait_for(lambda: states(service, "gone/webhook") == ["delivered"] * 2, 20, "the second try")
            checks.equal("but not what is delivered", retry(service, dead), 409)
            checks.equal("nor what is not there", retry(service, "msg_0"), 404)
            wait_for_metric(checks, service, "bartizan_deliveries_dead", "gone/webhook", 0)
        except Exception:
            print(service.tail(), flush=True)
            raise
        finally:
            if service.alive():
                service.kill()


def retry(service, delivery):
    return service.call("POST", f"/api/v1/deliveries/{delivery}/retry").status


support.run("delivery: refusals, slow and absent receivers, and what the operator sees", body)
