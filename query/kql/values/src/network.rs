//! IP addresses: comparison, ranges, masks, search in text.

pub mod address;
pub mod lookup;
mod text;

use std::cmp::Ordering;

use crate::function::{Context, Failure, Outcome, ScalarFunction, function};
use crate::value::{Dynamic, Value};

use address::{Ipv4Network, Ipv6Network};
use text::Sought;

/// The functions of this module.
pub(crate) fn functions() -> Vec<ScalarFunction> {
    let table = [
        function("parse_ipv4(ip: string): long", parse_ipv4),
        function(
            "parse_ipv4_mask(ip: string, prefix: long): long",
            parse_ipv4,
        ),
        function("format_ipv4(ip: any, prefix?: long): string", format_ipv4),
        function(
            "format_ipv4_mask(ip: any, prefix?: long): string",
            format_ipv4_mask,
        ),
        function(
            "ipv4_compare(ip1: string, ip2: string, prefix?: long): long",
            ipv4_compare,
        ),
        function(
            "ipv4_is_match(ip1: string, ip2: string, prefix?: long): bool",
            ipv4_is_match,
        ),
        function(
            "ipv4_is_in_range(ip: string, range: string): bool",
            in_range4,
        ),
        function(
            "ipv4_is_in_any_range(ip: string, ranges...: any): bool",
            in_any_range4,
        ),
        function("ipv4_is_private(ip: string): bool", is_private),
        function("ipv4_netmask_suffix(ip: string): long", ipv4_netmask_suffix),
        function(
            "ipv4_range_to_cidr_list(start: string, end: string): dynamic",
            cidr_list,
        ),
        function("parse_ipv6(ip: string): string", parse_ipv6),
        function(
            "parse_ipv6_mask(ip: string, prefix: long): string",
            parse_ipv6,
        ),
        function(
            "ipv6_compare(ip1: string, ip2: string, prefix?: long): long",
            ipv6_compare,
        ),
        function(
            "ipv6_is_match(ip1: string, ip2: string, prefix?: long): bool",
            ipv6_is_match,
        ),
        function(
            "ipv6_is_in_range(ip: string, range: string): bool",
            in_range6,
        ),
        function(
            "ipv6_is_in_any_range(ip: string, ranges...: any): bool",
            in_any_range6,
        ),
        function("has_ipv4(source: string, ip: string): bool", has_ipv4),
        function("has_any_ipv4(source: string, ips...: any): bool", has_ipv4),
        function(
            "has_ipv4_prefix(source: string, prefix: string): bool",
            has_ipv4_prefix,
        ),
        function(
            "has_any_ipv4_prefix(source: string, prefixes...: any): bool",
            has_ipv4_prefix,
        ),
        function("geo_info_from_ip_address(ip: string): dynamic", geo_info),
    ];
    table.into_iter().flatten().collect()
}

/// Whether an IPv4 address or network lies in a range; none if one of them cannot be read.
pub fn ipv4_is_in_range(ip: &str, range: &str) -> Option<bool> {
    Some(Ipv4Network::parse(range)?.contains(Ipv4Network::parse(ip)?))
}

/// Whether an IPv6 (or IPv4) address or network lies in a range; none if one of them cannot be read.
pub fn ipv6_is_in_range(ip: &str, range: &str) -> Option<bool> {
    Some(Ipv6Network::parse(range)?.contains(Ipv6Network::parse(ip)?))
}

/// Whether an IPv4 address is one of a private network; none if it cannot be read.
pub fn ipv4_is_private(ip: &str) -> Option<bool> {
    Ipv4Network::parse(ip).map(Ipv4Network::is_private)
}

fn nullable<T>(value: Option<T>, wrap: fn(T) -> Value) -> Outcome {
    Ok(value.map_or(Value::Null, wrap))
}

fn text_or_empty(value: Option<String>) -> Outcome {
    Ok(Value::String(value.unwrap_or_default()))
}

