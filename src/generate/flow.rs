//! Network flows: the gateway talks to its backends, backends to their database, and the internet knocks.

use std::time::Duration;

use store::Timestamp;

use super::company::{APIS, AZURE_SUBSCRIPTION, GATEWAY_ADDRESSES};
use super::json::{Json, address_text};
use super::random::Random;
use super::{MINUTE, Plan, Record, traffic};

/// Event time, after the minute's beginning, before which all tuples of a record lie.
const TUPLES_UNTIL: u64 = 50;

const ALLOW_GATEWAY: &str = "UserRule_AllowGatewayHttps";
const ALLOW_VNET: &str = "UserRule_AllowVnetHttps";
const ALLOW_OUT: &str = "DefaultRule_AllowVnetOutBound";
const DENY_IN: &str = "DefaultRule_DenyAllInBound";
const PROBED_PORTS: [u16; 7] = [22, 3389, 445, 443, 6379, 8080, 5432];

/// Where a flow stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// It begins.
    Begin,
    /// It goes on.
    Continue,
    /// It ends.
    End,
    /// It was denied.
    Denied,
}

/// One flow tuple.
#[derive(Clone, Debug)]
pub(super) struct Tuple {
    /// When.
    pub(super) time: Timestamp,
    /// From whom.
    pub(super) source: [u8; 4],
    /// To whom.
    pub(super) destination: [u8; 4],
    /// Port there.
    pub(super) port: u16,
    /// Whether the network card that saw it is the destination's.
    pub(super) inbound: bool,
    /// Where the flow stands.
    pub(super) state: State,
    /// Name of the security rule.
    pub(super) rule: &'static str,
    /// Fills the source port and the counters.
    pub(super) chance: u64,
}

/// How a record is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Layout {
    Vnet,
    NsgSecond,
    NsgFirst,
}

/// What one network card saw in one minute.
#[derive(Debug)]
pub(super) struct FlowRecord {
    time: Timestamp,
    layout: Layout,
    card: u8,
    tuples: Vec<Tuple>,
}

/// The minute's records: VNet flow logs of the backends, NSG flow logs of the rest. `attack` joins the backends'.
pub(super) fn records(
    plan: &Plan,
    from: Timestamp,
    attack: Vec<Tuple>,
) -> (Vec<FlowRecord>, Vec<FlowRecord>) {
    let place = from.since(plan.start).as_secs() / 60;
    let mut random = Random::new(plan.seed, 2, place);
    let mut tuples = attack;
    for api in APIS {
        // The gateway keeps connections open: about one flow for two calls.
        for _ in 0..random.count(traffic::mean(plan, api, from) / 2) {
            let gateway = *random.pick(&GATEWAY_ADDRESSES);
            let pair = (gateway, api.backend_address());
            tuples.push(accepted(from, pair, ALLOW_GATEWAY, &mut random));
        }
        if random.permille(60) {
            let pair = (api.backend_address(), [10, 20, 3, 4]);
            let flow = accepted(from, pair, ALLOW_OUT, &mut random);
            tuples.push(Tuple {
                port: 5432,
                inbound: false,
                ..flow
            });
        }
        if random.permille(30) {
            let pair = ([203, 0, 113, 20 + random.octet(40)], api.backend_address());
            tuples.push(denied(from, pair, &mut random));
        }
    }
    let mut vnet = Vec::new();
    for api in APIS {
        let address = api.backend_address();
        let seen = tuples.iter().filter(|one| one.card_address() == address);
        let seen: Vec<Tuple> = seen.cloned().collect();
        vnet.extend(record(from, Layout::Vnet, seen, &mut random));
    }
    (vnet, guarded(from, &mut random))
}

/// What the network security groups of the management subnets saw.
fn guarded(from: Timestamp, random: &mut Random) -> Vec<FlowRecord> {
    let mut records = Vec::new();
    let mut bastion = Vec::new();
    if random.permille(120) {
        let pair = ([198, 51, 100, 250], [10, 20, 4, 5]);
        let flow = accepted(from, pair, "UserRule_AllowOfficeSsh", random);
        bastion.push(Tuple { port: 22, ..flow });
    }
    if random.permille(150) {
        let pair = ([203, 0, 113, 20 + random.octet(40)], [10, 20, 4, 5]);
        bastion.push(denied(from, pair, random));
    }
    records.extend(record(from, Layout::NsgSecond, bastion, random));
    if random.permille(30) {
        let pair = ([203, 0, 113, 20 + random.octet(40)], [10, 20, 5, 4]);
        let probe = denied(from, pair, random);
        records.extend(record(from, Layout::NsgFirst, vec![probe], random));
    }
    records
}

