//! `severities`, and a rule's `severity`, `color` and `mention`.

use crate::config::diagnostic::Report;
use crate::config::layers::{At, Layers};
use crate::config::raw::{Named, RawLook, RawRule, Text};
use crate::config::scalar::choice::choice;
use crate::config::scalar::color::color;
use crate::config::scalar::mention::mentions;
use crate::config::spelling::nearest;
use crate::rule::{Color, Look, Mention, Severity};

/// The words for severities.
pub(super) const SEVERITIES: [(&str, Severity); 4] = [
    ("critical", Severity::Critical),
    ("error", Severity::Error),
    ("warning", Severity::Warning),
    ("info", Severity::Info),
];

/// What the file says of each severity.
pub(super) struct Severities {
    looks: [Look; Severity::ALL.len()],
}

impl Severities {
    pub(super) fn resolve(at: Option<At<'_, Named<RawLook>>>, report: &mut Report) -> Self {
        let mut looks = Severity::ALL.map(|severity| Look { color: severity.color(), mention: Vec::new() });
        for (name, raw) in at.iter().flat_map(|at| &at.raw.0) {
            let place = at.map(|at| at.place.key(name));
            let Some(place) = place else { continue };
            match Severity::from_name(name) {
                Some(severity) => fill(&mut looks[severity as usize], At::new(raw, place), report),
                None => {
                    let meant = nearest(name, SEVERITIES.map(|(name, _)| name));
                    let diagnostic = report.error(&place.key_span(), format!("`{name}` is no severity"));
                    match meant {
                        Some(meant) => diagnostic.label(format!("did you mean `{meant}`?")),
                        None => diagnostic.help("there are `critical`, `error`, `warning` and `info`"),
                    };
                }
            }
        }
        Self { looks }
    }

    /// How each severity looks for a rule: its own `color` and `mention` win.
    pub(super) fn for_rule(
        &self,
        layers: &Layers<'_, RawRule>,
        report: &mut Report,
    ) -> [Look; Severity::ALL.len()] {
        let own: Option<Color> = layers.get("color", |raw| &raw.color).and_then(|at| color(at, report));
        let called: Option<Vec<Mention>> =
            layers.get("mention", |raw| &raw.mention).map(|at| mentions(at, report));
        self.looks.clone().map(|look| Look {
            color: own.unwrap_or(look.color),
            mention: called.clone().unwrap_or(look.mention),
        })
    }
}

fn fill(look: &mut Look, at: At<'_, RawLook>, report: &mut Report) {
    if let Some(found) = at.get("color", |raw| &raw.color).and_then(|at| color(at, report)) {
        look.color = found;
    }
    if let Some(at) = at.get("mention", |raw| &raw.mention) {
        look.mention = mentions(at, report);
    }
}

/// A severity by its name.
pub(super) fn severity(at: At<'_, Text>, report: &mut Report) -> Option<Severity> {
    choice(at, "severity", &SEVERITIES, report)
}