fn masked4(arguments: &[Value]) -> Option<Ipv4Network> {
    let (network, prefix) = match arguments {
        [Value::String(ip), rest @ ..] => (Ipv4Network::parse(ip)?, rest.first()),
        [number, rest @ ..] => {
            let number = match number {
                Value::Long(number) => *number,
                Value::Int(number) => i64::from(*number),
                Value::Dynamic(Dynamic::Number(number)) => number.as_i64()?,
                Value::Dynamic(Dynamic::String(ip)) => i64::from(Ipv4Network::parse(ip)?.address),
                _ => return None,
            };
            let address = u32::try_from(number).ok()?;
            (Ipv4Network::new(address, 32), rest.first())
        }
        [] => return None,
    };
    match prefix {
        None => Some(network),
        Some(Value::Long(prefix)) => network.shortened(*prefix),
        Some(_) => None,
    }
}

fn parse_ipv4(_: &mut Context, arguments: &[Value]) -> Outcome {
    nullable(masked4(arguments), |it| Value::Long(i64::from(it.address)))
}

fn format_ipv4(_: &mut Context, arguments: &[Value]) -> Outcome {
    text_or_empty(masked4(arguments).map(Ipv4Network::address_text))
}

fn format_ipv4_mask(_: &mut Context, arguments: &[Value]) -> Outcome {
    let text = |it: Ipv4Network| format!("{}/{}", it.address_text(), it.prefix);
    text_or_empty(masked4(arguments).map(text))
}

fn order4(arguments: &[Value]) -> Option<Ordering> {
    let [Value::String(left), Value::String(right), rest @ ..] = arguments else {
        return None;
    };
    let (left, right) = (Ipv4Network::parse(left)?, Ipv4Network::parse(right)?);
    let own = i64::from(left.prefix.min(right.prefix));
    let prefix = match rest {
        [] => own,
        [Value::Long(prefix)] if (0..=32).contains(prefix) => own.min(*prefix),
        _ => return None,
    };
    let (left, right) = (left.shortened(prefix)?, right.shortened(prefix)?);
    Some(left.address.cmp(&right.address))
}

fn ipv4_compare(_: &mut Context, arguments: &[Value]) -> Outcome {
    nullable(order4(arguments), |order| Value::Long(order as i64))
}

fn ipv4_is_match(_: &mut Context, arguments: &[Value]) -> Outcome {
    nullable(order4(arguments), |order| Value::Bool(order.is_eq()))
}

/// Prefixes of two addresses written as IPv4 count IPv4's bits.
fn order6(arguments: &[Value]) -> Option<Ordering> {
    let [Value::String(left), Value::String(right), rest @ ..] = arguments else {
        return None;
    };
    let (left, right) = (Ipv6Network::parse(left)?, Ipv6Network::parse(right)?);
    let own = i64::from(left.prefix.min(right.prefix));
    let prefix = match rest {
        [] => own,
        [Value::Long(prefix @ 0..=32)] if left.is_ipv4 && right.is_ipv4 => own.min(*prefix + 96),
        [Value::Long(prefix @ 0..=128)] => own.min(*prefix),
        _ => return None,
    };
    let (left, right) = (left.shortened(prefix)?, right.shortened(prefix)?);
    Some(left.address.cmp(&right.address))
}

fn ipv6_compare(_: &mut Context, arguments: &[Value]) -> Outcome {
    nullable(order6(arguments), |order| Value::Long(order as i64))
}

fn ipv6_is_match(_: &mut Context, arguments: &[Value]) -> Outcome {
    nullable(order6(arguments), |order| Value::Bool(order.is_eq()))
}

fn parse_ipv6(_: &mut Context, arguments: &[Value]) -> Outcome {
    let network = match arguments {
        [Value::String(ip)] => Ipv6Network::parse(ip),
        [Value::String(ip), Value::Long(prefix)] => {
            Ipv6Network::parse(ip).and_then(|network| network.shortened(*prefix))
        }
        _ => None,
    };
    text_or_empty(network.map(Ipv6Network::address_text))
}

