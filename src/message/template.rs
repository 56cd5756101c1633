//! A template of the configuration: minijinja, with everything that its fields bring in escaped.
//!
//! A template's output is not text yet but [`Piece`]s, which tell the author's literal text from what an expression put
//! in; `markup` escapes the second by where it stands. minijinja itself reports which part of the output came from
//! which: no marker travels in the text, so no log line can forge one. What was captured (`{% set %}…{% endset %}`,
//! `{% filter %}`) counts as put in by the expression that prints it.

use std::collections::BTreeSet;
use std::fmt;
use std::ops::Range;
use std::sync::OnceLock;

use minijinja::value::Value;
use minijinja::{Environment, Error, ErrorKind, Output, OutputSpanKind, State, UndefinedBehavior};

use super::markup::Piece;
use super::scope::{Context, FUNCTIONS, NOTE, Note, Scope};
use super::words::{Use, words};

/// Work that a rendering may do: instructions, or 64 bytes of text each. Well under a millisecond of it.
const FUEL: u64 = 10_000;

/// A longer template is no headline and no message.
const SOURCE_BYTES_MAX: usize = 16 * 1024;

/// The name under which an environment holds its one template.
const NAME: &str = "template";

/// A template that parses.
pub struct Template {
    source: String,
    env: Environment<'static>,
}

/// Why a text is no template.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct TemplateError {
    /// What is wrong, in words.
    pub message: String,
    /// Where in the template's source, in bytes, when that is known.
    pub range: Option<Range<usize>>,
}

/// What a template gave for one alert.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Rendered {
    pub(super) pieces: Vec<Piece>,
    /// Fields that the template printed and that are not there.
    pub(super) missing: Vec<String>,
}

impl Template {
    /// Parses `source`, and tries it on fields that are all there.
    ///
    /// # Errors
    /// What minijinja says, with the place; an unknown filter, test or function, also in a branch that is rarely taken;
    /// a mention, which belongs to the rule; work without end.
    pub fn parse(source: &str) -> Result<Self, TemplateError> {
        if source.len() > SOURCE_BYTES_MAX {
            let message = format!("a template has at most {} KiB", SOURCE_BYTES_MAX / 1024);
            return Err(TemplateError { message, range: None });
        }
        let mut env = base().clone();
        env.add_template_owned(NAME, source.to_owned()).map_err(|error| in_words(&error))?;
        let template = Self { source: source.to_owned(), env };
        template.check_words()?;
        template.check_mentions()?;
        template.try_on_samples()?;
        Ok(template)
    }

    /// The fields that it reads, each with its group where it is written with one: `captures.ip`, `ip`. In the order
    /// of the alphabet. A group alone (`captures`) is one that is read as a whole, or as `captures["ip"]`.
    pub fn references(&self) -> Vec<String> {
        let names = self.env.get_template(NAME).map(|template| template.undeclared_variables(true));
        let names: BTreeSet<String> = names.unwrap_or_default().into_iter().collect();
        names.into_iter().filter(|name| !FUNCTIONS.contains(&name.as_str())).collect()
    }

    /// What was parsed.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// What it gives for the fields of `context`.
    ///
    /// # Errors
    /// Why it could not be rendered, in words: out of fuel, a type that does not fit.
    pub(super) fn render(&self, context: &Context) -> Result<Rendered, String> {
        let out = self.output(context).map_err(|error| in_words(&error).message);
        let missing = context.note.take();
        out.map(|pieces| Rendered { pieces, missing })
    }

    fn output(&self, context: &Context) -> Result<Vec<Piece>, Error> {
        let (text, spans) = self.env.get_template(NAME)?.render_with_spans(context.value.clone())?;
        let mut pieces = Vec::with_capacity(spans.len());
        let mut at = 0;
        for span in spans {
            let Range { start, end } = span.output_range();
            // Nothing lies between spans; if it did, it would not be the author's.
            let parts = [(at..start, false), (start..end, span.kind() == OutputSpanKind::Raw)];
            for (range, author) in parts.into_iter().filter(|(range, _)| !range.is_empty()) {
                pieces.push(Piece { author, text: text[range].to_owned() });
            }
            at = end;
        }
        if at < text.len() {
            pieces.push(Piece { author: false, text: text[at..].to_owned() });
        }
        Ok(pieces)
    }

