//! An expression of the configuration: CEL over the fields of an event. No I/O, no clock.
//!
//! It is parsed once. An evaluation looks up only the fields that the expression reads; the environment with CEL's
//! own functions is made once for the process, because making it costs a hundred times an evaluation.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Arc, LazyLock};

use cel::common::ast::{EntryExpr, Expr as Node, IdedExpr, LiteralValue};
use cel::common::types::{CelBool, CelDouble, CelInt, CelList, CelMap, CelMapKey, CelNull, CelString};
use cel::common::value::Val;
use cel::{Context, Env, Program, Value};

use serde_json::Value as Json;

use crate::event::RESERVED;
use crate::fields::Found;

/// The groups of fields: maps of text.
const GROUPS: [&str; 3] = ["labels", "captures", "fields"];

/// The functions of CEL that hooktail's expressions have. Operators are not among them.
const FUNCTIONS: [&str; 13] = [
    "bool",
    "bytes",
    "contains",
    "double",
    "dyn",
    "endsWith",
    "int",
    "matches",
    "size",
    "startsWith",
    "string",
    "type",
    "uint",
];

/// What `type(x)` can be compared with: names, but no fields.
const TYPES: [&str; 9] = ["bool", "bytes", "double", "int", "list", "map", "null_type", "string", "uint"];

static ENV: LazyLock<Arc<Env>> = LazyLock::new(|| Arc::new(cel_without_optional_values().with_stdlib()));

/// `a.?b` and its kind would be a second way to ask `has(a.b)`.
fn cel_without_optional_values() -> Env {
    Env::default().with_optional_support(false)
}

/// What an expression looks its fields up in.
pub trait Fields {
    /// A field by its plain name: a label, a parsed field, a capture or a reserved one, the later ones winning.
    /// With its group: `captures.x`.
    fn find(&self, name: &str) -> Option<Found<'_>>;

    /// All of `labels`, `captures` or `fields`.
    fn group(&self, group: &str) -> Vec<(Cow<'_, str>, Found<'_>)>;
}

/// An expression that parses.
pub struct Expr {
    source: String,
    program: Program,
    reads: Vec<Read>,
}

/// What an expression needs to be told before it is evaluated.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Read {
    /// `ip`, or `req.status`: a field by its plain name.
    Plain(String),
    /// `captures.ip`.
    Member(String, String),
    /// `captures`, as a map.
    Group(String),
    /// `has(req.status)`: the name before the last dot, and all that is asked for after it.
    Has(String, Vec<String>),
}

/// Why a text is no expression.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ExprError {
    /// What is wrong, in words.
    pub message: String,
    /// Where in the expression's source, in bytes, when that is known.
    pub range: Option<Range<usize>>,
}

impl Expr {
    /// Parses `source`.
    ///
    /// # Errors
    /// A text that is no CEL, a function that CEL doesn't have, or a regex that `matches` couldn't compile; with the
    /// place.
    pub fn parse(source: &str) -> Result<Self, ExprError> {
        if source.trim().is_empty() {
            return Err(ExprError { message: "the expression is empty".to_owned(), range: None });
        }
        let program = Program::compile(source).map_err(|errors| syntax_error(source, &errors))?;
        let mut survey = Survey::default();
        survey.visit(program.expression());
        survey.check_calls(source)?;
        Ok(Self { source: source.to_owned(), program, reads: survey.reads })
    }

    /// The fields that it reads, each with its group where it is written with one: `captures.ip`, `ip`.
    ///
    /// What only `has(…)` asks for is not among them: asking for a field that can't be there is no mistake.
    pub fn references(&self) -> Vec<String> {
        self.reads
            .iter()
            .filter_map(|read| match read {
                Read::Plain(name) if TYPES.contains(&name.as_str()) => None,
                Read::Plain(name) => Some(name.clone()),
                Read::Member(group, name) => Some(format!("{group}.{name}")),
                Read::Group(group) => Some(group.clone()),
                Read::Has(..) => None,
            })
            .collect()
    }

