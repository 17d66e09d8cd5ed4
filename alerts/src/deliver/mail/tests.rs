use serde_json::json;

use super::*;
use crate::settings::SmtpSecurity;

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

/// A relay that answers commands as `script` says and everything else with 250; gives what it was sent.
async fn relay(listener: &tokio::net::TcpListener, script: &[(&str, &str)]) -> String {
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
        if in_data && line != ".\r\n" {
            continue;
        }
        let scripted = script.iter().find(|(command, _)| line.starts_with(command));
        let reply = match scripted {
            Some((_, reply)) => reply,
            None if line == "DATA\r\n" => "354 go on",
            None => "250 ok",
        };
        in_data = reply.starts_with("354");
        let reply = format!("{reply}\r\n");
        stream.write_all(reply.as_bytes()).await.unwrap();
        if line.starts_with("QUIT") {
            return said;
        }
    }
}

/// What an attempt to write to a@ and b@ comes to, and what the relay was sent.
async fn attempt(script: &[(&str, &str)], leased: &Leased) -> (Attempt, String) {
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
        to: vec!["a@example.com".to_owned(), "b@example.com".to_owned()],
    };
    let mail = Mail::new(&email, Some(&smtp), Duration::from_secs(5)).unwrap();
    let now = Timestamp::from_micros(0);
    let said = async {
        let said = tokio::time::timeout(Duration::from_secs(2), relay(&listener, script)).await;
        said.unwrap_or_default()
    };
    tokio::join!(mail.send(leased, now), said)
}

fn message() -> Leased {
    let body = json!({"data": {"id": "i", "incidentNumber": 1, "severity": "Low", "title": "t",
        "entities": [], "customDetails": {}, "evidence": {"columns": [], "rows": []}, "tactics": [],
        "techniques": [], "description": "", "reason": "", "runbook": "", "relatedAnalyticRuleIds": []}});
    crate::outbox::leased("msg_1", &body.to_string())
}

fn later(answer: &str, reached: &[&str]) -> Attempt {
    Attempt::Retry {
        answer: answer.to_owned(),
        after: None,
        reached: reached.iter().map(|&address| address.to_owned()).collect(),
    }
}

fn done(answer: &str) -> Attempt {
    Attempt::Delivered {
        answer: answer.to_owned(),
    }
}

#[tokio::test]
async fn a_mail_that_the_relay_takes_is_delivered() {
    let (sent, said) = attempt(&[], &message()).await;
    assert_eq!(sent, done("SMTP 250"));
    assert!(said.contains("Message-ID: <msg_1@example.com>"), "{said}");
    let envelope = "RCPT TO:<a@example.com>\r\nRCPT TO:<b@example.com>\r\nDATA";
    assert!(said.contains(envelope), "{said}");
}

#[tokio::test]
async fn a_relay_that_refuses_is_tried_again_whatever_it_says() {
    async fn check(command: &str, reply: &str, expected: &str) {
        let (sent, _) = attempt(&[(command, reply)], &message()).await;
        assert_eq!(sent, later(expected, &[]), "{command} {reply}");
    }
    check("MAIL", "451 busy", "SMTP 451 busy").await;
    check("MAIL", "530 5.7.0 log in", "SMTP 530 5.7.0 log in").await;
    check("DATA", "554 5.3.0 broken", "SMTP 554 5.3.0 broken").await;
    check(".", "554 full", "SMTP 554 full").await;
    let nobody = "a@example.com: SMTP 550 unknown; b@example.com: SMTP 550 unknown";
    check("RCPT", "550 unknown", nobody).await;
}

#[tokio::test]
async fn recipients_are_refused_each_alone() {
    async fn check(reached: &str, script: &[(&str, &str)], expected: Attempt, recipients: &[&str]) {
        let mut leased = message();
        reached.clone_into(&mut leased.reached);
        let (sent, said) = attempt(script, &leased).await;
        assert_eq!(sent, expected, "{script:?} after {reached}");
        let asked = said
            .lines()
            .filter_map(|line| line.strip_prefix("RCPT TO:"));
        assert_eq!(asked.collect::<Vec<_>>(), recipients);
        let has_mail = said.contains("Message-ID: <msg_1@example.com>");
        assert_eq!(has_mail, said.contains("DATA"), "{said}");
    }
    let (a, b) = ("<a@example.com>", "<b@example.com>");
    // One is unknown: the other gets the mail, and gets it once.
    let unknown: &[_] = &[("RCPT TO:<b@", "550 unknown")];
    let partly = done("SMTP 250; b@example.com: SMTP 550 unknown");
    check("[]", unknown, partly, &[a, b]).await;
    // One is to come back later: next time it alone is asked for.
    let busy: &[_] = &[("RCPT TO:<b@", "450 busy")];
    let again = later("b@example.com: SMTP 450 busy", &["a@example.com"]);
    check("[]", busy, again, &[a, b]).await;
    let first = r#"["a@example.com"]"#;
    check(first, &[], done("SMTP 250"), &[b]).await;
    let refused = done("b@example.com: SMTP 550 unknown");
    check(first, unknown, refused, &[b]).await;
}

#[test]
fn a_subject_from_a_log_is_not_decoded() {
    #[track_caller]
    fn check(title: &str, expected: &str) {
        let mail = rendered(title, "cell");
        let (headers, _) = mail.split_once("\r\n\r\n").unwrap();
        let subject = headers.split_once("Subject: ").unwrap().1;
        assert!(subject.starts_with(expected), "{subject}");
    }
    check("Keys guessed", "[High] Keys guessed (incident 42)\r\n");
    check(
        "=?utf-8?B?cGF5IG5vdw==?=",
        "=?utf-8?B?W0hpZ2hdID0/dXRmLTg/Qj9jR0Y1SUc1dmR3PT0/PSAoaW5jaWRlbnQgNDIp?=\r\n",
    );
}

#[tokio::test]
async fn a_mail_is_short_whatever_the_incident_holds() {
    use crate::deliver::message::tests::{incident, told};
    for character in ["a", "ä", "<", "=", "\""] {
        let incident = incident(&character.repeat(3_000), 90);
        let leased = crate::outbox::leased("msg_1", &told(&incident));
        let message = mail().message(&leased, incident.created).unwrap();
        let mail = String::from_utf8(message.formatted()).unwrap();
        assert!(mail.len() < 150_000, "{character}: {}", mail.len());
        if character == "a" {
            let body = unfolded(&mail);
            assert!(body.contains("  and 80 more\r\n"), "{body}");
            assert!(body.contains("<li>and 80 more</li>"), "{body}");
        }
    }
}
