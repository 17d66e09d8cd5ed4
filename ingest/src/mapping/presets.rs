//! The mappings that come with the program, as their text.

/// Name and text (TOML, as in a configuration) of each.
pub const PRESETS: [(&str, &str); 6] = [
    ("kong", include_str!("../../presets/kong.toml")),
    ("envoy", include_str!("../../presets/envoy.toml")),
    ("nginx", include_str!("../../presets/nginx.toml")),
    ("combined", include_str!("../../presets/combined.toml")),
    (
        "aws-api-gateway",
        include_str!("../../presets/aws-api-gateway.toml"),
    ),
    (
        "opentelemetry",
        include_str!("../../presets/opentelemetry.toml"),
    ),
];