fn in_range4(_: &mut Context, arguments: &[Value]) -> Outcome {
    nullable(in_any(arguments, ipv4_is_in_range), Value::Bool)
}

fn in_any_range4(_: &mut Context, arguments: &[Value]) -> Outcome {
    nullable(in_any(arguments, ipv4_is_in_range), Value::Bool)
}

fn in_range6(_: &mut Context, arguments: &[Value]) -> Outcome {
    nullable(in_any(arguments, ipv6_is_in_range), Value::Bool)
}

fn in_any_range6(_: &mut Context, arguments: &[Value]) -> Outcome {
    nullable(in_any(arguments, ipv6_is_in_range), Value::Bool)
}

/// True if a range fits; else none if the address or one of the ranges cannot be read.
fn in_any(arguments: &[Value], test: fn(&str, &str) -> Option<bool>) -> Option<bool> {
    let [Value::String(ip), ranges @ ..] = arguments else {
        return None;
    };
    let mut all_read = true;
    for range in texts(ranges) {
        match range.and_then(|range| test(ip, range)) {
            Some(true) => return Some(true),
            Some(false) => {}
            None => all_read = false,
        }
    }
    all_read.then_some(false)
}

/// The texts among arguments, each a string or an array of strings; none for what is neither.
fn texts(arguments: &[Value]) -> impl Iterator<Item = Option<&str>> {
    arguments.iter().flat_map(|argument| {
        let (single, several) = match argument {
            Value::String(text) => (Some(Some(text.as_str())), [].as_slice()),
            Value::Dynamic(Dynamic::Array(items)) => (None, items.as_slice()),
            Value::Dynamic(Dynamic::String(text)) => (Some(Some(text.as_str())), [].as_slice()),
            _ => (Some(None), [].as_slice()),
        };
        single
            .into_iter()
            .chain(several.iter().map(Dynamic::as_str))
    })
}

fn is_private(_: &mut Context, arguments: &[Value]) -> Outcome {
    let [Value::String(ip)] = arguments else {
        return Ok(Value::Null);
    };
    nullable(ipv4_is_private(ip), Value::Bool)
}

fn ipv4_netmask_suffix(_: &mut Context, arguments: &[Value]) -> Outcome {
    let [Value::String(ip)] = arguments else {
        return Ok(Value::Null);
    };
    nullable(Ipv4Network::parse(ip), |it| {
        Value::Long(i64::from(it.prefix))
    })
}

/// The fewest networks that cover all addresses from the first to the last; at most 62 of them.
fn cidr_list(_: &mut Context, arguments: &[Value]) -> Outcome {
    let [Value::String(start), Value::String(end)] = arguments else {
        return Ok(Value::Null);
    };
    let (Some(start), Some(end)) = (Ipv4Network::parse(start), Ipv4Network::parse(end)) else {
        return Ok(Value::Null);
    };
    if start.address > end.address {
        return Ok(Value::Null);
    }
    let subnets = ipnet::Ipv4Subnets::new(start.address.into(), end.address.into(), 0);
    Ok(Value::list(
        subnets.map(|subnet| Dynamic::String(subnet.to_string())),
    ))
}

fn has_ipv4(_: &mut Context, arguments: &[Value]) -> Outcome {
    has_any(arguments, Sought::address)
}

fn has_ipv4_prefix(_: &mut Context, arguments: &[Value]) -> Outcome {
    has_any(arguments, Sought::prefix)
}

fn has_any(arguments: &[Value], read: fn(&str) -> Option<Sought>) -> Outcome {
    let [Value::String(source), sought @ ..] = arguments else {
        return Ok(Value::Null);
    };
    let sought: Vec<Sought> = texts(sought).flatten().filter_map(read).collect();
    Ok(Value::Bool(text::has_any(source, &sought)))
}

fn geo_info(_: &mut Context, _: &[Value]) -> Outcome {
    Err(Failure::new(
        "geo_info_from_ip_address is not supported: there is no data on where addresses are; look them up in a table \
         of networks of your own with 'evaluate ipv4_lookup'",
    ))
}

#[cfg(test)]
mod tests;