    /// What was parsed.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Whether it holds for `fields`.
    ///
    /// # Errors
    /// What CEL calls an error: a missing field, text ordered against a number, a result that is neither true nor
    /// false. It means that the expression does not hold; the caller counts it.
    pub fn holds(&self, fields: &dyn Fields) -> Result<bool, ExprError> {
        let mut context = Context::with_env(Arc::clone(&ENV));
        for read in &self.reads {
            bind(&mut context, read, fields);
        }
        let value = Value::resolve_val(self.program.expression(), &context)
            .map_err(|error| ExprError { message: error.to_string(), range: None })?;
        value.downcast_ref::<CelBool>().map(|truth| *truth.inner()).ok_or_else(|| ExprError {
            message: format!("the result is neither true nor false, but of type {}", value.get_type().name()),
            range: None,
        })
    }
}

impl std::fmt::Debug for Expr {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Expr").field(&self.source).finish()
    }
}

/// Puts what `read` asks for into `context`. A field that is absent stays undeclared, which CEL reports by name.
fn bind<'v>(context: &mut Context<'_, 'v>, read: &Read, fields: &'v dyn Fields) {
    match read {
        Read::Plain(name) => {
            if let Some(found) = fields.find(name) {
                context.add_variable_as_val(name.as_str(), plain_value(name, found));
            }
        }
        Read::Member(group, name) => {
            let path = format!("{group}.{name}");
            if let Some(found) = fields.find(&path) {
                context.add_variable_as_val(path, member_value(found));
            }
        }
        Read::Group(group) => context.add_variable_as_val(group.as_str(), map_value(fields.group(group))),
        Read::Has(group, _) if GROUPS.contains(&group.as_str()) => {
            context.add_variable_as_val(group.as_str(), map_value(fields.group(group)));
        }
        Read::Has(parent, names) => {
            let mut members: Vec<(Cow<'v, str>, Found<'v>)> = Vec::new();
            if let Some(Found::Json(Json::Object(nested))) = fields.find(parent) {
                members.extend(nested.iter().map(|(name, value)| (name.into(), Found::Json(value))));
            }
            // A key of that very name is the field, too.
            for name in names {
                if let Some(found) = fields.find(&format!("{parent}.{name}")) {
                    members.push((Cow::Owned(name.clone()), found));
                }
            }
            context.add_variable_as_val(parent.as_str(), map_value(members));
        }
    }
}

/// A field by its plain name: a number where its text is a JSON number, unless the name is a reserved one.
fn plain_value<'v>(name: &str, found: Found<'v>) -> Box<dyn Val + 'v> {
    match found {
        Found::Text(text) if !RESERVED.contains(&name) => {
            match serde_json::from_str::<serde_json::Number>(&text) {
                Ok(number) if number.to_string().len() <= text.len() && text.trim().len() == text.len() => {
                    number_value(&number).unwrap_or_else(|| text_value(text))
                }
                _ => text_value(text),
            }
        }
        other => member_value(other),
    }
}

/// A field by its name in its group: text stays text.
fn member_value<'v>(found: Found<'v>) -> Box<dyn Val + 'v> {
    match found {
        Found::Text(text) => text_value(text),
        Found::Json(value) => json_value(value),
    }
}

fn json_value(value: &Json) -> Box<dyn Val + '_> {
    match value {
        Json::Null => Box::new(CelNull),
        Json::Bool(truth) => Box::new(CelBool::from(*truth)),
        Json::Number(number) => {
            number_value(number).unwrap_or_else(|| text_value(Cow::Owned(number.to_string())))
        }
        Json::String(text) => text_value(Cow::Borrowed(text)),
        Json::Array(items) => Box::new(CelList::from(items.iter().map(json_value).collect::<Vec<_>>())),
        Json::Object(members) => {
            map_value(members.iter().map(|(name, value)| (name.into(), Found::Json(value))).collect())
        }
    }
}

fn number_value<'v>(number: &serde_json::Number) -> Option<Box<dyn Val + 'v>> {
    match (number.as_i64(), number.as_f64()) {
        (Some(whole), _) => Some(Box::new(CelInt::from(whole))),
        (None, Some(real)) => Some(Box::new(CelDouble::from(real))),
        (None, None) => None,
    }
}

