//! A gateway log record: what one call left behind, and its text as Azure API Management writes it.

use store::Timestamp;

use super::company::{Api, GATEWAY, GROUP, Operation, REGIONS, Subscription};
use super::json::Json;
use super::random::Random;

/// A name that is fixed, or a series' prefix with a number.
#[derive(Clone, Copy, Debug)]
pub(super) enum Name {
    /// There is none.
    Absent,
    /// Always the same.
    Fixed(&'static str),
    /// One of many.
    Numbered(&'static str, u64),
}

/// What the gateway says of a call that failed, beyond the status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// A subscription key came that no subscription has.
    KeyInvalid,
    /// No subscription key came.
    KeyNotFound,
    /// Too many calls.
    RateLimit,
    /// The bearer token is past its time.
    TokenExpired,
    /// The backend could not be reached.
    Backend,
    /// No API or operation has that path.
    NoOperation,
}

/// One call of the gateway.
#[derive(Clone, Debug)]
pub(super) struct Call {
    /// When the gateway began to work on it.
    pub(super) time: Timestamp,
    /// What was called; absent where no API matched.
    pub(super) target: Option<(&'static Api, &'static Operation)>,
    /// Path and query of a call that matched no API.
    pub(super) stray: &'static str,
    /// Which object was asked for.
    pub(super) number: u64,
    /// Caller's address.
    pub(super) address: [u8; 4],
    /// The subscription that the key belongs to.
    pub(super) subscription: Name,
    /// Product of that subscription.
    pub(super) product: &'static str,
    /// The user.
    pub(super) user: Name,
    /// Program that called.
    pub(super) agent: &'static str,
    /// Status sent to the caller.
    pub(super) status: u64,
    /// Why it failed, where the gateway knows.
    pub(super) failure: Option<Failure>,
    /// Time of the backend, in milliseconds; 0 if it never came so far.
    pub(super) backend_ms: u64,
    /// Revision of the API.
    pub(super) revision: u64,
    /// Fills what does not matter: sizes, identifiers, region.
    pub(super) chance: u64,
}

impl Call {
    /// A call of `api` by `subscription`, answered well.
    pub(super) fn answered(
        time: Timestamp,
        api: &'static Api,
        subscription: &'static Subscription,
        random: &mut Random,
    ) -> Self {
        let operation = random.pick(api.operations);
        let status = match operation.method {
            "POST" => 201,
            "DELETE" => 204,
            _ if random.permille(30) => 304,
            _ => 200,
        };
        let user = match subscription.product {
            "mobile" => Name::Numbered("customer-", 10_000 + random.below(4_000)),
            "internal" => Name::Numbered("customer-", 10_000 + random.below(900)),
            _ => Name::Fixed(subscription.id),
        };
        Self {
            time,
            target: Some((api, operation)),
            stray: "",
            number: 1_000_000 + random.below(8_000_000),
            address: subscription.address(random),
            subscription: Name::Fixed(subscription.id),
            product: subscription.product,
            user,
            agent: subscription.agent,
            status,
            failure: None,
            backend_ms: random.skewed(api.backend_ms).max(1),
            revision: 3,
            chance: random.next(),
        }
    }

    /// The same call, refused by the gateway before any backend.
    #[must_use]
    pub(super) fn refused(self, failure: Failure) -> Self {
        let status = match failure {
            Failure::KeyInvalid | Failure::KeyNotFound | Failure::TokenExpired => 401,
            Failure::RateLimit => 429,
            Failure::NoOperation => 404,
            Failure::Backend => 500,
        };
        let anonymous = matches!(
            failure,
            Failure::KeyInvalid | Failure::KeyNotFound | Failure::NoOperation
        );
        let (subscription, product, user) = if anonymous {
            (Name::Absent, "", Name::Absent)
        } else {
            (self.subscription, self.product, self.user)
        };
        let target = if failure == Failure::NoOperation {
            None
        } else {
            self.target
        };
        let backend_ms = if failure == Failure::Backend {
            self.backend_ms
        } else {
            0
        };
        Self {
            status,
            failure: Some(failure),
            subscription,
            product,
            user,
            target,
            backend_ms,
            ..self
        }
    }

    /// The same call, to which the backend gave `status`.
    #[must_use]
    pub(super) fn with_status(self, status: u64) -> Self {
        Self { status, ..self }
    }