/// An accepted flow to a backend by HTTPS, past the gateway.
pub(super) fn bypass(
    time: Timestamp,
    pair: ([u8; 4], [u8; 4]),
    state: State,
    chance: u64,
) -> Tuple {
    let (source, destination) = pair;
    Tuple {
        time,
        source,
        destination,
        port: 443,
        inbound: true,
        state,
        rule: ALLOW_VNET,
        chance,
    }
}

fn accepted(
    from: Timestamp,
    (source, destination): ([u8; 4], [u8; 4]),
    rule: &'static str,
    random: &mut Random,
) -> Tuple {
    let state = *random.pick(&[State::Begin, State::Continue, State::End, State::End]);
    Tuple {
        time: early(from, random),
        source,
        destination,
        port: 443,
        inbound: true,
        state,
        rule,
        chance: random.next(),
    }
}

fn denied(from: Timestamp, pair: ([u8; 4], [u8; 4]), random: &mut Random) -> Tuple {
    let port = *random.pick(&PROBED_PORTS);
    let flow = accepted(from, pair, DENY_IN, random);
    Tuple {
        port,
        state: State::Denied,
        ..flow
    }
}

/// A moment of the minute that leaves time for its record to be written.
pub(super) fn early(from: Timestamp, random: &mut Random) -> Timestamp {
    from.plus(Duration::from_millis(random.below(TUPLES_UNTIL * 1000)))
}

fn record(
    from: Timestamp,
    layout: Layout,
    mut tuples: Vec<Tuple>,
    random: &mut Random,
) -> Option<FlowRecord> {
    tuples.sort_by_key(|tuple| tuple.time);
    let [_, _, _, card] = tuples.first()?.card_address();
    let delay = Duration::from_micros(random.below(5_000_000));
    let time = from.plus(MINUTE).minus(Duration::from_secs(6)).plus(delay);
    Some(FlowRecord {
        time,
        layout,
        card,
        tuples,
    })
}

impl Tuple {
    /// Address of the network card that saw it.
    fn card_address(&self) -> [u8; 4] {
        if self.inbound {
            self.destination
        } else {
            self.source
        }
    }

    fn text(&self, layout: Layout) -> String {
        let millis = self.time.as_micros() / 1000;
        let mut random = Random::new(self.chance, 3, 0);
        let port = 32_768 + random.below(28_000);
        let (source, destination) = (address_text(self.source), address_text(self.destination));
        let direction = if self.inbound { "I" } else { "O" };
        let ends = format!("{source},{destination},{port},{}", self.port);
        let decision = if self.state == State::Denied {
            "D"
        } else {
            "A"
        };
        match layout {
            Layout::Vnet => {
                let (state, counters) = (self.letter(), self.counters("0,0,0,0", &mut random));
                format!("{millis},{ends},6,{direction},{state},NX,{counters}")
            }
            Layout::NsgSecond => {
                let state = if self.state == State::Denied {
                    "B"
                } else {
                    self.letter()
                };
                let counters = self.counters(",,,", &mut random);
                format!(
                    "{},{ends},T,{direction},{decision},{state},{counters}",
                    millis / 1000
                )
            }
            Layout::NsgFirst => format!("{},{ends},T,{direction},{decision}", millis / 1000),
        }
    }

    fn letter(&self) -> &'static str {
        match self.state {
            State::Begin => "B",
            State::Continue => "C",
            State::End => "E",
            State::Denied => "D",
        }
    }

    /// Packets and bytes each way; `none` where the flow has not moved any yet.
    fn counters(&self, none: &str, random: &mut Random) -> String {
        if matches!(self.state, State::Begin | State::Denied) {
            return none.to_owned();
        }
        let (sent, received) = (6 + random.skewed(20), 6 + random.skewed(24));
        let bytes = (
            sent * (90 + random.below(500)),
            received * (120 + random.below(1200)),
        );
        format!("{sent},{},{received},{}", bytes.0, bytes.1)
    }
}

impl Record for FlowRecord {
    fn time(&self) -> Timestamp {
        self.time
    }

