use super::*;
use crate::incidents::Status;
use crate::model::{Evidence, Severity};
use crate::window::Window;

/// An incident that holds `count` of everything, each of them `text` after its number.
pub(in crate::deliver) fn incident(text: &str, count: usize) -> Incident {
    let instant = Timestamp::from_micros(1_788_256_800_000_000);
    let many = || -> Vec<String> { (0..count).map(|at| format!("{at} {text}")).collect() };
    let fields = |value: String| BTreeMap::from([("Url".to_owned(), value)]);
    Incident {
        number: 7,
        id: "6ba7b810-9dad-11d1-80b4-00c04fd430c8".to_owned(),
        rule_id: text.to_owned(),
        title: text.to_owned(),
        description: text.to_owned(),
        severity: Severity::High,
        status: Status::New,
        classification: None,
        classification_reason: None,
        classification_comment: None,
        owner: None,
        labels: Vec::new(),
        first_activity: instant,
        last_activity: instant,
        created: instant,
        modified: instant,
        closed: None,
        version: 1,
        alerts: 1,
        tactics: many(),
        techniques: many(),
        entities: many()
            .into_iter()
            .map(|value| Entity {
                kind: "URL".to_owned(),
                fields: fields(value),
            })
            .collect(),
        details: many().into_iter().map(|it| (it.clone(), it)).collect(),
        evidence: Evidence {
            columns: many(),
            rows: vec![many(); count.min(20)],
        },
        runbook: text.to_owned(),
        reason: text.to_owned(),
        is_late: false,
        first_event: None,
        last_event: None,
        window: Window {
            start: instant,
            end: instant,
        },
        received: None,
    }
}

pub(in crate::deliver) fn told(incident: &Incident) -> String {
    let url = "https://bartizan.example/".parse().unwrap();
    let about = (&Workspace::default(), incident);
    message(News::Created, about, Some(&url), incident.created)
}

#[test]
fn a_message_is_short_whatever_the_incident_holds() {
    #[track_caller]
    fn check(character: &str) {
        let text = character.repeat(3_000);
        let told = told(&incident(&text, 90));
        assert!(told.len() < 20_000, "{character:?}: {}", told.len());
        let value: Value = serde_json::from_str(&told).unwrap();
        let data = &value["data"];
        for (list, left_out) in [
            (&data["entities"], &data["entitiesLeftOut"]),
            (&data["evidence"]["rows"], &data["evidence"]["rowsLeftOut"]),
        ] {
            let count = list.as_array().unwrap().len() as u64;
            let all = count + left_out.as_u64().unwrap();
            assert!(all == 90 || all == 20, "{character:?}: {all}");
        }
        let description = data["description"].as_str().unwrap();
        assert!(description.ends_with('…'), "{description}");
    }
    check("a");
    check("ä");
    check("😀");
    check("\"");
    check("\u{1}");
    check("<");
}

#[test]
fn a_short_incident_is_told_whole() {
    let incident = incident("https://api.example/orders", 3);
    let value: Value = serde_json::from_str(&told(&incident)).unwrap();
    let data = &value["data"];
    assert_eq!(data["description"], "https://api.example/orders");
    assert_eq!(data["entitiesLeftOut"], 0);
    let third = json!({"type": "URL", "fields": {"Url": "2 https://api.example/orders"}});
    assert_eq!(data["entities"][2], third);
    assert_eq!(data["evidence"]["rows"].as_array().unwrap().len(), 3);
    assert_eq!(data["evidence"]["rowsLeftOut"], 0);
}

#[test]
fn texts_are_cut_between_characters() {
    #[track_caller]
    fn check(text: &str, octets_max: usize, expected: &str) {
        assert_eq!(cut(text, octets_max), expected);
    }
    check("abcdef", 6, "abcdef");
    check("abcdefg", 6, "abc…");
    check("ääää", 7, "ää…");
    check("\u{1}\u{1}", 11, "\u{1}…");
    check("", 0, "");
}