fn text_value<'v>(text: Cow<'v, str>) -> Box<dyn Val + 'v> {
    match text {
        Cow::Borrowed(text) => Box::new(CelString::from(text)),
        Cow::Owned(text) => Box::new(CelString::from(text)),
    }
}

fn map_value<'v>(members: Vec<(Cow<'v, str>, Found<'v>)>) -> Box<dyn Val + 'v> {
    let map: HashMap<CelMapKey<'v>, Box<dyn Val + 'v>> = members
        .into_iter()
        .filter_map(|(key, found)| Some((CelMapKey::try_from(text_value(key)).ok()?, member_value(found))))
        .collect();
    Box::new(CelMap::from(map))
}

/// What an expression reads and calls, found by walking it once.
#[derive(Default)]
struct Survey {
    reads: Vec<Read>,
    functions: Vec<String>,
    /// The regexes that stand in the expression as the argument of `matches`.
    regexes: Vec<String>,
    /// The variables of the macros around the node that is visited: they are no fields.
    bound: Vec<String>,
}

impl Survey {
    fn visit(&mut self, node: &IdedExpr) {
        match &node.expr {
            Node::Ident(name) => self.read_name(name),
            Node::Select(select) => match path_of(&node.expr) {
                Some(path) if select.test => self.read_presence(&path),
                Some(path) => self.read_name(&path),
                None => self.visit(&select.operand),
            },
            Node::Call(call) => {
                self.note_call(&call.func_name, call.args.last());
                call.target.iter().for_each(|target| self.visit(target));
                call.args.iter().for_each(|arg| self.visit(arg));
            }
            Node::Comprehension(all) => {
                self.visit(&all.iter_range);
                self.visit(&all.accu_init);
                let outside = self.bound.len();
                self.bound.extend([all.iter_var.clone(), all.accu_var.clone()]);
                self.bound.extend(all.iter_var2.clone());
                [&all.loop_cond, &all.loop_step, &all.result].into_iter().for_each(|part| self.visit(part));
                self.bound.truncate(outside);
            }
            Node::List(list) => list.elements.iter().for_each(|element| self.visit(element)),
            Node::Map(map) => map.entries.iter().for_each(|entry| self.visit_entry(&entry.expr)),
            Node::Struct(made) => made.entries.iter().for_each(|entry| self.visit_entry(&entry.expr)),
            Node::Literal(_) | Node::Unspecified => {}
        }
    }

    fn visit_entry(&mut self, entry: &EntryExpr) {
        match entry {
            EntryExpr::StructField(field) => self.visit(&field.value),
            EntryExpr::MapEntry(entry) => {
                self.visit(&entry.key);
                self.visit(&entry.value);
            }
        }
    }

    fn note_call(&mut self, name: &str, last: Option<&IdedExpr>) {
        if name.starts_with(|c: char| c.is_ascii_alphabetic()) {
            self.functions.push(name.to_owned());
        }
        if let ("matches", Some(Node::Literal(LiteralValue::String(text)))) =
            (name, last.map(|last| &last.expr))
        {
            self.regexes.push(text.inner().to_owned());
        }
    }

    fn read_name(&mut self, path: &str) {
        let path = path.strip_prefix('.').unwrap_or(path);
        let (root, rest) = path.split_once('.').map_or((path, None), |(root, rest)| (root, Some(rest)));
        if self.bound.iter().any(|name| name == root) {
            return;
        }
        self.add(match rest {
            None if GROUPS.contains(&root) => Read::Group(root.to_owned()),
            Some(rest) if GROUPS.contains(&root) => Read::Member(root.to_owned(), rest.to_owned()),
            _ => Read::Plain(path.to_owned()),
        });
    }

