//! One flow tuple: the comma-separated text in which NSG and VNet flow logs write a flow.
//!
//! NSG v1: `epoch,src,dest,srcPort,destPort,T|U,I|O,A|D`; v2 adds
//! `,B|C|E,packets,bytes,packets,bytes`, the counters empty in state B.
//! VNet: `epoch,src,dest,srcPort,destPort,iana,I|O,B|C|E|D,encryption,packets,bytes,packets,bytes`.
//! Both of the latter have 13 parts, so the record's kind must tell which it is.

use store::Timestamp;

/// Which grammar to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Grammar {
    /// NSG flow logs, both versions.
    Nsg,
    /// VNet flow logs.
    Vnet,
}

/// Where a flow stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// It begins; also an attempt that was denied, in NSG logs.
    Begin,
    /// It goes on: counters since the last tuple.
    Continue,
    /// It is over: counters since the last tuple.
    End,
    /// It was denied, in VNet logs.
    Deny,
}

impl State {
    /// The letter that the logs use.
    pub(super) fn letter(self) -> &'static str {
        match self {
            Self::Begin => "B",
            Self::Continue => "C",
            Self::End => "E",
            Self::Deny => "D",
        }
    }
}

/// A flow tuple.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tuple<'a> {
    pub(super) time: Timestamp,
    pub(super) src_ip: &'a str,
    pub(super) dest_ip: &'a str,
    /// `None` if empty.
    pub(super) src_port: Option<&'a str>,
    /// `None` if empty.
    pub(super) dest_port: Option<u16>,
    /// `T`, `U`, or the IANA number.
    pub(super) protocol: &'a str,
    pub(super) is_inbound: bool,
    pub(super) is_allowed: bool,
    /// `None` in NSG v1.
    pub(super) state: Option<State>,
    /// `None` in NSG logs.
    pub(super) encryption: Option<&'a str>,
    /// Packets and bytes from source to destination, packets and bytes back; `None` if empty.
    pub(super) counters: [Option<i64>; 4],
}

/// A number of seconds below this is no number of milliseconds: it would be before March 1973.
const SECONDS_MAX: i64 = 100_000_000_000;

/// Milliseconds from here on lie behind the year 5000.
const MILLISECONDS_MAX: i64 = 100_000_000_000_000;

/// Reads a tuple; an error names the part that is wrong.
pub(super) fn parse(grammar: Grammar, text: &str) -> Result<Tuple<'_>, &'static str> {
    let (parts, count) = split(text).ok_or("more than 13 parts")?;
    let [
        epoch,
        src_ip,
        dest_ip,
        src_port,
        dest_port,
        protocol,
        direction,
        p7,
        p8,
        counters @ ..,
    ] = parts;
    let (is_allowed, state, encryption) = match (grammar, count) {
        (Grammar::Nsg, 8) => (decision(p7)?, None, None),
        (Grammar::Nsg, 13) => (decision(p7)?, Some(state(p8)?), None),
        (Grammar::Vnet, 13) => {
            let state = state(p7)?;
            (
                state != State::Deny,
                Some(state),
                Some(p8).filter(|text| !text.is_empty()),
            )
        }
        _ => return Err("wrong number of parts"),
    };
    let [c0, c1, c2, c3] = counters;
    Ok(Tuple {
        time: instant(epoch).ok_or("time")?,
        src_ip: address(src_ip).ok_or("source address")?,
        dest_ip: address(dest_ip).ok_or("destination address")?,
        src_port: port(src_port)?.map(|_| src_port),
        dest_port: port(dest_port)?,
        protocol: protocol_name(protocol).ok_or("protocol")?,
        is_inbound: match direction {
            "I" => true,
            "O" => false,
            _ => return Err("direction"),
        },
        is_allowed,
        state,
        encryption,
        counters: [counter(c0)?, counter(c1)?, counter(c2)?, counter(c3)?],
    })
}

/// The parts and how many there are; `None` if there are more than 13.
fn split(text: &str) -> Option<([&str; 13], usize)> {
    let mut parts = [""; 13];
    let mut count = 0_usize;
    let mut start = 0_usize;
    for (at, byte) in text.bytes().enumerate() {
        if byte == b',' {
            *parts.get_mut(count)? = text.get(start..at)?;
            count = count.saturating_add(1);
            start = at.saturating_add(1);
        }
    }
    *parts.get_mut(count)? = text.get(start..)?;
    Some((parts, count.saturating_add(1)))
}

fn decision(text: &str) -> Result<bool, &'static str> {
    match text {
        "A" => Ok(true),
        "D" => Ok(false),
        _ => Err("decision"),
    }
}

fn state(text: &str) -> Result<State, &'static str> {
    match text {
        "B" => Ok(State::Begin),
        "C" => Ok(State::Continue),
        "E" => Ok(State::End),
        "D" => Ok(State::Deny),
        _ => Err("flow state"),
    }
}

/// Milliseconds since 1970 in VNet logs, seconds in NSG logs and in some documents on VNet logs.
fn instant(text: &str) -> Option<Timestamp> {
    let epoch: i64 = text.parse().ok()?;
    match epoch {
        0..SECONDS_MAX => epoch.checked_mul(1_000_000),
        SECONDS_MAX..MILLISECONDS_MAX => epoch.checked_mul(1_000),
        _ => None,
    }
    .map(Timestamp::from_micros)
}

