use serde_json::json;

use crate::calls::{call, check};

#[test]
fn ipv4_as_a_number_and_back() {
    check("parse_ipv4", &json!(["10.0.1.2"]), &json!(167_772_418));
    check("parse_ipv4", &json!(["10.0.1.2/24"]), &json!(167_772_416));
    check("parse_ipv4", &json!(["10.0.1"]), &json!(null));
    check(
        "parse_ipv4_mask",
        &json!(["10.0.1.2", 8]),
        &json!(167_772_160),
    );
    check("parse_ipv4_mask", &json!(["10.0.1.2", 33]), &json!(null));
    check("format_ipv4", &json!([167_772_418]), &json!("10.0.1.2"));
    check("format_ipv4", &json!(["10.0.1.2", 24]), &json!("10.0.1.0"));
    check("format_ipv4", &json!([-1]), &json!(""));
    check(
        "format_ipv4_mask",
        &json!(["10.0.1.2/24", 28]),
        &json!("10.0.1.0/24"),
    );
    check("format_ipv4_mask", &json!(["10.0.1.2", -1]), &json!(""));
    check("ipv4_netmask_suffix", &json!(["10.0.1.2/20"]), &json!(20));
    check("ipv4_netmask_suffix", &json!(["10.0.1.2"]), &json!(32));
}

#[test]
fn the_shorter_prefix_rules_a_comparison() {
    check("ipv4_compare", &json!(["10.0.1.2", "10.0.1.3"]), &json!(-1));
    check(
        "ipv4_compare",
        &json!(["10.0.2.2", "10.0.1.3/24"]),
        &json!(1),
    );
    check(
        "ipv4_compare",
        &json!(["10.0.1.2/31", "10.0.1.9/24"]),
        &json!(0),
    );
    check(
        "ipv4_is_match",
        &json!(["10.0.1.2", "10.0.9.3", 16]),
        &json!(true),
    );
    check("ipv4_is_match", &json!(["10.0.1.2", "what"]), &json!(null));
    check(
        "ipv6_compare",
        &json!(["10.0.1.2", "::ffff:a00:102"]),
        &json!(0),
    );
    check(
        "ipv6_compare",
        &json!(["2001:db8::1", "2001:db8::2", 64]),
        &json!(0),
    );
    check(
        "ipv6_compare",
        &json!(["10.9.1.2", "10.0.1.2", 16]),
        &json!(1),
    );
    check(
        "ipv6_is_match",
        &json!(["2001:db8::1/64", "2001:db8:0:1::1"]),
        &json!(false),
    );
}

#[test]
fn ranges_hold_addresses() {
    check(
        "ipv4_is_in_range",
        &json!(["10.2.3.4", "10.0.0.0/8"]),
        &json!(true),
    );
    check(
        "ipv4_is_in_range",
        &json!(["10.2.3.4", "10.2.3.5"]),
        &json!(false),
    );
    check(
        "ipv4_is_in_range",
        &json!(["10.2.3.4", "all"]),
        &json!(null),
    );
    let ranges = ["10.0.0.0/8", "172.20.0.0/16"];
    check(
        "ipv4_is_in_any_range",
        &json!(["172.20.1.1", ranges]),
        &json!(true),
    );
    check(
        "ipv4_is_in_any_range",
        &json!(["172.21.1.1", ranges]),
        &json!(false),
    );
    let two = json!(["172.21.1.1", "10.0.0.0/8", "172.0.0.0/8"]);
    check("ipv4_is_in_any_range", &two, &json!(true));
    check(
        "ipv6_is_in_range",
        &json!(["2001:db8::7", "2001:db8::/120"]),
        &json!(true),
    );
    check(
        "ipv6_is_in_any_range",
        &json!(["2001:db8::7", "::/120", "fe80::/10"]),
        &json!(false),
    );
    check(
        "ipv6_is_in_any_range",
        &json!(["seven", "::/120"]),
        &json!(null),
    );
}

#[test]
fn private_addresses() {
    check("ipv4_is_private", &json!(["172.31.0.1"]), &json!(true));
    check("ipv4_is_private", &json!(["172.32.0.1"]), &json!(false));
    check("ipv4_is_private", &json!(["10.0.0.0/7"]), &json!(false));
    check("ipv4_is_private", &json!(["fe80::1"]), &json!(null));
}

#[test]
fn a_span_of_addresses_as_networks() {
    let networks = json!(["10.0.0.3/32", "10.0.0.4/30", "10.0.0.8/31"]);
    check(
        "ipv4_range_to_cidr_list",
        &json!(["10.0.0.3", "10.0.0.9"]),
        &networks,
    );
    check(
        "ipv4_range_to_cidr_list",
        &json!(["10.0.0.9", "10.0.0.3"]),
        &json!(null),
    );
    let all = json!(["0.0.0.0", "255.255.255.255"]);
    check("ipv4_range_to_cidr_list", &all, &json!(["0.0.0.0/0"]));
}

#[test]
fn ipv6_in_full() {
    let full = "2001:0db8:0000:0000:0000:0000:0000:0a0b";
    check("parse_ipv6", &json!(["2001:db8::a0b"]), &json!(full));
    let network = "2001:0db8:0000:0000:0000:0000:0000:0a00";
    check(
        "parse_ipv6_mask",
        &json!(["2001:db8::a0b/124", 120]),
        &json!(network),
    );
    check("parse_ipv6", &json!(["2001:db8"]), &json!(""));
}

#[test]
fn addresses_in_text() {
    let line = "denied 10.1.2.3 -> 10.9.9.9:80";
    check("has_ipv4", &json!([line, "10.9.9.9"]), &json!(true));
    check(
        "has_any_ipv4",
        &json!([line, "1.1.1.1", "10.1.2.3"]),
        &json!(true),
    );
    check(
        "has_any_ipv4",
        &json!([line, ["1.1.1.1", "10.1.2"]]),
        &json!(false),
    );
    check("has_ipv4_prefix", &json!([line, "10.9."]), &json!(true));
    check(
        "has_any_ipv4_prefix",
        &json!([line, ["9.", "10.2."]]),
        &json!(false),
    );
}

#[test]
fn where_an_address_is_nobody_knows() {
    let failure = call("geo_info_from_ip_address", &json!(["10.1.2.3"])).unwrap_err();
    assert!(failure.0.contains("ipv4_lookup"));
}