    fn read_presence(&mut self, path: &str) {
        if let Some((parent, name)) = path.rsplit_once('.') {
            let root = parent.split('.').next().unwrap_or(parent);
            if self.bound.iter().any(|bound| bound == root) {
                return;
            }
            for read in &mut self.reads {
                if let Read::Has(known, names) = read
                    && known == parent
                {
                    names.push(name.to_owned());
                    return;
                }
            }
            self.add(Read::Has(parent.to_owned(), vec![name.to_owned()]));
        }
    }

    fn add(&mut self, read: Read) {
        if !self.reads.contains(&read) {
            self.reads.push(read);
        }
    }

    fn check_calls(&self, source: &str) -> Result<(), ExprError> {
        if let Some(name) = self.functions.iter().find(|name| !FUNCTIONS.contains(&name.as_str())) {
            let message = format!("there is no function `{name}`; there are {}", FUNCTIONS.join(", "));
            let range = source.find(name.as_str()).map(|start| start..start + name.len());
            return Err(ExprError { message, range });
        }
        for regex in &self.regexes {
            if let Err(error) = regex::Regex::new(regex) {
                let words = error.to_string();
                let last = words.lines().last().unwrap_or_default().trim_start_matches("error: ");
                let range = source.find(regex.as_str()).map(|start| start..start + regex.len());
                return Err(ExprError { message: format!("`matches` can't take this regex: {last}"), range });
            }
        }
        Ok(())
    }
}

/// `a.b.c` as it is written; nothing for what is not a name with names selected on it.
fn path_of(node: &Node) -> Option<String> {
    match node {
        Node::Ident(name) => Some(name.clone()),
        Node::Select(select) => Some(format!("{}.{}", path_of(&select.operand.expr)?, select.field)),
        _ => None,
    }
}

/// The first of the parser's errors; its line and column (from 1, in characters) as a range of bytes.
fn syntax_error(source: &str, errors: &cel::ParseErrors) -> ExprError {
    let Some(first) = errors.errors.first() else {
        return ExprError { message: "not an expression".to_owned(), range: None };
    };
    let message = syntax_words(&first.msg);
    let line = usize::try_from(first.pos.0).unwrap_or(1).max(1);
    let column = usize::try_from(first.pos.1).unwrap_or(1).max(1);
    let before: usize = source.split_inclusive('\n').take(line - 1).map(str::len).sum();
    let text = source.get(before..).unwrap_or_default();
    let into = text.char_indices().nth(column - 1).map_or(text.len(), |(at, _)| at);
    let width = text[into..].chars().next().map_or(0, char::len_utf8);
    ExprError { message, range: Some(before + into..before + into + width) }
}

