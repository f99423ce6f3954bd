//! A place in a document, with the way back up and the log of what is wrong there.

use std::{cell::RefCell, fmt::Display};

use super::Read;
use crate::{
    problem::{
        Rule,
        path::{FieldPath, Step},
        suggest,
    },
    tree::{Members, Node, Value},
};

/// What stands where a member is missing.
static MISSING: Node = Node {
    value: Value::Null,
    line: 0,
};

/// How much of a value an error shows, in characters.
const SHOWN_VALUE: usize = 60;

/// Something found while reading. Its file and document are the caller's to add.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Remark {
    pub(crate) path: FieldPath,
    pub(crate) rule: Rule,
    pub(crate) value: Option<String>,
    pub(crate) message: String,
    pub(crate) mend: String,
}

/// Everything found in one document.
#[derive(Debug, Default)]
pub(crate) struct Log {
    problems: RefCell<Vec<Remark>>,
    warnings: RefCell<Vec<Remark>>,
}

impl Log {
    /// The problems and the warnings, in the order in which they were found.
    pub(crate) fn into_remarks(self) -> (Vec<Remark>, Vec<Remark>) {
        (self.problems.into_inner(), self.warnings.into_inner())
    }
}

/// A place in a document.
#[derive(Clone, Copy, Debug)]
pub(crate) struct At<'a> {
    node: &'a Node,
    way: Option<(&'a At<'a>, Way<'a>)>,
    log: &'a Log,
}

#[derive(Clone, Copy, Debug)]
enum Way<'a> {
    Member(&'a str),
    Item(usize),
}

impl<'a> At<'a> {
    /// The top of a document.
    pub(crate) fn top(node: &'a Node, log: &'a Log) -> Self {
        Self {
            node,
            way: None,
            log,
        }
    }

    fn step<'b>(&'b self, node: &'b Node, way: Way<'b>) -> At<'b> {
        At {
            node,
            way: Some((self, way)),
            log: self.log,
        }
    }

    /// The path from the top.
    pub(crate) fn path(&self) -> FieldPath {
        let mut steps = Vec::new();
        let mut at = self;
        while let Some((parent, way)) = &at.way {
            steps.push(match way {
                Way::Member(name) => Step::Member((*name).to_owned()),
                Way::Item(index) => Step::Item(*index),
            });
            at = parent;
        }
        steps.reverse();
        FieldPath(steps)
    }

    /// How a sentence calls this place.
    fn subject(&self) -> String {
        match self.way {
            None => "the document".to_owned(),
            Some((_, Way::Member(name))) => format!("`{name}`"),
            Some((parent, Way::Item(_))) => format!("an item of {}", parent.subject()),
        }
    }

    /// Reports that the value here breaks a rule: "`weight` is a whole number from 0 to 100".
    pub(crate) fn refuse(&self, rule: impl Display, mend: impl Display) {
        let value = shown(self.node);
        let message = format!("{value} is not allowed: {} is {rule}", self.subject());
        self.report(Rule::Value, Some(value), message, mend.to_string());
    }

    /// Reports a problem here.
    pub(crate) fn problem(&self, rule: Rule, message: impl Into<String>, mend: impl Display) {
        self.report(rule, None, message.into(), mend.to_string());
    }

    fn report(&self, rule: Rule, value: Option<String>, message: String, mend: String) {
        // What has no value yet breaks no rule.
        if self.node.is_open() {
            return;
        }
        let path = self.path();
        self.log.problems.borrow_mut().push(Remark {
            path,
            rule,
            value,
            message,
            mend,
        });
    }

    /// Reports something worth knowing here.
    pub(crate) fn warn(&self, rule: Rule, message: impl Into<String>) {
        if self.node.is_open() {
            return;
        }
        self.log.warnings.borrow_mut().push(Remark {
            path: self.path(),
            rule,
            value: None,
            message: message.into(),
            mend: String::new(),
        });
    }

    /// Goes to a member that is there, and does something at it.
    pub(crate) fn with_member(&self, name: &str, then: impl FnOnce(&At<'_>)) {
        if let Some(node) = self.node.get(name) {
            then(&self.step(node, Way::Member(name)));
        }
    }

    /// The object here; members that no document has are warned of.
    pub(crate) fn object(&'a self, known: &[&str]) -> Option<Object<'a>> {
        let Value::Map(members) = &self.node.value else {
            self.refuse("an object", "write it in braces: { … }");
            return None;
        };
        for member in members {
            let name = member.name.as_str();
            if !known.contains(&name) {
                let hint = suggest::closest(name, known.iter().copied())
                    .map_or_else(String::new, |meant| format!("; did you mean `{meant}`?"));
                self.step(&member.node, Way::Member(name)).warn(
                    Rule::UnknownField,
                    format!("App Mesh knows no such field, it has no effect{hint}"),
                );
            }
        }
        Some(Object { at: self, members })
    }

    /// The members of the object here, if it is one; their names are the document's own.
    pub(crate) fn members(&self) -> Option<&'a Members> {
        self.node.as_map()
    }

    /// The items of the array here.
    pub(crate) fn items<T: Read>(&self) -> Option<Vec<T>> {
        let Value::List(items) = &self.node.value else {
            self.refuse("a list", "write it in brackets: [ … ]");
            return None;
        };
        // All are read before any fault ends it, so that every fault is found.
        let read: Vec<Option<T>> = items
            .iter()
            .enumerate()
            .map(|(index, item)| T::read(&self.step(item, Way::Item(index))))
            .collect();
        read.into_iter().collect()
    }

    /// The string here, if it is one.
    pub(crate) fn as_str(&self) -> Option<&'a str> {
        self.node.as_str()
    }

    /// The integer here, if it is one.
    pub(crate) fn as_i64(&self) -> Option<i64> {
        self.node.as_i64()
    }

    /// The truth value here, if it is one.
    pub(crate) fn as_bool(&self) -> Option<bool> {
        self.node.as_bool()
    }

    /// The word here, which is one of these.
    pub(crate) fn word(&self, words: &[&'static str]) -> Option<&'static str> {
        let given = self.as_str();
        let word = words.iter().copied().find(|word| Some(*word) == given);
        if word.is_none() {
            let rule = format!("one of {}", words.join(", "));
            match given.and_then(|given| suggest::closest(given, words.iter().copied())) {
                Some(meant) => self.refuse(rule, format!("write \"{meant}\"")),
                None => self.refuse(rule, "write one of these"),
            }
        }
        word
    }
}

/// An object and its place.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Object<'a> {
    at: &'a At<'a>,
    members: &'a Members,
}

