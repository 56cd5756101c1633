//! `webhooks.NAME`.

use std::num::NonZeroU32;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::config::diagnostic::Report;
use crate::config::layers::At;
use crate::config::raw::{Flag, RawWebhook, Text};
use crate::config::scalar::choice::choice;
use crate::config::scalar::duration::duration;
use crate::config::scalar::name::name as checked_name;
use crate::config::scalar::rate::rate;
use crate::config::scalar::url::{proxy_url, webhook_url};
use crate::deliver::{UrlFile, WebhookSpec};
use crate::flavor::Flavor;
use crate::rate::Rate;
use crate::secret::SecretUrl;

use super::persona;
use super::throttle::burst;

const TIMEOUT: Duration = Duration::from_secs(10);
const RETRY_MAX: Duration = Duration::from_secs(5 * 60);
const RETRY_PROBE: Duration = Duration::from_secs(10 * 60);

pub(super) type Env<'a> = &'a dyn Fn(&str) -> Option<String>;

pub(super) fn resolve(
    at: At<'_, RawWebhook>,
    name: &str,
    env: Env<'_>,
    report: &mut Report,
) -> Option<WebhookSpec> {
    let flavor = at.get("flavor", |raw| &raw.flavor);
    let flavor = flavor.and_then(|at| choice(at, "flavor", &Flavor::ALL, report)).unwrap_or_default();
    let persona = persona::resolve(at, flavor, report);
    let proxy = at.get("proxy", |raw| &raw.proxy);
    let proxy = proxy.and_then(|at| proxy_url(&at.raw.0, &at.place.value_span(), report));
    let retry = at.get("retry", |raw| &raw.retry);
    let timeout = at.get("timeout", |raw| &raw.timeout).and_then(|at| duration(at, report));
    let retry_max = retry.and_then(|at| at.get("max", |raw| &raw.max)).and_then(|at| duration(at, report));
    let retry_probe =
        retry.and_then(|at| at.get("probe", |raw| &raw.probe)).and_then(|at| duration(at, report));
    let rate = rate_of(at, report);
    let rate_group = at.get("rate_group", |raw| &raw.rate_group).and_then(|at| group(at, report));
    let (url, url_file) = url_of(at, name, env, report)?;
    // A name that is none was reported with the names of all files.
    let name = checked_name(name, &at.place.key_span(), &mut Report::default())?;
    Some(WebhookSpec {
        name,
        url,
        url_file,
        rate,
        rate_group,
        flavor,
        persona,
        proxy,
        // Known when all webhooks are.
        fallback: None,
        timeout: timeout.unwrap_or(TIMEOUT),
        retry_max: retry_max.unwrap_or(RETRY_MAX),
        retry_probe: retry_probe.unwrap_or(RETRY_PROBE),
    })
}

/// `1/s`, one at once, is what Slack takes a channel.
fn rate_of(at: At<'_, RawWebhook>, report: &mut Report) -> Rate {
    let (number, per) = at
        .get("rate", |raw| &raw.rate)
        .and_then(|at| rate(at, report))
        .unwrap_or((NonZeroU32::MIN, Duration::from_secs(1)));
    let burst = at.get("burst", |raw| &raw.burst).and_then(|at| burst(at, report)).unwrap_or(NonZeroU32::MIN);
    Rate { number, per, burst }
}

fn group(at: At<'_, Text>, report: &mut Report) -> Option<Arc<str>> {
    checked_name(&at.raw.0, &at.place.value_span(), report)
}

type Url = (SecretUrl, Option<UrlFile>);

fn url_of(at: At<'_, RawWebhook>, name: &str, env: Env<'_>, report: &mut Report) -> Option<Url> {
    let allow_http = at.raw.allow_http.is_some_and(|Flag(allow)| allow);
    match (at.place.has("url"), at.place.has("url_file")) {
        (true, true) => {
            let span = at.place.key("url_file").key_span();
            report
                .error(&span, format!("webhook `{name}` has both `url` and `url_file`"))
                .label("write one of them");
            return None;
        }
        (false, false) if at.place.means("url") || at.place.means("url_file") => return None,
        (false, false) => {
            report
                .error(&at.place.key_span(), format!("webhook `{name}` needs `url` or `url_file`"))
                .help("write `url: \"${SLACK_OPS_WEBHOOK}\"` or `url_file: /run/secrets/slack`");
            return None;
        }
        _ => {}
    }
    if let Some(at) = at.get("url", |raw| &raw.url) {
        let url = webhook_url(&at.raw.0, &at.place.value_span(), allow_http, report)?;
        return Some((url, None));
    }
    let at = at.get("url_file", |raw| &raw.url_file)?;
    let file = UrlFile::new(at.place.source.base.join(&at.raw.0), allow_http);
    let text = read_secret(&file, at, env, report)?;
    let url = webhook_url(&text, &at.place.value_span(), allow_http, report)?;
    Some((url, Some(file)))
}

fn read_secret(file: &UrlFile, at: At<'_, Text>, env: Env<'_>, report: &mut Report) -> Option<String> {
    let shown = file.path().display();
    let span = at.place.value_span();
    let (about, text) = match file.read() {
        Ok(found) => found,
        Err(error) => {
            report.error(&span, format!("`{shown}` can't be read")).label(error.to_string());
            return None;
        }
    };
    if about.permissions().mode() & 0o004 != 0 && !is_guarded(file.path(), env) {
        let help = format!("chmod o-r {shown}");
        report.warning(&span, format!("everyone on this machine can read `{shown}`")).help(help);
    }
    Some(text)
}

/// Where the service manager or the container runtime keeps others out.
pub(super) fn is_guarded(path: &Path, env: Env<'_>) -> bool {
    path.starts_with("/run/secrets")
        || env("CREDENTIALS_DIRECTORY")
            .is_some_and(|folder| !folder.is_empty() && path.starts_with(PathBuf::from(folder)))
}
