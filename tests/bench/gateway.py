"""Gateway logs for benchmarks and checks: the same for the same number of records."""

import datetime
import json
import math
import random

APIS = ["orders", "payments", "catalog", "customers", "inventory", "shipping", "identity", "search"]
VERBS = {"get": "GET", "list": "GET", "create": "POST", "update": "PUT", "delete": "DELETE"}
AGENTS = [
    "okhttp/4.12.0", "axios/1.6.7", "python-requests/2.31.0", "PostmanRuntime/7.37.0", "Go-http-client/2.0",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/124.0 Safari/537.36",
    "MobileApp/5.3 (iOS 17.4)",
]
STATUS = [200, 201, 204, 304, 400, 401, 403, 404, 429, 500, 502]
WEIGHT = [80, 7, 4, 3, 1.5, 1.2, 0.6, 1.5, 0.5, 0.4, 0.3]
RESOURCE = "/SUBSCRIPTIONS/6F1E0C52-7A0B-4B7C-9C1D-2F0A5D3E8B11/RESOURCEGROUPS/RG-EDGE/PROVIDERS/MICROSOFT.APIMANAGEMENT/SERVICE/EDGE-APIM"
REGIONS = ["West Europe", "North Europe", "East US"]
FAILURES = {
    401: {"elapsed": 3, "source": "validate-jwt", "scope": "api", "section": "inbound", "reason": "TokenExpired",
          "message": "IDX10223: Lifetime validation failed. The token is expired."},
    429: {"elapsed": 1, "source": "rate-limit-by-key", "scope": "product", "section": "inbound",
          "reason": "RateLimitExceeded", "message": "Rate limit is exceeded. Try again in 14 seconds."},
}


def lines(records, seed=7):
    """Gateway logs of one day as diagnostic settings deliver them, about 1 KB each, in order of time: 20,000 clients
    of which few are busy (Zipf, 1.25), more calls by day than by night, 3 % of them failing."""
    chance = random.Random(seed)
    clients = [".".join(str(chance.randrange(1, 224 if place == 0 else 255)) for place in range(4)) for _ in range(20_000)]
    begin = datetime.datetime(2026, 11, 1)
    second = 0.0
    mean = 86_400 / records
    for number in range(records):
        second += chance.expovariate(1) * mean / (1 + 0.6 * math.sin(2 * math.pi * (second / 86_400 - 0.3)))
        client = min(int(chance.paretovariate(0.25)) - 1, len(clients) - 1)
        yield json.dumps(record(chance, begin + datetime.timedelta(seconds=second), client, clients[client]), separators=(",", ":"))


def record(chance, at, client, address):
    api = APIS[min(int(chance.expovariate(0.45)), 7)]
    verb = chance.choice(list(VERBS))
    status = chance.choices(STATUS, WEIGHT)[0]
    ident = chance.randrange(1, 5_000_000)
    backend_ms, own_ms = int(chance.lognormvariate(3.2, 0.8)), int(chance.lognormvariate(1.0, 0.4))
    raw = f"{chance.getrandbits(128):032x}"
    properties = {"method": VERBS[verb], "url": f"https://api.contoso.com/{api}/v1/{ident}?page={ident % 17}"}
    if status not in FAILURES:
        properties |= {
            "backendTime": backend_ms, "backendResponseCode": status, "backendMethod": VERBS[verb],
            "backendUrl": f"https://be-{api}.internal.contoso.net/v1/{api}/{ident}",
            "backendProtocol": "HTTP/1.1", "backendId": f"be-{api}",
        }
    properties |= {
        "responseCode": status, "responseSize": int(chance.lognormvariate(7.2, 1.1)) + 120, "cache": "none",
        "requestSize": int(chance.lognormvariate(6.0, 0.5)) + 80, "apiId": f"{api}-v1",
        "operationId": f"{verb}-{api}{chance.choice(['', '-items', '-status'])}",
        "productId": "partner" if client % 5 == 0 else "mobile", "apimSubscriptionId": f"sub-{client % 900:04d}",
        "userId": f"user-{client % 4000}", "clientProtocol": "HTTP/1.1", "apiRevision": str(1 + client % 3),
        "clientTlsVersion": "1.2", "clientTime": own_ms * 2, "requestHeaders": {"User-Agent": chance.choice(AGENTS)},
    }
    if status in FAILURES:
        properties["lastError"] = FAILURES[status]
    return {
        "DeploymentVersion": "0.43.16571.0", "Level": 4 if status < 400 else 2, "isRequestSuccess": status < 400,
        "time": at.strftime("%Y-%m-%dT%H:%M:%S.%f") + f"{ident % 10}Z",
        "operationName": "Microsoft.ApiManagement/GatewayLogs", "category": "GatewayLogs",
        "durationMs": backend_ms + own_ms, "callerIpAddress": address,
        "correlationId": f"{raw[:8]}-{raw[8:12]}-{raw[12:16]}-{raw[16:20]}-{raw[20:]}",
        "location": REGIONS[client % 3], "resourceId": RESOURCE, "properties": properties,
    }
