//! What webhooks have to do with each other: `fallback` and `rate_group`.

use std::collections::HashMap;
use std::sync::Arc;

use crate::config::diagnostic::Report;
use crate::config::layers::At;
use crate::config::raw::RawWebhook;
use crate::config::scalar::name::known_name;
use crate::deliver::WebhookSpec;

use super::names::Names;
use super::{File, named};

/// Checks what webhooks say of each other, and sets their fallbacks.
pub(super) fn resolve(
    files: &[File<'_>],
    webhooks: &mut [WebhookSpec],
    known: &Names<'_>,
    report: &mut Report,
) {
    let written = written(files);
    let known = known.list();
    let fallbacks: HashMap<&str, Arc<str>> = written
        .iter()
        .filter_map(|(name, at)| {
            let at = at.get("fallback", |raw| &raw.fallback)?;
            Some((*name, known_name(at, "webhook", &known, report)?))
        })
        .collect();
    refuse_loops(&written, &fallbacks, report);
    refuse_differing_rates(&written, webhooks, report);
    for webhook in webhooks {
        webhook.fallback = fallbacks.get(&*webhook.name).cloned();
    }
}

type Written<'a> = Vec<(&'a str, At<'a, RawWebhook>)>;

fn written<'a>(files: &[File<'a>]) -> Written<'a> {
    let sections = files.iter().filter_map(|file| file.get("webhooks", |raw| &raw.webhooks));
    sections.flat_map(|section| named(section, |at, name| Some((name, at)))).collect()
}

/// Nothing is followed further than one step; a loop is a mistake all the same: somebody thinks that there is a last
/// resort where there is none.
fn refuse_loops(written: &Written<'_>, fallbacks: &HashMap<&str, Arc<str>>, report: &mut Report) {
    let mut told: Vec<&str> = Vec::new();
    for (name, at) in written.iter().filter(|(name, _)| fallbacks.contains_key(name)) {
        let mut path: Vec<&str> = vec![name];
        while let Some(next) = fallbacks.get(path[path.len() - 1]).filter(|_| path.len() <= written.len()) {
            path.push(next);
            if **next == **name {
                break;
            }
        }
        let is_loop = path.len() > 1 && path[path.len() - 1] == *name;
        if is_loop && !told.contains(name) {
            let shown = path.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" → ");
            report
                .error(&at.place.key("fallback").value_span(), "a loop of fallbacks")
                .label(format!("{shown}: where they are revoked, nobody hears of it"));
            told.extend(path);
        }
    }
}

fn refuse_differing_rates(written: &Written<'_>, webhooks: &[WebhookSpec], report: &mut Report) {
    let mut first: HashMap<&str, &WebhookSpec> = HashMap::new();
    for webhook in webhooks {
        let Some(group) = webhook.rate_group.as_deref() else { continue };
        let first = *first.entry(group).or_insert(webhook);
        if first.rate == webhook.rate {
            continue;
        }
        let Some((_, at)) = written.iter().find(|(name, _)| **name == *webhook.name) else { continue };
        report
            .error(
                &at.place.key("rate_group").value_span(),
                format!("the webhooks of `{group}` have one rate"),
            )
            .label(format!("`{}` has {}, `{}` has {}", first.name, first.rate, webhook.name, webhook.rate));
    }
}