/// Looks at the alphabet only: Azure masks addresses at times, so what it writes is kept.
fn address(text: &str) -> Option<&str> {
    let known = |byte: u8| byte.is_ascii_hexdigit() || matches!(byte, b'.' | b':' | b'%');
    (!text.is_empty() && text.len() <= 64 && text.bytes().all(known)).then_some(text)
}

fn port(text: &str) -> Result<Option<u16>, &'static str> {
    if text.is_empty() {
        return Ok(None);
    }
    text.parse().map(Some).or(Err("port"))
}

fn protocol_name(text: &str) -> Option<&str> {
    match text {
        "6" | "T" => Some("T"),
        "17" | "U" => Some("U"),
        _ => text.parse::<u8>().ok().map(|_| text),
    }
}

fn counter(text: &str) -> Result<Option<i64>, &'static str> {
    if text.is_empty() {
        return Ok(None);
    }
    let value: Option<i64> = text.parse().ok().filter(|value| *value >= 0);
    value.map(Some).ok_or("counter")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(grammar: Grammar, text: &str, expected: &str) {
        let shown = match parse(grammar, text) {
            Err(reason) => format!("error: {reason}"),
            Ok(tuple) => format!(
                "{} {} {}>{}:{} {} {}{} {} {} {:?}",
                tuple.time,
                tuple.src_ip,
                tuple.src_port.unwrap_or("-"),
                tuple.dest_ip,
                tuple
                    .dest_port
                    .map_or("-".to_owned(), |port| port.to_string()),
                tuple.protocol,
                if tuple.is_inbound { "in" } else { "out" },
                if tuple.is_allowed {
                    " allowed"
                } else {
                    " denied"
                },
                tuple.state.map_or("-", State::letter),
                tuple.encryption.unwrap_or("-"),
                tuple.counters.map(|counter| counter.unwrap_or(-1)),
            ),
        };
        assert_eq!(shown, expected, "{text}");
    }

    #[test]
    fn nsg_tuples() {
        let nsg = |text, expected| check(Grammar::Nsg, text, expected);
        nsg(
            "1600000000,10.0.0.4,192.0.2.7,5001,443,T,O,A",
            "2020-09-13T12:26:40.000000Z 10.0.0.4 5001>192.0.2.7:443 T out allowed - - [-1, -1, -1, -1]",
        );
        nsg(
            "1600000000,192.0.2.7,10.0.0.4,5001,22,T,I,D,B,,,,",
            "2020-09-13T12:26:40.000000Z 192.0.2.7 5001>10.0.0.4:22 T in denied B - [-1, -1, -1, -1]",
        );
        nsg(
            "1600000000,10.0.0.4,2001:db8::1,5001,53,U,O,A,C,1,66,2,133",
            "2020-09-13T12:26:40.000000Z 10.0.0.4 5001>2001:db8::1:53 U out allowed C - [1, 66, 2, 133]",
        );
        nsg(
            "1600000000,10.0.0.4,192.0.2.7,5001,443,T,O,X",
            "error: decision",
        );
        nsg(
            "1600000000,10.0.0.4,192.0.2.7,5001,443,T,O",
            "error: wrong number of parts",
        );
    }

    #[test]
    fn vnet_tuples() {
        let vnet = |text, expected| check(Grammar::Vnet, text, expected);
        vnet(
            "1600000000123,10.0.0.4,192.0.2.7,5001,443,6,O,E,NX,3,705,4,4569",
            "2020-09-13T12:26:40.123000Z 10.0.0.4 5001>192.0.2.7:443 T out allowed E NX [3, 705, 4, 4569]",
        );
        vnet(
            "1600000000,192.0.2.7,10.0.0.4,0,0,1,I,D,X,0,0,0,0",
            "2020-09-13T12:26:40.000000Z 192.0.2.7 0>10.0.0.4:0 1 in denied D X [0, 0, 0, 0]",
        );
        vnet(
            "1600000000123,10.0.0.4,192.0.2.7,,,17,I,B,NX,,,,",
            "2020-09-13T12:26:40.123000Z 10.0.0.4 ->192.0.2.7:- U in allowed B NX [-1, -1, -1, -1]",
        );
        vnet(
            "x,10.0.0.4,192.0.2.7,1,2,6,O,E,NX,3,705,4,4569",
            "error: time",
        );
        vnet(
            "1,10.0.0.4,192.0.2.7,1,70000,6,O,E,NX,3,705,4,4569",
            "error: port",
        );
        vnet(
            "1,10.0.0.4,192.0.2.7,1,2,6,O,E,NX,3,705,4,4569,9",
            "error: more than 13 parts",
        );
        vnet(
            "1,10.0.0.4,host,1,2,6,O,E,NX,3,705,4,4569",
            "error: destination address",
        );
        vnet(
            "1,10.0.0.4,1.1.1.1,1,2,6,O,E,NX,-3,705,4,4569",
            "error: counter",
        );
    }
}