/// The parser generator's words, without its list of all that it would have taken.
fn syntax_words(words: &str) -> String {
    let words = words.strip_prefix("Syntax error: ").unwrap_or(words);
    let words = words.split_once(" expecting ").map_or(words, |(words, _)| words);
    if words.contains("<EOF>") {
        return "it ends too early".to_owned();
    }
    let token = words.split_once('\'').and_then(|(_, rest)| rest.rsplit_once('\'')).map(|(token, _)| token);
    token.map_or_else(|| words.to_owned(), |token| format!("unexpected `{token}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Sample;

    impl Fields for Sample {
        fn find(&self, name: &str) -> Option<Found<'_>> {
            let text = match name {
                "captures.user" => "1001",
                "captures.ip" => "10.0.0.1",
                "labels.service" => "checkout",
                "user" => "1001",
                "status" => "503",
                "ms" => "12.5",
                "zip" => "0123",
                "path" => "/healthz",
                "line" => "500",
                "req.status" => "404",
                _ => return parsed(name),
            };
            Some(Found::Text(text.into()))
        }

        fn group(&self, group: &str) -> Vec<(Cow<'_, str>, Found<'_>)> {
            let texts: Vec<(&str, &str)> = match group {
                "captures" => vec![("user", "1001"), ("ip", "10.0.0.1")],
                "labels" => vec![("service", "checkout")],
                _ => Vec::new(),
            };
            texts.into_iter().map(|(name, text)| (name.into(), Found::Text(text.into()))).collect()
        }
    }

    static PARSED: LazyLock<Json> = LazyLock::new(|| {
        serde_json::json!({
            "ok": false, "code": "42", "size": 17, "gone": null, "tags": ["a", "b"],
            "who": { "name": "eve", "age": 7 }, "flat.key": 1,
        })
    });

    fn parsed(name: &str) -> Option<Found<'static>> {
        let Json::Object(fields) = &*PARSED else { return None };
        let path = name.strip_prefix("fields.").unwrap_or(name);
        crate::fields::lookup(fields, path).map(Found::Json)
    }

    fn holds(source: &str) -> Result<bool, String> {
        let expr = Expr::parse(source).map_err(|error| error.to_string())?;
        expr.holds(&Sample).map_err(|error| error.to_string())
    }

    #[test]
    fn fields_are_read_by_name_and_by_group() {
        for source in [
            "status >= 500 && path == '/healthz'",
            "ms > 12",
            "user == 1001 && captures.user == '1001'",
            "zip == '0123'",
            "line == '500'",
            "labels.service == 'checkout'",
            "captures['ip'].startsWith('10.')",
            "'ip' in captures",
            "req.status == 404",
            "has(captures.ip) && !has(captures.port) && !has(fields.x)",
            "has(req.status) && !has(req.method)",
            "['/healthz', '/livez'].exists(p, p == path)",
            "path.matches('^/h.*z$') && size(path) == 8",
            "status == 503 || nothing == 1",
        ] {
            assert_eq!(holds(source), Ok(true), "{source}");
        }
    }

    #[test]
    fn json_values_keep_their_kinds() {
        for source in [
            "!ok && ok == false",
            "size > 16 && fields.size == 17",
            "code == '42' && code != 42",
            "gone == null",
            "'b' in tags && tags[0] == 'a'",
            "who.name == 'eve' && who.age < 8 && fields.who.age == 7",
            "has(who.age) && !has(who.town)",
            "flat.key == 1 && has(flat.key)",
        ] {
            assert_eq!(holds(source), Ok(true), "{source}");
        }
    }

    #[test]
    fn an_error_says_why_it_does_not_hold() {
        for (source, why) in [
            ("nothing == 1", "Undeclared reference to 'nothing'"),
            ("captures.port == '1'", "Undeclared reference to 'captures'"),
            ("code > 5", "found no matching overload for '_>_' applied to '(string, int)'"),
            ("zip < 5", "found no matching overload for '_<_' applied to '(string, int)'"),
            ("path", "the result is neither true nor false, but of type string"),
        ] {
            assert_eq!(holds(source), Err(why.to_owned()), "{source}");
        }
    }

    #[test]
    fn references_name_the_fields_with_their_groups() {
        let expr = Expr::parse(
            "captures.ip == ip && has(req.x) && req.y > 1 && ['a'].all(v, v in labels) && type(ip) == int",
        )
        .unwrap();
        assert_eq!(expr.references(), ["captures.ip", "ip", "req.y", "labels"]);
    }

    #[test]
    fn a_mistake_has_its_place() {
        for (source, range) in [("status >= ", Some(10..10)), ("lower(x) == 'a'", Some(0..5)), ("", None)] {
            assert_eq!(Expr::parse(source).unwrap_err().range, range, "{source}");
        }
        assert_eq!(
            Expr::parse("x.matches('(')").unwrap_err().to_string(),
            "`matches` can't take this regex: unclosed group"
        );
    }

    #[test]
    fn every_function_that_is_named_is_there() {
        for call in [
            "bool('true')",
            "b'a' == bytes('a')",
            "'ab'.contains('b')",
            "double('1') == 1.0",
            "dyn(1) == 1",
            "'ab'.endsWith('b')",
            "int('1') == 1",
            "string(1) == '1'",
            "type(1) == int",
            "uint(1) == 1u",
        ] {
            assert_eq!(holds(call), Ok(true), "{call}");
        }
    }

    #[test]
    fn it_can_be_shared_by_the_readers() {
        fn shared<T: Send + Sync>() {}
        shared::<Expr>();
    }
}
