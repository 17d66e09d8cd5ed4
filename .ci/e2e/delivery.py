"""An attack becomes an e-mail and a signed webhook; a crash and sinks that are down lose neither."""

import email
import email.policy
import json
from datetime import timedelta

from standardwebhooks import Webhook

import support
from sinks import MailServer, WebhookReceiver
from support import CONFIG, Service, gateway_record, wait_for, webhook_secret, wrong_key_record

RULE = support.ROOT / "alerts" / "rules" / "subscription-key-guessing.yaml"


def config(mail, hook, secret):
    return f"""{CONFIG}
[smtp]
host = "127.0.0.1"
port = {mail.port}
tls = "starttls"
username = "{mail.USER}"
password = "{mail.PASSWORD}"
from = "Bartizan <bartizan@example.org>"
ca_certificate = "{mail.authority}"
[[receivers]]
name = "oncall"
[receivers.email]
to = ["oncall@example.org"]
[receivers.webhook]
url = "http://127.0.0.1:{hook.port}/hook"
secret = "{secret}"
allow_private = true
[delivery]
retry_schedule = ["0s", "1s", "2s", "4s", "8s", "8s", "8s"]
"""


def attack(service, begin, address):
    """Eighty wrong keys within five minutes, and then ordinary calls, which let the windows close."""
    guesses = []
    for place in range(80):
        at = begin + timedelta(seconds=place * 3.7)
        guesses.append(wrong_key_record(f"{address}-{place}", at, address, place))
    answer = service.ingest(guesses)
    later = [gateway_record(f"{address}-later", begin + timedelta(minutes=16))]
    return answer.json()["accepted"], service.ingest(later).json()["accepted"]


def incident_of(service, address):
    for incident in service.incidents():
        if address in json.dumps(incident):
            return incident
    return None


def mail_about(mail, address):
    for envelope in mail.mails:
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        if address in message.as_string() or address in text_of(message, "plain"):
            return envelope, message
    return None


def text_of(message, kind):
    part = message.get_body((kind,))
    return part.get_content() if part else ""


def posts_about(hook, address):
    return [post for post in hook.posts if address.encode() in post[1]]


def check_mail(checks, mail, address, incident):
    envelope, message = wait_for(lambda: mail_about(mail, address), 40, "the e-mail")
    text, html = text_of(message, "plain"), text_of(message, "html")
    checks.equal(f"{address}: the e-mail has the recipient", envelope.rcpt_tos, ["oncall@example.org"])
    checks.equal("its sender is the configured one", message["From"], "Bartizan <bartizan@example.org>")
    checks.check("it has a Message-Id", "@" in (message["Message-Id"] or ""), message["Message-Id"])
    checks.check("it has a text part with the address", address in text, text[:300])
    checks.check("it has an HTML part with the address", address in html, html[:300])
    checks.check("its subject tells severity or title", incident["title"] in message["Subject"], message["Subject"])
    checks.check("script in a URL is inert in HTML", "<script>alert" not in html)
    checks.check("and is shown as text", "&lt;script&gt;alert" in html, html[-1500:])


def check_webhook(checks, hook, address, incident, secret):
    posts = wait_for(lambda: [one for one in posts_about(hook, address) if one[2]], 40, "the webhook")
    headers, body, _ = posts[0]
    headers = {name.lower(): value for name, value in headers.items()}
    try:
        Webhook(secret).verify(body, headers)
        checks.check(f"{address}: the webhook's signature is right", True)
    except Exception as error:  # noqa: BLE001
        checks.check(f"{address}: the webhook's signature is right", False, error)
    try:
        Webhook(webhook_secret()).verify(body, headers)
        checks.check("another secret does not verify it", False)
    except Exception:  # noqa: BLE001
        checks.check("another secret does not verify it", True)
    event = json.loads(body)
    checks.check("its type names an incident", event["type"].startswith("incident."), event["type"])
    number = event["data"].get("incidentNumber")
    checks.equal("it carries the incident's number", number, incident["incidentNumber"])
    checks.check("it stays below 20 kB", len(body) < 20_000, len(body))
    return headers["webhook-id"]


def first_round(checks, service, mail, hook, secret, begin):
    address = "203.0.113.201"
    checks.equal("all records of the attack are accepted", attack(service, begin, address), (80, 1))
    incident = wait_for(lambda: incident_of(service, address), 40, "an incident")
    checks.check("the incident names its rule", f"id: {incident['ruleId']}\n" in RULE.read_text(), incident)
    checks.check("its entities name the address", address in json.dumps(incident["entities"]), incident)
    check_mail(checks, mail, address, incident)
    check_webhook(checks, hook, address, incident, secret)


def second_round(checks, service, mail, hook, secret, begin):
    address = "203.0.113.202"
    mail.stop()
    hook.stop()
    checks.equal("with the sinks down an attack is still accepted", attack(service, begin, address), (80, 1))
    before = wait_for(lambda: incident_of(service, address), 40, "an incident")
    checks.check("the incident is there although nothing can be sent", before)
    service.kill()
    hook.failures = 1
    mail.start()
    hook.start()
    service.start()
    after = incident_of(service, address)
    checks.check("it outlives kill -9", after and after["incidentNumber"] == before["incidentNumber"], after)
    check_mail(checks, mail, address, before)
    accepted = check_webhook(checks, hook, address, before, secret)
    ids = {name.lower(): value for name, value in posts_about(hook, address)[0][0].items()}
    checks.check("a first try was refused", not posts_about(hook, address)[0][2])
    checks.equal("the webhook keeps its id when it is delivered again", ids["webhook-id"], accepted)


def body(checks):
    with support.folder("delivery") as folder:
        mail, hook, secret = MailServer(folder), WebhookReceiver(), webhook_secret()
        service = Service(folder, config(mail, hook, secret))
        mail.start()
        hook.start()
        service.start()
        # On a quarter of an hour, so that an attack lies in one window.
        begin = (support.now() - timedelta(minutes=75)).replace(second=1, microsecond=0)
        begin -= timedelta(minutes=begin.minute % 15)
        try:
            first_round(checks, service, mail, hook, secret, begin)
            second_round(checks, service, mail, hook, secret, begin + timedelta(minutes=30))
            checks.check("a clean stop ends with 0", service.stop() == 0)
        except Exception:
            print(service.tail(), flush=True)
            raise
        finally:
            if service.alive():
                service.kill()


support.run("delivery: e-mail and webhook, through an outage and a crash", body)