    fn rows(&self) -> usize {
        self.tuples.len()
    }

    fn write(&self, json: &mut Json) {
        json.open(b'{');
        json.time("time", self.time, u64::from(self.card));
        match self.layout {
            Layout::Vnet => self.write_vnet(json),
            Layout::NsgSecond => self.write_nsg(json, 2, "MANAGEMENT"),
            Layout::NsgFirst => self.write_nsg(json, 1, "LEGACY"),
        }
        json.close(b'}');
    }
}

impl FlowRecord {
    fn write_vnet(&self, json: &mut Json) {
        let network = "/providers/Microsoft.Network/";
        let group = format!(
            "/subscriptions/{}/resourceGroups/rg-tideway-net",
            AZURE_SUBSCRIPTION.to_ascii_lowercase()
        );
        json.number("flowLogVersion", 4);
        json.text("flowLogGUID", "5d0c7f61-94be-4a55-8a1c-0be7a3a1e2d9");
        json.text("macAddress", &self.card_name());
        json.text("category", "FlowLogFlowEvent");
        json.joined(
            "flowLogResourceID",
            &[
                "/SUBSCRIPTIONS/",
                AZURE_SUBSCRIPTION,
                "/RESOURCEGROUPS/NETWORKWATCHERRG/PROVIDERS/MICROSOFT.NETWORK/NETWORKWATCHERS/NETWORKWATCHER_NORTHEUROPE/FLOWLOGS/VNET-TIDEWAY-FLOWLOG",
            ],
        );
        let subnet = "virtualNetworks/vnet-tideway/subnets/snet-backends";
        json.joined("targetResourceID", &[&group, network, subnet]);
        json.text("operationName", "FlowLogFlowEvent");
        json.open_in("flowRecords", b'{');
        json.open_in("flows", b'[');
        json.open(b'{');
        json.joined(
            "aclID",
            &[&group, network, "networkSecurityGroups/nsg-backends"],
        );
        json.open_in("flowGroups", b'[');
        for (rule, tuples) in self.by_rule() {
            json.open(b'{');
            json.text("rule", rule);
            self.write_tuples(json, &tuples);
            json.close(b'}');
        }
        json.close(b']');
        json.close(b'}');
        json.close(b']');
        json.close(b'}');
    }

    fn write_nsg(&self, json: &mut Json, version: u64, subnet: &str) {
        json.text("systemId", "0f3b8a52-7a41-4c0e-b0a7-9e2d5b6c1f84");
        json.text("macAddress", &self.card_name());
        json.text("category", "NetworkSecurityGroupFlowEvent");
        let group =
            "/RESOURCEGROUPS/RG-TIDEWAY-NET/PROVIDERS/MICROSOFT.NETWORK/NETWORKSECURITYGROUPS/NSG-";
        json.joined(
            "resourceId",
            &["/SUBSCRIPTIONS/", AZURE_SUBSCRIPTION, group, subnet],
        );
        json.text("operationName", "NetworkSecurityGroupFlowEvents");
        json.open_in("properties", b'{');
        json.number("Version", version);
        json.open_in("flows", b'[');
        for (rule, tuples) in self.by_rule() {
            json.open(b'{');
            json.text("rule", rule);
            json.open_in("flows", b'[');
            json.open(b'{');
            json.text("mac", &self.card_name());
            self.write_tuples(json, &tuples);
            json.close(b'}');
            json.close(b']');
            json.close(b'}');
        }
        json.close(b']');
        json.close(b'}');
    }

    fn write_tuples(&self, json: &mut Json, tuples: &[&Tuple]) {
        json.open_in("flowTuples", b'[');
        for tuple in tuples {
            json.element(&tuple.text(self.layout));
        }
        json.close(b']');
    }

    /// The tuples of each security rule, in the order in which the rules first applied.
    fn by_rule(&self) -> Vec<(&'static str, Vec<&Tuple>)> {
        let mut groups: Vec<(&'static str, Vec<&Tuple>)> = Vec::new();
        for tuple in &self.tuples {
            match groups.iter_mut().find(|(rule, _)| *rule == tuple.rule) {
                Some((_, tuples)) => tuples.push(tuple),
                None => groups.push((tuple.rule, vec![tuple])),
            }
        }
        groups
    }

    fn card_name(&self) -> String {
        format!("0022488A1C{:02X}", self.card)
    }
}
