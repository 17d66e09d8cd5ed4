//! Control-plane events: what people and pipelines did to the Azure resources, as a Start and a Success each.

use std::time::Duration;

use store::Timestamp;

use super::company::{AZURE_SUBSCRIPTION, GATEWAY, GROUP, TENANT};
use super::flow::early;
use super::json::{Json, address_text};
use super::random::Random;
use super::traffic::{self, Rollout};
use super::{MINUTE, Plan, Record};

/// Who did something.
#[derive(Clone, Copy, Debug)]
pub(super) enum Principal {
    /// The deployment pipeline's service principal.
    Pipeline,
    /// A person, by user principal name.
    Person(&'static str),
}

/// What was done, and to what.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deed {
    /// The operation's name below its provider, in upper case.
    pub(super) operation: &'static str,
    /// ARM path below the resource group.
    pub(super) resource: &'static str,
    /// The record's category.
    pub(super) category: &'static str,
}

/// One record of an event.
#[derive(Clone, Debug)]
pub(super) struct Event {
    /// When.
    pub(super) time: Timestamp,
    /// What was done.
    pub(super) deed: Deed,
    /// Who did it.
    pub(super) principal: Principal,
    /// From where.
    pub(super) address: [u8; 4],
    /// Whether this record says that it is done, not that it began.
    pub(super) done: bool,
    /// Shared by the event's records.
    pub(super) chance: u64,
}

const fn deed(operation: &'static str, resource: &'static str) -> Deed {
    Deed {
        operation,
        resource,
        category: "Administrative",
    }
}

/// The deletion of what sends the gateway's logs to us.
pub(super) const DELETE_DIAGNOSTICS: Deed = deed(
    "MICROSOFT.INSIGHTS/DIAGNOSTICSETTINGS/DELETE",
    "/PROVIDERS/MICROSOFT.APIMANAGEMENT/SERVICE/TIDEWAY-APIM/PROVIDERS/MICROSOFT.INSIGHTS/DIAGNOSTICSETTINGS/GATEWAY-LOGS",
);

const WRITE_API: Deed = deed("MICROSOFT.APIMANAGEMENT/SERVICE/APIS/WRITE", GATEWAY);
const WRITE_DEPLOYMENT: Deed = deed(
    "MICROSOFT.RESOURCES/DEPLOYMENTS/WRITE",
    "/PROVIDERS/MICROSOFT.RESOURCES/DEPLOYMENTS/API-ROLLOUT",
);
const WRITE_DIAGNOSTICS: Deed = Deed {
    operation: "MICROSOFT.INSIGHTS/DIAGNOSTICSETTINGS/WRITE",
    ..DELETE_DIAGNOSTICS
};
const DELETE_DEPLOYMENT: Deed = Deed {
    operation: "MICROSOFT.RESOURCES/DEPLOYMENTS/DELETE",
    ..WRITE_DEPLOYMENT
};
const LIST_STORAGE_KEYS: Deed = deed(
    "MICROSOFT.STORAGE/STORAGEACCOUNTS/LISTKEYS/ACTION",
    "/PROVIDERS/MICROSOFT.STORAGE/STORAGEACCOUNTS/STTIDEWAYLABELS",
);
const AUDIT_POLICY: Deed = Deed {
    operation: "MICROSOFT.AUTHORIZATION/POLICIES/AUDIT/ACTION",
    resource: GATEWAY,
    category: "Policy",
};
const READ_ROLES: Deed = deed(
    "MICROSOFT.AUTHORIZATION/ROLEASSIGNMENTS/READ",
    "/PROVIDERS/MICROSOFT.AUTHORIZATION/ROLEASSIGNMENTS/4E0C6D1F-2B7A-4D38-9C55-61F0A7B3D2E8",
);
const DELETE_CONTAINER: Deed = deed(
    "MICROSOFT.STORAGE/STORAGEACCOUNTS/BLOBSERVICES/CONTAINERS/DELETE",
    "/PROVIDERS/MICROSOFT.STORAGE/STORAGEACCOUNTS/STTIDEWAYLABELS/BLOBSERVICES/DEFAULT/CONTAINERS/SCRATCH",
);

const PEOPLE: [&str; 3] = [
    "maja.lindqvist@tideway.example",
    "tomas.herrera@tideway.example",
    "aoife.brennan@tideway.example",
];
const OFFICE: [u8; 4] = [198, 51, 100, 250];
const RUNNER: [u8; 4] = [198, 51, 100, 245];

