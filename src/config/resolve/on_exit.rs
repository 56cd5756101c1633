//! `on_exit`: a rule that takes no line, but a program's end.

use std::sync::Arc;

use crate::config::OnExitSpec;
use crate::config::diagnostic::Report;
use crate::config::layers::{At, Layers};
use crate::config::raw::{OffOr, RawMessage, RawOnExit, RawRule, Text};
use crate::config::scalar::name::texts;
use crate::config::scalar::number::number;
use crate::rule::Rule;

use super::Scope;
use super::rule::{Whole, resolve as resolve_rule};

/// The rule's name.
const NAME: &str = "on_exit";

/// The headline, over what is known of the end.
const TITLE: &str = "{{ program }} {{ how }}, after {{ ran }}";

const LINES: usize = 20;
/// More have no room in a message.
const LINES_MAX: u64 = 100;

/// Done, and ended by SIGTERM: somebody wanted it.
const OK: [u8; 2] = [0, 143];

pub(super) fn resolve(
    at: At<'_, RawOnExit>,
    rules: &[Rule],
    scope: &Scope<'_>,
    report: &mut Report,
) -> OnExitSpec {
    let text = |text: &str| Some(Text(text.to_owned()));
    let raw = RawRule {
        webhook: at.raw.webhook.clone(),
        severity: at.raw.severity.clone().or_else(|| text("critical")),
        mention: at.raw.mention.clone(),
        dedup: Some(OffOr::Off),
        message: Some(RawMessage { title: text(TITLE), fields: Some(Vec::new()), ..RawMessage::default() }),
        ..RawRule::default()
    };
    if rules.iter().any(|rule| &*rule.name == NAME) {
        let help = "`on_exit` posts under this name: give the rule another one";
        report.error(&at.place.key_span(), format!("a rule is called `{NAME}`")).help(help);
    }
    let layers = Layers::new(vec![At::new(&raw, at.place)]);
    let rule = resolve_rule(Whole::OnExit(Arc::from(NAME)), at.place, &layers, scope, report);
    let lines = at.get("lines", |raw| &raw.lines).and_then(|at| number(at, 1..=LINES_MAX, report));
    let ok = at.get("ok", |raw| &raw.ok).map(|at| {
        let all = texts(at).filter_map(|status| number(status, 0..=255, report));
        all.filter_map(|status| u8::try_from(status).ok()).collect()
    });
    OnExitSpec {
        rule: Rule { inputs: Vec::new(), ..rule },
        lines: lines.and_then(|lines| usize::try_from(lines).ok()).unwrap_or(LINES),
        ok: ok.unwrap_or_else(|| OK.to_vec()),
    }
}
