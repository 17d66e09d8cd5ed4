//! Fuzz targets: one for each decoder, and for what lies before and behind them.
//!
//! [`hold`] says what must hold of any bytes, [`seeds`] has good ones. `cargo test` draws programs that spoil the seeds
//! ([`drawn`]), for a moment each; `tests/fuzz` lets libFuzzer look for bytes that reach what no others have reached, for
//! as long as is wanted. CONTRIBUTING.md says how.

mod hold;
mod seeds;

/// Something that reads bytes from outside, by itself.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Its name, by which one is chosen.
    pub name: &'static str,
    /// Good bytes to begin with.
    pub seeds: fn() -> Vec<Vec<u8>>,
    /// Reads bytes and panics unless what must hold does.
    pub check: fn(&[u8]),
}

/// Hands the names of the targets that read bodies, and their seeds, to a macro.
macro_rules! bodies {
    ($act:ident) => {
        $act! {
            envelopes: ENVELOPES;
            gateway_logs: GATEWAY;
            language_model_logs: LANGUAGE_MODEL;
            tool_logs: TOOL;
            web_socket_logs: WEB_SOCKET;
            developer_portal_logs: DEVELOPER_PORTAL;
            nsg_flow_logs: NSG;
            vnet_flow_logs: VNET;
            flow_rows: FLOW_ROWS;
            activity_logs: ACTIVITY;
            sign_in_logs: SIGN_IN;
            audit_logs: AUDIT;
            key_vault_logs: KEY_VAULT;
            application_gateway_logs: APPLICATION_GATEWAY;
            other_logs: OTHER;
            broken_objects: BROKEN;
            files_of_rows: CSV;
        }
    };
}

macro_rules! list {
    ($($name:ident: $seeds:ident;)*) => {
        [$(Target {
            name: stringify!($name),
            seeds: || texts(seeds::$seeds),
            check: hold::body,
        }),*]
    };
}

/// Every target.
pub fn targets() -> Vec<Target> {
    let target = |name, seeds, check| Target { name, seeds, check };
    let mut targets = bodies!(list).to_vec();
    targets.extend([
        target("neighbours", || texts(seeds::GATEWAY), hold::neighbours),
        target("parts", || texts(seeds::ENVELOPES), hold::parts),
        target("bulk", || texts(seeds::BULK), hold::bulk),
        target("otlp_json", || texts(seeds::OTLP_JSON), hold::otlp_json),
        target(
            "otlp_protobuf",
            || vec![seeds::OTLP_PROTOBUF.to_vec()],
            hold::otlp_protobuf,
        ),
        target(
            "combined_lines",
            || texts(seeds::COMBINED),
            hold::combined_line,
        ),
        target("times", || texts(seeds::TIMES), hold::time),
        target("compressed_bodies", seeds::compressed, hold::compressed),
    ]);
    targets
}

fn texts(seeds: &[&str]) -> Vec<Vec<u8>> {
    seeds.iter().map(|seed| seed.as_bytes().to_vec()).collect()
}

#[cfg(test)]
mod drawn;
#[cfg(test)]
mod spoil;
