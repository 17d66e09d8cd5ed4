//! Whether what was found is what was hidden.

use alerts::{Incident, RuleSet};

use super::story::Messages;
use crate::generate::{Attack, Plan, attacks};
use crate::terminal;

/// The comparison.
pub(super) struct Verdict {
    found: Vec<Attack>,
    missed: Vec<Attack>,
    /// Titles of incidents that belong to no attack.
    false_alarms: Vec<String>,
    incidents: usize,
    messages: Messages,
}

/// Compares incidents with attacks: same rule, and the attack's entity among the incident's.
pub(super) fn verdict(
    plan: &Plan,
    rules: &RuleSet,
    incidents: &[Incident],
    messages: Messages,
) -> Verdict {
    let all = attacks(plan);
    let belongs = |incident: &Incident, attack: &Attack| belongs(incident, attack, rules);
    let false_alarms = incidents
        .iter()
        .filter(|incident| !all.iter().any(|attack| belongs(incident, attack)))
        .map(|incident| {
            let entities: Vec<String> = incident.entities.iter().map(ToString::to_string).collect();
            format!("{} ({})", incident.title, entities.join(", "))
        })
        .collect();
    let (found, missed) = all
        .into_iter()
        .partition(|attack| incidents.iter().any(|incident| belongs(incident, attack)));
    Verdict {
        found,
        missed,
        false_alarms,
        incidents: incidents.len(),
        messages,
    }
}

fn belongs(incident: &Incident, attack: &Attack, rules: &RuleSet) -> bool {
    let file = format!("{}.yaml", attack.rule);
    let is_its_rule = rules
        .rules
        .iter()
        .any(|rule| rule.file == file && rule.id == incident.rule_id);
    let names_entity = incident.entities.iter().any(|entity| {
        entity
            .fields
            .values()
            .any(|value| value.eq_ignore_ascii_case(&attack.entity))
    });
    is_its_rule
        && names_entity
        && incident.first_activity <= attack.end
        && incident.last_activity >= attack.start
}

impl Verdict {
    /// Every attack found, nothing else raised, every incident told of by mail and webhook.
    pub(super) fn is_good(&self) -> bool {
        self.missed.is_empty()
            && self.false_alarms.is_empty()
            && self.messages.mails == self.incidents
            && self.messages.webhooks == self.incidents
    }

    pub(super) fn print(&self) {
        let hidden = self.found.len() + self.missed.len();
        terminal::line(format!(
            "\n{} of {hidden} hidden attacks found, {} false alarms, {} incidents, {} e-mails, {} webhooks",
            self.found.len(),
            self.false_alarms.len(),
            self.incidents,
            self.messages.mails,
            self.messages.webhooks,
        ));
        for attack in &self.missed {
            terminal::line(format!("  missed: {} ({})", attack.name, attack.entity));
        }
        for alarm in &self.false_alarms {
            terminal::line(terminal::visible(&format!("  false alarm: {alarm}")));
        }
    }
}
