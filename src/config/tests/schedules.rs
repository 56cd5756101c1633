//! `schedules` and `active_during`: what they mean, and what a wrong one gets.

use super::*;
use crate::config::describe;
use crate::config::diagnostic::Report;
use crate::config::layers::At;
use crate::config::source::Source;
use crate::config::{decode, expand, resolve, yaml};

/// What `yaml` is resolved to, also where something is wrong, and what is told.
fn resolved(yaml: &str) -> (Config, Vec<String>) {
    let mut report = Report::default();
    let mut source = Source::new(0, "hooktail.yaml", Path::new("/etc/hooktail"), yaml.to_owned());
    let mut value = yaml::read(&mut source, &mut report).expect("it is YAML");
    expand::expand(&mut value, source.place(), &env, &mut report);
    let raw = decode::decode(value, source.place(), &mut report);
    let config = resolve::resolve(&[At::new(&raw, source.place())], "host".into(), &env, &mut report);
    (config, report.finish().iter().map(line).collect())
}

fn with(schedules: &str, keys: &str) -> String {
    format!("{}schedules:\n{schedules}", rules(&format!("    match: x\n{keys}")))
}

#[test]
fn a_schedule_is_a_map_or_a_list() {
    let shown = |yaml: &str| {
        let (config, told) = resolved(yaml);
        assert!(told.is_empty(), "{told:?}");
        config.rules[0].active_during.as_ref().map(ToString::to_string)
    };
    let during = "    active_during: work\n";
    for (written, expected) in [
        ("{ days: mon-fri, hours: '09:00-18:00', tz: Europe/Berlin }", "mon-fri 09:00-18:00 Europe/Berlin"),
        (
            "[{ days: [mon, wed-fri], tz: UTC }, { hours: 22:00-06:00, tz: UTC }]",
            "mon,wed-fri UTC or every day 22:00-06:00 UTC",
        ),
    ] {
        assert_eq!(shown(&with(&format!("  work: {written}\n"), during)).as_deref(), Some(expected));
    }
    assert_eq!(shown(&with("  work: { days: mon }\n", "")), None);
    let defaults =
        format!("{}defaults: {{ active_during: work }}\n", with("  work: { days: mon, tz: UTC }\n", ""));
    let (config, _) = resolved(&defaults);
    let said = describe(&config.rules[0], &config);
    assert_eq!(said.last().map(String::as_str), Some("is silent outside `work`: mon UTC"));
    assert_eq!(shown(&defaults).as_deref(), Some("mon UTC"));
}

#[test]
fn what_a_wrong_schedule_gets() {
    let during = "    active_during: work\n";
    for (written, expected) in [
        (
            "{ days: mon-fry }",
            "8:17 error: `fry` is no day of the week = write days as `mon-fri`, `sat,sun` or `fri-mon`",
        ),
        ("{ days: [] }", "8:11 error: a schedule without a day = leave `days` out for every day"),
        (
            "{ hours: 9-18 }",
            "8:18 error: these are no hours = write them as \"09:00-18:00\"; \"22:00-06:00\" ends on the day after",
        ),
        (
            "{ hours: 09:00-09:00 }",
            "8:18 error: hours that end when they begin = leave `hours` out for the whole day",
        ),
        (
            "{ days: mon, tz: Europe/Berlim }",
            "8:26 error: there is no time zone `Europe/Berlim` = write its name in the IANA database, as `Europe/Berlin` or `UTC`",
        ),
        (
            "{ tz: UTC }",
            "8:9 error: a schedule needs `days` or `hours` = write `{ days: mon-fri, hours: \"09:00-18:00\" }`",
        ),
        ("[]", "8:3 error: schedule `work` never holds = write `{ days: mon-fri, hours: \"09:00-18:00\" }`"),
        ("{ days: mon, houres: x }", "8:22 error: unknown key `houres` ^ did you mean `hours`?"),
        ("mon-fri", "8:9 error: `work` takes a map ^ this is text"),
    ] {
        let (_, told) = resolved(&with(&format!("  work: {written}\n"), during));
        assert_eq!(told, [expected], "{written}");
    }
}

#[test]
fn an_unknown_schedule_is_told() {
    let (_, told) = resolved(&with("  work: { days: mon }\n", "    active_during: wrok\n"));
    assert_eq!(told, ["6:20 error: there is no schedule `wrok` ^ did you mean `work`?"]);
    let (_, told) = resolved(&rules("    match: x\n    active_during: night\n"));
    assert_eq!(told, ["6:20 error: there is no schedule `night` = there are no `schedules`"]);
    let (_, told) = resolved(&with("  a b: { days: mon }\n", ""));
    assert_eq!(told, ["7:3 error: `a b` is no name = a name is made of letters, digits, `-`, `_` and `.`"]);
}