    /// Appends the record.
    pub(super) fn write(&self, json: &mut Json) {
        let mut random = Random::new(self.chance, 0, 0);
        let success = self.status < 400;
        let overhead = 1 + random.skewed(3);
        json.open(b'{');
        json.text("DeploymentVersion", "0.46.20117.0");
        json.number("Level", 4);
        json.text("Sku", "Premium");
        json.time("time", self.time, random.below(10));
        json.text("category", "GatewayLogs");
        json.text("operationName", "Microsoft.ApiManagement/GatewayLogs");
        json.address("callerIpAddress", self.address);
        json.uuid("correlationId", [random.next(), random.next()]);
        json.number("durationMs", self.backend_ms + overhead);
        json.boolean("isRequestSuccess", success);
        json.text("location", random.pick::<&str>(&REGIONS));
        json.joined("resourceId", &[GROUP, GATEWAY]);
        json.text("resultType", if success { "Succeeded" } else { "Failed" });
        json.number("truncated", 0);
        json.open_in("properties", b'{');
        self.write_properties(json, overhead, &mut random);
        json.close(b'}');
        json.close(b'}');
    }

    fn write_properties(&self, json: &mut Json, overhead: u64, random: &mut Random) {
        let method = self.target.map_or("GET", |(_, operation)| operation.method);
        json.text("method", method);
        let path = self.path();
        json.joined("url", &["https://api.tideway.example", &path]);
        json.number("responseCode", self.status);
        json.number(
            "responseSize",
            160 + if self.failure.is_some() {
                90
            } else {
                random.skewed(1_400)
            },
        );
        json.number(
            "requestSize",
            380 + random.skewed(if method == "GET" { 120 } else { 900 }),
        );
        json.text("cache", "none");
        json.number("clientTime", overhead / 2 + random.below(3));
        json.text("clientProtocol", "HTTP/1.1");
        json.text(
            "clientTlsVersion",
            if random.permille(850) { "1.3" } else { "1.2" },
        );
        if let Some((api, operation)) = self.target {
            json.text("apiId", api.id);
            json.joined("apiRevision", &[&self.revision.to_string()]);
            json.text("operationId", operation.id);
            if self.backend_ms > 0 {
                self.write_backend(json, api, &path);
            }
        }
        if !self.product.is_empty() {
            json.text("productId", self.product);
        }
        write_name(json, "apimSubscriptionId", self.subscription);
        write_name(json, "userId", self.user);
        json.open_in("requestHeaders", b'{');
        json.text("User-Agent", self.agent);
        json.close(b'}');
        if let Some(failure) = self.failure {
            failure.write(json, overhead);
        }
    }

    fn write_backend(&self, json: &mut Json, api: &Api, path: &str) {
        let method = self.target.map_or("GET", |(_, operation)| operation.method);
        json.number("backendTime", self.backend_ms);
        json.text("backendMethod", method);
        json.joined("backendId", &["be-", api.path]);
        json.joined(
            "backendUrl",
            &["https://", api.path, ".internal.tideway.example", path],
        );
        json.text("backendProtocol", "HTTP/1.1");
        if self.failure != Some(Failure::Backend) {
            json.number("backendResponseCode", self.status);
        }
    }

    fn path(&self) -> String {
        let Some((api, operation)) = self.target else {
            return self.stray.to_owned();
        };
        let number = self.number.to_string();
        [
            "/",
            api.path,
            operation.around.0,
            &number,
            operation.around.1,
        ]
        .concat()
    }
}

impl Failure {
    fn write(self, json: &mut Json, elapsed: u64) {
        let [source, scope, section, reason, message] = self.words();
        json.open_in("lastError", b'{');
        json.number("elapsed", elapsed);
        json.text("source", source);
        json.text("scope", scope);
        json.text("section", section);
        json.text("reason", reason);
        json.text("message", message);
        json.close(b'}');
    }

    /// Source, scope, section, reason and message.
    fn words(self) -> [&'static str; 5] {
        match self {
            Self::KeyInvalid => [
                "authorization",
                "global",
                "inbound",
                "SubscriptionKeyInvalid",
                "Access denied due to invalid subscription key. Make sure to provide a valid key for an active subscription.",
            ],
            Self::KeyNotFound => [
                "authorization",
                "global",
                "inbound",
                "SubscriptionKeyNotFound",
                "Access denied due to missing subscription key. Make sure to include subscription key when making requests to an API.",
            ],
            Self::RateLimit => [
                "rate-limit-by-key",
                "product",
                "inbound",
                "RateLimitExceeded",
                "Rate limit is exceeded. Try again in 21 seconds.",
            ],
            Self::TokenExpired => [
                "validate-jwt",
                "api",
                "inbound",
                "TokenExpired",
                "JWT Validation Failed: IDX10223: Lifetime validation failed. The token is expired.",
            ],
            Self::Backend => [
                "forward-request",
                "api",
                "backend",
                "BackendConnectionFailure",
                "Error connecting to backend service: the connection was refused.",
            ],
            Self::NoOperation => [
                "configuration",
                "global",
                "inbound",
                "OperationNotFound",
                "Unable to match incoming request to an operation.",
            ],
        }
    }
}

fn write_name(json: &mut Json, key: &str, name: Name) {
    match name {
        Name::Absent => {}
        Name::Fixed(text) => json.text(key, text),
        Name::Numbered(prefix, number) => json.joined(key, &[prefix, &number.to_string()]),
    }
}
