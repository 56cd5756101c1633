//! The results of tests as JUnit's XML, which every CI server reads.

use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

use super::diff::unified;
use super::trial::Trial;

/// All tests of one run, a suite a rule, in the order in which the rules come.
pub fn report(trials: &[(Trial<'_>, Duration)]) -> String {
    let mut rules: Vec<&Arc<str>> = Vec::new();
    for (trial, _) in trials {
        if !rules.contains(&&trial.case.rule) {
            rules.push(&trial.case.rule);
        }
    }
    let all: Vec<&(Trial<'_>, Duration)> = trials.iter().collect();
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let _ = writeln!(out, "<testsuites name=\"hooktail\" {}>", sums(&all));
    for rule in rules {
        let of_rule: Vec<&(Trial<'_>, Duration)> =
            trials.iter().filter(|(trial, _)| trial.case.rule == *rule).collect();
        let _ = writeln!(out, "  <testsuite name=\"{}\" {}>", escape(rule), sums(&of_rule));
        of_rule.iter().for_each(|(trial, took)| case(&mut out, trial, *took));
        out.push_str("  </testsuite>\n");
    }
    out.push_str("</testsuites>\n");
    out
}

fn sums(trials: &[&(Trial<'_>, Duration)]) -> String {
    let failed = trials.iter().filter(|(trial, _)| !trial.passed()).count();
    let took: Duration = trials.iter().map(|(_, took)| *took).sum();
    let n = trials.len();
    format!(
        "tests=\"{n}\" failures=\"{failed}\" errors=\"0\" skipped=\"0\" time=\"{:.3}\"",
        took.as_secs_f64()
    )
}

fn case(out: &mut String, trial: &Trial<'_>, took: Duration) {
    let stated = trial.case;
    let name = format!("test {} ({}:{})", stated.number, stated.file, stated.line);
    let _ = write!(
        out,
        "    <testcase classname=\"{}\" name=\"{}\" file=\"{}\" line=\"{}\" time=\"{:.3}\"",
        escape(&stated.rule),
        escape(&name),
        escape(&stated.file),
        stated.line,
        took.as_secs_f64()
    );
    if trial.passed() {
        out.push_str("/>\n");
        return;
    }
    let words = format!("{} expected, {} came", stated.expect.len(), trial.got.len());
    let _ = writeln!(out, ">\n      <failure message=\"messages: {words}\">");
    for (side, line) in unified(trial) {
        let _ = writeln!(out, "{} {}", side.mark(), escape(&line));
    }
    out.push_str("      </failure>\n    </testcase>\n");
}

/// `text` for an attribute or an element; what XML 1.0 can't hold becomes U+FFFD.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\t' | '\n' | '\r' => {
                let _ = write!(out, "&#{};", u32::from(c));
            }
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}