/// Ordinary events of the minute that begins at `from`.
pub(super) fn events(plan: &Plan, rollouts: &[Rollout], from: Timestamp) -> Vec<Event> {
    let place = from.since(plan.start).as_secs() / 60;
    let mut random = Random::new(plan.seed, 4, place);
    let mut deeds: Vec<(Deed, Principal)> = Vec::new();
    for rollout in rollouts {
        let begun = |at: Timestamp| at >= from && at < from.plus(MINUTE);
        if begun(rollout.start) {
            deeds.extend([
                (WRITE_DEPLOYMENT, Principal::Pipeline),
                (WRITE_API, Principal::Pipeline),
            ]);
        }
        if begun(rollout.start.plus(traffic::rollout_length())) {
            deeds.push((DELETE_DEPLOYMENT, Principal::Pipeline));
        }
    }
    let person = Principal::Person(random.pick::<&str>(&PEOPLE));
    match traffic::minute_of_day(from) {
        // Labels are printed from storage whose keys the pipeline reads each half hour.
        minute if minute % 30 == 12 => deeds.push((LIST_STORAGE_KEYS, Principal::Pipeline)),
        // Settings are written again each night, and scratch space is thrown away.
        185 => deeds.push((WRITE_DIAGNOSTICS, Principal::Pipeline)),
        190 => deeds.push((DELETE_CONTAINER, Principal::Pipeline)),
        480..1080 if random.permille(25) => deeds.push((READ_ROLES, person)),
        480..1080 if random.permille(5) => deeds.push((LIST_STORAGE_KEYS, person)),
        _ if random.permille(40) => deeds.push((AUDIT_POLICY, Principal::Pipeline)),
        _ => {}
    }
    let mut events = Vec::new();
    for (deed, principal) in deeds {
        let time = early(from, &mut random);
        let address = if matches!(principal, Principal::Pipeline) {
            RUNNER
        } else {
            OFFICE
        };
        events.extend(pair(time, deed, (principal, address), random.next()));
    }
    events
}

/// The two records of an event that begins at `time` and succeeds within two seconds.
pub(super) fn pair(
    time: Timestamp,
    deed: Deed,
    (principal, address): (Principal, [u8; 4]),
    chance: u64,
) -> [Event; 2] {
    let begun = Event {
        time,
        deed,
        principal,
        address,
        done: false,
        chance,
    };
    let micros = 200_000 + Random::new(chance, 5, 0).below(1_800_000);
    let done = Event {
        time: time.plus(Duration::from_micros(micros)),
        done: true,
        ..begun.clone()
    };
    [begun, done]
}

impl Record for Event {
    fn time(&self) -> Timestamp {
        self.time
    }

    fn rows(&self) -> usize {
        1
    }

    fn write(&self, json: &mut Json) {
        let mut random = Random::new(self.chance, 6, 0);
        let correlation = [random.next(), random.next()];
        json.open(b'{');
        json.text("RoleLocation", "North Europe");
        json.text("ReleaseVersion", "6.2026.44.2+7d1c0ab.release_2026w44");
        json.time("time", self.time, random.below(10));
        json.joined("resourceId", &[GROUP, self.deed.resource]);
        json.text("operationName", self.deed.operation);
        json.text("category", self.deed.category);
        json.text("resultType", if self.done { "Success" } else { "Start" });
        json.text(
            "resultSignature",
            if self.done {
                "Succeeded.OK"
            } else {
                "Started."
            },
        );
        json.text("durationMs", "0");
        json.address("callerIpAddress", self.address);
        json.uuid("correlationId", correlation);
        self.write_identity(json);
        json.text("level", "Information");
        json.text("tenantId", TENANT);
        json.open_in("properties", b'{');
        json.text("eventCategory", self.deed.category);
        json.joined("entity", &[GROUP, self.deed.resource]);
        json.text("message", self.deed.operation);
        json.joined("hierarchy", &[TENANT, "/", AZURE_SUBSCRIPTION]);
        if self.done {
            json.text("statusCode", "OK");
            json.uuid("serviceRequestId", [random.next(), random.next()]);
        }
        json.close(b'}');
        json.close(b'}');
    }
}

impl Event {
    fn write_identity(&self, json: &mut Json) {
        json.open_in("identity", b'{');
        json.open_in("authorization", b'{');
        json.joined("scope", &[GROUP, self.deed.resource]);
        json.text("action", self.deed.operation);
        json.open_in("evidence", b'{');
        json.text("role", "Contributor");
        json.joined(
            "roleAssignmentScope",
            &["/subscriptions/", AZURE_SUBSCRIPTION],
        );
        json.text("principalType", self.principal.kind());
        json.close(b'}');
        json.close(b'}');
        json.open_in("claims", b'{');
        json.text("aud", "https://management.core.windows.net/");
        json.joined("iss", &["https://sts.windows.net/", TENANT, "/"]);
        json.joined(
            "iat",
            &[&(self.time.as_micros() / 1_000_000 - 600).to_string()],
        );
        json.text("ipaddr", &address_text(self.address));
        match self.principal {
            Principal::Pipeline => {
                json.text("appid", "8f2b4c19-6d3e-4a07-b5c1-0e9d7a2f4b68");
                json.text(
                    "http://schemas.microsoft.com/identity/claims/objectidentifier",
                    "1a7e5d30-c84f-4b92-a6e0-3f5b9c7d2e11",
                );
            }
            Principal::Person(name) => {
                json.text("appid", "c44b4083-3bb0-49c1-b47d-974e53cbdf3c");
                json.text(
                    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn",
                    name,
                );
                json.text(
                    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name",
                    name,
                );
            }
        }
        json.close(b'}');
        json.close(b'}');
    }
}

impl Principal {
    fn kind(self) -> &'static str {
        match self {
            Self::Pipeline => "ServicePrincipal",
            Self::Person(_) => "User",
        }
    }
}
