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

/// A relay that answers every recipient with `answer`; gives what it was sent.
async fn relay(listener: tokio::net::TcpListener, answer: &str) -> String {
    use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
    let (stream, _) = listener.accept().await.unwrap();
    let mut stream = BufReader::new(stream);
    stream.write_all(b"220 relay\r\n").await.unwrap();
    let (mut said, mut in_data) = (String::new(), false);
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await.unwrap_or(0) == 0 {
            return said;
        }
        said.push_str(&line);
        let reply = match line.get(..4).unwrap_or_default() {
            _ if in_data && line == ".\r\n" => "250 ok",
            _ if in_data => continue,
            "DATA" => "354 go on",
            "RCPT" => answer,
            _ => "250 ok",
        };
        in_data = reply.starts_with("354");
        stream
            .write_all(format!("{reply}\r\n").as_bytes())
            .await
            .unwrap();
        if line.starts_with("QUIT") || reply == "250 ok" && said.ends_with("\r\n.\r\n") {
            return said;
        }
    }
}

#[tokio::test]
async fn the_relay_says_whether_a_mail_is_sent_again() {
    async fn attempt(answer: &str) -> (Attempt, String) {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let smtp = SmtpSettings {
            host: "127.0.0.1".to_owned(),
            port: listener.local_addr().unwrap().port(),
            security: SmtpSecurity::None,
            credentials: None,
            from: "bartizan@example.com".to_owned(),
            ca_pem: None,
        };
        let email = EmailSettings {
            to: vec!["soc@example.com".to_owned()],
        };
        let mail = Mail::new(&email, Some(&smtp), Duration::from_secs(5)).unwrap();
        let body = json!({"data": {"id": "i", "incidentNumber": 1, "severity": "Low", "title": "t",
            "entities": [], "customDetails": {}, "evidence": {"columns": [], "rows": []}, "tactics": [],
            "techniques": [], "description": "", "reason": "", "runbook": "", "relatedAnalyticRuleIds": []}});
        let leased = crate::outbox::leased("msg_1", &body.to_string());
        let now = Timestamp::from_micros(0);
        tokio::join!(mail.send(&leased, now), async {
            tokio::time::timeout(Duration::from_secs(5), relay(listener, answer))
                .await
                .unwrap_or_default()
        })
    }
    let (sent, said) = attempt("250 ok").await;
    assert!(matches!(sent, Attempt::Delivered { .. }), "{sent:?}");
    assert!(said.contains("Message-ID: <msg_1@example.com>"), "{said}");
    let (later, _) = attempt("451 busy").await;
    assert!(
        matches!(&later, Attempt::Retry { answer, .. } if answer == "SMTP 451"),
        "{later:?}"
    );
    let (never, _) = attempt("550 unknown").await;
    assert!(
        matches!(&never, Attempt::Refused { answer } if answer == "SMTP 550"),
        "{never:?}"
    );
}