    fn check_words(&self) -> Result<(), TemplateError> {
        for word in words(&self.source) {
            let name = &self.source[word.place.clone()];
            let (known, what) = match word.used_as {
                Use::Filter => (is_known("filter", name), "filter"),
                Use::Test => (is_known("test", name), "test"),
                Use::Function => (FUNCTIONS.contains(&name) || name == "loop", "function"),
                Use::Method => (false, "method"),
            };
            if !known {
                let why = match (word.used_as, name) {
                    (Use::Filter, "safe" | "escape" | "e") => ": what fields bring in is always escaped",
                    (Use::Method, _) => ": filters do its work, as in `name|upper`",
                    _ => "",
                };
                let message = format!("unknown {what} `{name}`{why}");
                return Err(TemplateError { message, range: Some(word.place) });
            }
        }
        Ok(())
    }

    /// A mention in a template would be a dead text: who is called stands in the rule, where its budget is kept.
    fn check_mentions(&self) -> Result<(), TemplateError> {
        for mention in ["<!here", "<!channel", "<!everyone", "<!subteam", "<@"] {
            if let Some(at) = self.source.find(mention) {
                let message = "whom a message calls stands in the rule: `mention:`".to_owned();
                return Err(TemplateError { message, range: Some(at..at + mention.len()) });
            }
        }
        Ok(())
    }

    /// Renders once, for mistakes that no value can mend. A type that doesn't fit the sample may fit the log.
    fn try_on_samples(&self) -> Result<(), TemplateError> {
        let Err(error) = self.output(&Scope::sample(&self.references()).into()) else {
            return Ok(());
        };
        match error.kind() {
            ErrorKind::UnknownFilter
            | ErrorKind::UnknownTest
            | ErrorKind::UnknownFunction
            | ErrorKind::UnknownMethod
            | ErrorKind::MissingArgument
            | ErrorKind::TooManyArguments
            | ErrorKind::OutOfFuel => Err(in_words(&error)),
            _ => Ok(()),
        }
    }
}

impl fmt::Debug for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Template").field(&self.source).finish()
    }
}

fn in_words(error: &Error) -> TemplateError {
    let message = match (error.kind(), error.detail()) {
        (ErrorKind::OutOfFuel, _) => "the template is too much work".to_owned(),
        (ErrorKind::SyntaxError, Some(detail)) => detail.to_owned(),
        (kind, Some(detail)) => format!("{kind}: {detail}"),
        (kind, None) => kind.to_string(),
    };
    // Where the fuel ran out says little about what was too much.
    let range = error.range().filter(|_| error.kind() != ErrorKind::OutOfFuel);
    TemplateError { message, range }
}

/// What all templates share: the language without what would defeat escaping or show more than was asked for.
fn base() -> &'static Environment<'static> {
    static BASE: OnceLock<Environment<'static>> = OnceLock::new();
    BASE.get_or_init(|| {
        let mut env = Environment::new();
        env.set_debug(false);
        env.set_fuel(Some(FUEL));
        env.set_recursion_limit(50);
        env.set_undefined_behavior(UndefinedBehavior::Chainable);
        env.set_formatter(print);
        for filter in ["safe", "escape", "e"] {
            env.remove_filter(filter);
        }
        env.remove_global("debug");
        env.add_filter("epoch", epoch);
        env
    })
}

fn is_known(what: &str, name: &str) -> bool {
    let question = format!("name is {what}");
    let known = base()
        .compile_expression_owned(question)
        .and_then(|expr| expr.eval(Value::from_pairs([("name", name)])));
    known.is_ok_and(|known| known.is_true())
}

