//! All rules of a configuration, which alerts know by name and matches by place. No I/O, no clock.

use std::collections::HashMap;
use std::sync::Arc;

// Seeded, and quicker than the standard library's: alerts ask at each message.
use lru::DefaultHasher;

use crate::event::RuleId;
use crate::rule::Rule;

/// Rules in their order, and where each of them is. Cloning shares them.
#[derive(Debug, Clone)]
pub struct Rules {
    all: Arc<[Rule]>,
    places: Arc<HashMap<Arc<str>, RuleId, DefaultHasher>>,
}

impl Rules {
    /// Of these, no two of which have one name.
    pub fn new(all: Arc<[Rule]>) -> Self {
        let places = all.iter().enumerate().map(|(place, rule)| (rule.name.clone(), RuleId(place)));
        Self { places: Arc::new(places.collect()), all }
    }

    /// In the order of the configuration.
    pub const fn all(&self) -> &Arc<[Rule]> {
        &self.all
    }

    /// The place of the rule of that name.
    pub fn place(&self, name: &str) -> Option<RuleId> {
        self.places.get(name).copied()
    }

    /// The rule of that name.
    pub fn named(&self, name: &str) -> Option<&Rule> {
        self.place(name).map(|RuleId(place)| &self.all[place])
    }

    /// The place here of the rule that has the place `rule` among `theirs`.
    pub fn place_of(&self, theirs: &Arc<[Rule]>, rule: RuleId) -> Option<RuleId> {
        match Arc::ptr_eq(theirs, &self.all) {
            true => Some(rule),
            false => self.place(&theirs.get(rule.0)?.name),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config;

    fn rules(names: &[&str]) -> Rules {
        let rules: Vec<String> = names.iter().map(|name| format!("{{ name: {name}, match: x }}")).collect();
        let rules = rules.join(", ");
        let text = format!(
            "webhooks: {{ w: {{ url: 'http://127.0.0.1/x' }} }}\ninputs: {{ a: {{ stdin: true }} }}\nrules: [{rules}]"
        );
        let config = config::from_str(&text, "rules", Path::new("."), &|_| None).config.expect("it is right");
        Rules::new(config.rules.into())
    }

    #[test]
    fn a_rule_is_found_by_its_name_and_by_its_place_among_others() {
        let (ours, theirs) = (rules(&["a", "b", "c"]), rules(&["c", "d", "a"]));
        assert_eq!(ours.named("b").map(|rule| &*rule.name), Some("b"));
        assert_eq!(ours.place("d"), None);
        let places = |others: &Rules| [0, 1, 2, 3].map(|place| ours.place_of(others.all(), RuleId(place)));
        assert_eq!(places(&theirs), [Some(RuleId(2)), None, Some(RuleId(0)), None]);
        assert_eq!(places(&ours)[..3], [0, 1, 2].map(|place| Some(RuleId(place))));
    }
}