impl<'a> Object<'a> {
    /// The place of a member, if there is one.
    pub(crate) fn member(&self, name: &'a str) -> Option<At<'a>> {
        self.members
            .get(name)
            .map(|node| self.at.step(node, Way::Member(name)))
    }

    /// Whether there is such a member.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.members.has(name)
    }

    /// A member that must be there.
    pub(crate) fn required<T: Read>(&self, name: &'a str) -> Option<T> {
        if let Some(member) = self.member(name) {
            return T::read(&member);
        }
        self.at.step(&MISSING, Way::Member(name)).problem(
            Rule::Value,
            format!("`{name}` is missing: it is required here"),
            format!("add `{name}`"),
        );
        None
    }

    /// A member that may be absent. The outer option is for a fault.
    #[expect(clippy::option_option, reason = "absent and faulty are two things")]
    pub(crate) fn optional<T: Read>(&self, name: &'a str) -> Option<Option<T>> {
        match self.member(name) {
            None => Some(None),
            Some(member) => T::read(&member).map(Some),
        }
    }

    /// The one member of a union; that there is exactly one is the rule.
    pub(crate) fn only_one_of<'k>(&self, members: &[&'k str]) -> Option<&'k str> {
        let given: Vec<&str> = members
            .iter()
            .copied()
            .filter(|name| self.has(name))
            .collect();
        if let [only] = given[..] {
            return Some(only);
        }
        let wanted: Vec<String> = members.iter().map(|name| format!("`{name}`")).collect();
        let wanted = suggest::alternatives(&wanted).unwrap_or_default();
        if given.is_empty() {
            let (message, mend) = if members.len() == 1 {
                (
                    format!("{wanted} is missing: it is required here"),
                    format!("add {wanted}"),
                )
            } else {
                (
                    format!("exactly one of {wanted} is required here, there is none"),
                    "add one of them".to_owned(),
                )
            };
            self.at.problem(Rule::Value, message, mend);
        } else {
            self.at.problem(
                Rule::Value,
                format!(
                    "exactly one of {wanted} is allowed here, there are {}: {}",
                    given.len(),
                    given.join(", ")
                ),
                "keep one and remove the rest",
            );
        }
        None
    }
}

/// A value as an error shows it.
fn shown(node: &Node) -> String {
    let text = node.to_string();
    if text.chars().count() <= SHOWN_VALUE {
        return text;
    }
    let beginning: String = text.chars().take(SHOWN_VALUE).collect();
    format!("{beginning}…")
}