/// Prints a value as it is (escaping comes later) and notes whether a missing field left a gap.
fn print(out: &mut Output, state: &mut State, value: &Value) -> Result<(), Error> {
    let text = if value.is_none() || value.is_undefined() { String::new() } else { value.to_string() };
    if let Some(note) = state.lookup(NOTE).and_then(|value| value.downcast_object::<Note>()) {
        note.printed(value.is_undefined(), text.is_empty());
    }
    out.write_str(&text).map_err(Error::from)
}

/// The seconds since 1970 of an RFC 3339 text.
fn epoch(value: &Value) -> Result<Value, Error> {
    if value.is_undefined() {
        return Ok(Value::UNDEFINED);
    }
    let time = value.as_str().and_then(|text| text.parse::<jiff::Timestamp>().ok());
    let no_time = || Error::new(ErrorKind::InvalidOperation, "`epoch` wants a time, as `first_seen`");
    time.map(|time| Value::from(time.as_second())).ok_or_else(no_time)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn render(source: &str, fields: &[(&str, &str)]) -> (String, Vec<String>) {
        let template = Template::parse(source).unwrap_or_else(|error| panic!("{source}: {error}"));
        let context = context(fields);
        let rendered = template.render(&context).unwrap_or_else(|error| panic!("{source}: {error}"));
        let marked = rendered.pieces.iter().map(|piece| match piece.author {
            true => piece.text.clone(),
            false => format!("[{}]", piece.text),
        });
        (marked.collect(), rendered.missing)
    }

    fn context(fields: &[(&str, &str)]) -> Context {
        Scope::with_captures(fields).into()
    }

    fn check(source: &str, fields: &[(&str, &str)], expected: &str) {
        assert_eq!(render(source, fields), (expected.to_owned(), vec![]), "{source}");
    }

    #[test]
    fn what_a_field_brings_in_is_told_from_what_the_author_wrote() {
        let ip = [("ip", "1.2.3.4")];
        check("SSH brute force from {{ ip }}!", &ip, "SSH brute force from [1.2.3.4]!");
        check("{{ captures.ip }} {{ captures['ip'] }}", &ip, "[1.2.3.4] [1.2.3.4]");
        check("{% if ip %}*yes*{% else %}no{% endif %}", &ip, "*yes*");
        check("{% for part in ip|split('.') %}{{ part }}-{% endfor %}", &ip, "[1]-[2]-[3]-[4]-");
        check("{% set x %}*a* {{ ip }}{% endset %}{{ x }}", &ip, "[*a* 1.2.3.4]");
        check("{% filter upper %}*a* {{ ip }}{% endfilter %}", &ip, "[*A* 1.2.3.4]");
        check("{% autoescape 'html' %}{{ ip }}<{% endautoescape %}", &ip, "[1.2.3.4]<");
        check("{{ count + 1 }} {{ none }} {{ true }}", &ip, "[8]  [True]");
        check("{{ first_seen|epoch }} {{ first_seen }}", &ip, "[1769860800] [2026-01-31T12:00:00+00:00]");
    }

    #[test]
    fn a_missing_field_is_empty_and_named() {
        let missing = |source: &str| render(source, &[("ip", "1")]).1;
        assert_eq!(missing("{{ user }} {{ ip }} {{ labels.team }} {{ user }}"), ["user", "labels.team"]);
        assert_eq!(missing("{{ user|upper }}{{ a.b.c }}"), ["user", "a"]);
        assert_eq!(missing("{% if user %}x{% endif %}{{ ip }}"), [""; 0]);
        assert_eq!(missing("{{ user|default('nobody') }}{{ ip }}"), [""; 0]);
        assert_eq!(missing("{% for i in range(2) %}{{ i }}{{ nobody }}{% endfor %}"), ["nobody"]);
    }

    #[test]
    fn parsed_fields_are_read_by_path() {
        let fields = serde_json::json!({
            "req": { "status": 503, "path": "/x", "gone": null }, "req.path": "/flat", "ip": "parsed",
            "tags": ["a", "b"], "k8s.pod": "web-1", "message": "theirs",
        });
        let rendered = |source: &str| {
            let context = Scope::with_fields(&[("ip", "caught")], fields.clone()).into();
            let rendered = Template::parse(source).unwrap().render(&context).unwrap();
            let text: String = rendered.pieces.iter().map(|piece| &*piece.text).collect();
            (text, rendered.missing.join(","))
        };
        let check = |source: &str, text: &str, missing: &str| {
            assert_eq!(rendered(source), (text.to_owned(), missing.to_owned()), "{source}");
        };
        check("{{ req.status + 1 }} {{ fields.req.status }}", "504 503", "");
        check("{{ req.path }} {{ k8s.pod }} {{ fields['k8s.pod'] }}", "/flat web-1 web-1", "");
        check("{{ ip }} {{ fields.ip }} {{ fields.message }}", "caught parsed theirs", "");
        check("{{ tags|join('+') }} {{ tags[0] }}", "a+b a", "");
        check("{{ req.gone }}{{ req.nope }}{{ fields.nope }}", "", "req.gone,req.nope,fields.nope");
    }

    #[test]
    fn the_fields_that_it_reads_are_known() {
        let names = |source: &str| Template::parse(source).map(|template| template.references());
        assert_eq!(
            names(
                "{{ ip }} {{ captures.user }}{% if count > range(2)|length %}{{ labels.x|upper }}{% endif %}"
            ),
            Ok(["captures.user", "count", "ip", "labels.x"].map(String::from).to_vec())
        );
        assert_eq!(names("{% set x = ip %}{{ x }}"), Ok(vec!["ip".to_owned()]));
    }

    fn check_error(source: &str, message: &str, at: &str) {
        let error = Template::parse(source).err().unwrap_or_else(|| panic!("{source} parses"));
        let range = error.range.clone().unwrap_or(0..0);
        assert_eq!((error.message.as_str(), &source[range]), (message, at), "{source}");
    }

    #[test]
    fn mistakes_are_found_before_the_alert() {
        check_error("{{ ip|uper }}", "unknown filter `uper`", "uper");
        check_error("{% if false %}{{ ip|uper }}{% endif %}", "unknown filter `uper`", "uper");
        check_error("{{ ip|safe }}", "unknown filter `safe`: what fields bring in is always escaped", "safe");
        check_error("{{ ip is ood }}", "unknown test `ood`", "ood");
        check_error("{{ debug() }}", "unknown function `debug`", "debug");
        check_error(
            "{{ ip.upper() }}",
            "unknown method `upper`: filters do its work, as in `name|upper`",
            "upper",
        );
        check_error("{{ ip|replace('a') }}", "missing argument", "replace('a')");
        check_error("<!here> {{ ip }}", "whom a message calls stands in the rule: `mention:`", "<!here");
        check_error("{{ ip", "unexpected end of input, expected end of variable block", "ip");
        check_error("a {{ ip ip }}", "unexpected identifier, expected end of variable block", "ip");
        check_error("{% for x in range(99999) %}{{ x }}{% endfor %}", "the template is too much work", "");
        check_error("{% include 'x' %}", "unknown statement include", "include");
    }

    #[test]
    fn a_template_may_be_shared_between_threads() {
        fn check<T: Send + Sync>() {}
        check::<Template>();
    }

    #[test]
    fn a_failure_has_words() {
        let template = Template::parse("{{ ip|int + 1 }}").unwrap();
        assert_eq!(
            template.render(&context(&[("ip", "7")])).map(|x| x.pieces[0].text.clone()),
            Ok("8".to_owned())
        );
        let error = template.render(&context(&[("ip", "a.b")])).unwrap_err();
        assert!(error.starts_with("invalid operation"), "{error}");
        let heavy = Template::parse("{{ (ip * 1000000)|length }}");
        assert!(heavy.is_err(), "a text of a megabyte is more than the fuel");
    }
}
