//! Bodies that are drawn by chance: a program spoils a good one, so that it reaches the depths of a decoder; one program in
//! eight is taken as the body itself.

use proptest::prelude::*;

use super::{hold, seeds, spoil, targets};
use crate::bounded::Encoding;

/// Longest program: what to do, with what, and four bytes for each change.
const PROGRAM_BYTES: usize = 2 + 4 * spoil::CHANGES_MAX;

fn programs() -> impl Strategy<Value = Vec<u8>> {
    proptest::collection::vec(any::<u8>(), 0..=PROGRAM_BYTES)
}

macro_rules! tests {
    ($($name:ident: $seeds:ident;)*) => {
        proptest! {
            $(
                #[test]
                fn $name(program in programs()) {
                    hold::body(&spoil::body(seeds::$seeds, &program));
                }
            )*
        }
    };
}

bodies!(tests);

proptest! {
    #[test]
    fn neighbours(program in programs()) {
        hold::neighbours(&spoil::body(seeds::GATEWAY, &program));
    }

    #[test]
    fn parts(program in programs()) {
        hold::parts(&spoil::body(seeds::ENVELOPES, &program));
    }

    #[test]
    fn bulk(program in programs()) {
        hold::bulk(&spoil::body(seeds::BULK, &program));
    }

    #[test]
    fn otlp_json(program in programs()) {
        hold::otlp_json(&spoil::body(seeds::OTLP_JSON, &program));
    }

    #[test]
    fn otlp_protobuf(program in programs()) {
        hold::otlp_protobuf(&spoil::bytes(seeds::OTLP_PROTOBUF, &program));
    }

    #[test]
    fn combined_lines(program in programs()) {
        hold::combined_line(&spoil::body(seeds::COMBINED, &program));
    }

    #[test]
    fn times(program in programs()) {
        hold::time(&spoil::body(seeds::TIMES, &program));
    }

    #[test]
    fn compressed_bodies(program in programs()) {
        for encoding in [Encoding::Gzip, Encoding::Zstd] {
            let body = seeds::compressed_as(encoding);
            hold::compressed(&spoil::bytes(&body, &program));
        }
    }
}

#[test]
fn seeds_hold() {
    for target in targets() {
        let seeds = (target.seeds)();
        assert!(!seeds.is_empty(), "{}", target.name);
        for seed in seeds {
            (target.check)(&seed);
        }
    }
}
