use serde_json::json;

use super::*;

fn mail() -> Mail {
    let smtp = SmtpSettings {
        host: "localhost".to_owned(),
        port: 0,
        security: SmtpSecurity::None,
        credentials: None,
        from: "Bartizan <bartizan@example.com>".to_owned(),
        ca_pem: None,
    };
    let email = EmailSettings {
        to: vec![
            "soc@example.com".to_owned(),
            "Ann <ann@example.com>".to_owned(),
        ],
    };
    Mail::new(&email, Some(&smtp), Duration::from_secs(5)).unwrap()
}

fn rendered(title: &str, cell: &str) -> String {
    let message = json!({"type": "incident.created", "data": {
        "id": "6ba7b810-9dad-11d1-80b4-00c04fd430c8", "incidentNumber": 42, "severity": "High", "title": title,
        "incidentUrl": "https://bartizan.example/incidents/42", "description": "What\nand why.",
        "reason": "Rule fired.", "tactics": ["Impact"], "techniques": ["T1499"], "workspace": "default",
        "entities": [{"type": "IP", "fields": {"Address": cell}}], "customDetails": {"Url": cell},
        "evidence": {"columns": ["Url"], "rows": [[cell]]}, "runbook": "1. Look.\n2. Act.",
        "relatedAnalyticRuleIds": ["r"], "createdTimeUtc": "t", "firstActivityTimeUtc": "t", "lastActivityTimeUtc": "t",
    }});
    let leased: Leased = crate::outbox::leased("msg_1", &message.to_string());
    let message = mail()
        .message(&leased, Timestamp::from_micros(1_788_256_800_000_000))
        .unwrap();
    String::from_utf8(message.formatted()).unwrap()
}

/// Undoes the soft line breaks of quoted-printable, enough to search for text.
fn unfolded(mail: &str) -> String {
    mail.replace("=\r\n", "").replace("=3D", "=")
}

#[tokio::test]
async fn a_mail_has_stable_ids_and_both_forms() {
    let mail = rendered("Keys guessed", "198.51.100.7");
    let (headers, body) = mail.split_once("\r\n\r\n").unwrap();
    for header in [
        "Message-ID: <msg_1@example.com>",
        "References: <incident-6ba7b810-9dad-11d1-80b4-00c04fd430c8@example.com>",
        "Auto-Submitted: auto-generated",
        "List-Id: Bartizan incidents <incidents.example.com>",
        "Subject: [High] Keys guessed (incident 42)",
        "To: soc@example.com, Ann <ann@example.com>",
        "Date: Tue, 01 Sep 2026 10:00:00 +0000",
    ] {
        assert!(headers.contains(header), "{header} is not in\n{headers}");
    }
    assert!(body.contains("Content-Type: text/plain; charset=utf-8"));
    assert!(body.contains("Content-Type: text/html; charset=utf-8"));
    let body = unfolded(body);
    for text in [
        "IP: Address 198.51.100.7",
        "1. Look.",
        "https://bartizan.example/incidents/42",
        "<td>198.51.100.7</td>",
    ] {
        assert!(body.contains(text), "{text} is not in\n{body}");
    }
}

#[tokio::test]
async fn log_text_stays_text() {
    let attack =
        "<script>alert(1)</script>\"><img src=x>\r\nBcc: victim@example.com\u{2028}{{7*7}}\u{202e}";
    let mail = rendered(attack, attack);
    let (headers, body) = mail.split_once("\r\n\r\n").unwrap();
    assert!(
        !headers
            .lines()
            .any(|line| line.to_lowercase().starts_with("bcc")),
        "{headers}"
    );
    let body = unfolded(body);
    let html = body.split_once("text/html").unwrap().1;
    assert!(
        !html.contains("<script>") && !html.contains("<img"),
        "{html}"
    );
    assert!(html.contains("&lt;script&gt;"), "{html}");
    assert!(
        body.contains("{{7*7}}") && !body.contains("com 49"),
        "{body}"
    );
    assert!(!body.lines().any(|line| line.starts_with("Bcc")), "{body}");
}

#[tokio::test]
async fn mail_in_the_clear_stays_on_the_machine() {
    let email = EmailSettings {
        to: vec!["soc@example.com".to_owned()],
    };
    let smtp = |host: &str, security| SmtpSettings {
        host: host.to_owned(),
        port: 0,
        security,
        credentials: None,
        from: "a@example.com".to_owned(),
        ca_pem: None,
    };
    let made = |smtp: Option<&SmtpSettings>| Mail::new(&email, smtp, Duration::from_secs(5));
    assert!(matches!(made(None), Err(MailError::NoRelay)));
    let far = smtp("relay.example.com", SmtpSecurity::None);
    assert!(matches!(
        made(Some(&far)),
        Err(MailError::Unprotected { .. })
    ));
    assert!(made(Some(&smtp("127.0.0.1", SmtpSecurity::None))).is_ok());
    assert!(made(Some(&smtp("relay.example.com", SmtpSecurity::StartTls))).is_ok());
    assert!(made(Some(&smtp("relay.example.com", SmtpSecurity::Tls))).is_ok());
}
