//! The rules that come with the program.

/// Name and text of each.
pub(super) const FILES: [(&str, &str); 5] = [
    (
        "subscription-key-guessing.yaml",
        include_str!("../../rules/subscription-key-guessing.yaml"),
    ),
    (
        "subscription-key-spread.yaml",
        include_str!("../../rules/subscription-key-spread.yaml"),
    ),
    (
        "api-traffic-spike.yaml",
        include_str!("../../rules/api-traffic-spike.yaml"),
    ),
    (
        "gateway-bypass.yaml",
        include_str!("../../rules/gateway-bypass.yaml"),
    ),
    (
        "diagnostic-settings-deleted.yaml",
        include_str!("../../rules/diagnostic-settings-deleted.yaml"),
    ),
];
