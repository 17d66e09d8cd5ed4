//! Access logs in which callers wrote what they like: nobody's requests may be lost by it.

use super::{decode, try_decode};
use crate::commands::mapping::mapped_rows;

const GOOD: &str =
    r#"198.51.100.7 - - [24/Nov/2026:03:00:00 +0000] "GET /a HTTP/1.1" 200 12 "-" "curl/8""#;

/// A line of a caller with that name.
fn line(user: &str) -> String {
    GOOD.replacen(" - - ", &format!(" - {user} "), 1)
        .replace(" 200 ", " 401 ")
}

/// A column of the only row.
#[track_caller]
fn column(body: &str, name: &str) -> String {
    let decoded = decode("", body.as_bytes());
    assert_eq!((decoded.accepted, decoded.quarantined), (1, 0), "{body}");
    assert_eq!(decoded.mapped, vec![("combined".to_owned(), 1)], "{body}");
    let row = mapped_rows(&decoded, 1).remove(0);
    let found = row.into_iter().find(|(column, _)| column == name);
    found.map(|(_, value)| value).unwrap_or_default()
}

#[test]
fn a_name_hides_no_request() {
    for user in [
        "john doe",
        "a [b",
        "a [10/Oct/2000:13:55:36 +0000] b",
        r"\x22 - [x",
    ] {
        let line = line(user);
        let event = serde_json::json!({"timestamp": "2026-11-24T03:00:00Z", "message": line, "source_type": "file"});
        for body in [line, event.to_string()] {
            assert_eq!(column(&body, "UserId"), user);
            assert_eq!(column(&body, "ApimSubscriptionId"), "");
            assert_eq!(column(&body, "CallerIpAddress"), "198.51.100.7");
            let time = "2026-11-24T03:00:00.000000Z";
            assert_eq!(column(&body, "TimeGenerated"), time);
        }
    }
}

#[test]
fn of_addresses_that_a_header_lists_the_last_is_the_callers() {
    let line = GOOD.replacen("198.51.100.7", "192.0.2.1, 198.51.100.7", 1);
    assert_eq!(column(&line, "CallerIpAddress"), "198.51.100.7");
    let line = GOOD.replacen("198.51.100.7", "api.example:443 198.51.100.7", 1);
    assert_eq!(column(&line, "CallerIpAddress"), "198.51.100.7");
    assert_eq!(column(&line, "ApiId"), "api.example:443");
}

#[test]
fn odd_lines_in_front_cost_no_good_line() {
    let odd = format!("{}\n", GOOD.replace("] \"GET", "] GET"));
    let good = format!("{GOOD}\n");
    let body = odd.repeat(10) + &good.repeat(50);
    let decoded = decode("", body.as_bytes());
    assert_eq!((decoded.accepted, decoded.quarantined), (50, 10));
    assert!(try_decode("", odd.repeat(60).as_bytes()).is_none());
    assert!(try_decode("", "some prose, line by line\n".repeat(60).as_bytes()).is_none());
}
