//! What is found in one object of a manifest, under the names and lines that the manifest has.

use smol_str::SmolStr;

use crate::{
    document::finding::Findings,
    problem::{Place, Problem, Rule, path::FieldPath, suggest},
    tree::{Members, Node, Value},
};

/// How much of a value an error shows, in characters.
const SHOWN_VALUE: usize = 60;

/// Notes what is found in an object, with its place.
pub(super) struct Scribe<'a> {
    pub(super) file: &'a str,
    /// What leads to the object in its file.
    pub(super) root: &'a FieldPath,
    /// The kind and name of the resource that it makes.
    pub(super) label: String,
    pub(super) findings: &'a mut Findings,
}

impl Scribe<'_> {
    pub(super) fn place(&self, at: &FieldPath, line: u32) -> Place {
        let field = self.root.clone().join(at);
        Place {
            file: Some(self.file.to_owned()),
            line: (line > 0).then_some(line as usize),
            column: None,
            document: Some(self.label.clone()),
            field: (!field.is_empty()).then(|| field.to_string()),
        }
    }

    pub(super) fn refuse(
        &mut self,
        at: &FieldPath,
        line: u32,
        rule: Rule,
        message: impl Into<String>,
        mend: impl Into<String>,
    ) {
        let place = self.place(at, line);
        self.findings.refuse(place, rule, message, mend);
    }

    pub(super) fn warn(
        &mut self,
        at: &FieldPath,
        line: u32,
        rule: Rule,
        message: impl Into<String>,
    ) {
        let place = self.place(at, line);
        self.findings.warn(place, rule, message);
    }

    /// Reports that a value breaks a rule: "`name` is a string".
    pub(super) fn refuse_value(
        &mut self,
        node: &Node,
        at: &FieldPath,
        rule: &str,
        mend: impl Into<String>,
    ) {
        // What has no value yet breaks no rule.
        if node.is_open() {
            return;
        }
        let value: String = node.to_string().chars().take(SHOWN_VALUE).collect();
        let field = at.to_string();
        let field = field.rsplit('.').next().unwrap_or_default();
        self.findings.problems.push(Problem {
            place: self.place(at, node.line),
            rule: Rule::Value,
            message: format!("{value} is not allowed: `{field}` is {rule}"),
            value: Some(value),
            mend: mend.into(),
        });
    }

    /// The members of what must be an object.
    pub(super) fn members<'n>(&mut self, node: &'n Node, at: &FieldPath) -> Option<&'n Members> {
        let members = node.as_map();
        if members.is_none() {
            self.refuse_value(node, at, "an object", "write its members");
        }
        members
    }

    /// The items of what is a list, if it is there.
    pub(super) fn items<'n>(&mut self, node: Option<&'n Node>, at: &FieldPath) -> &'n [Node] {
        let Some(node) = node.filter(|node| node.value != Value::Null) else {
            return &[];
        };
        let items = node.as_list();
        if items.is_none() {
            self.refuse_value(node, at, "a list", "write each item after a dash");
        }
        items.unwrap_or_default()
    }

    /// The string here; the API server takes no number and no truth value for one.
    pub(super) fn text(&mut self, node: &Node, at: &FieldPath) -> Option<SmolStr> {
        let text = node.as_str().map(SmolStr::from);
        if text.is_none() {
            self.refuse_value(node, at, "a string", "write it in quotation marks");
        }
        text
    }

    /// A member that must be there, and is a string that is not empty.
    pub(super) fn required_text(
        &mut self,
        members: &Members,
        name: &str,
        line: u32,
        at: &FieldPath,
    ) -> Option<SmolStr> {
        let at = at.clone().member(name);
        let text = match members.get(name) {
            Some(node) if node.value != Value::Null => self.text(node, &at)?,
            _ => SmolStr::default(),
        };
        if text.is_empty() {
            let message = format!("`{name}` is missing: it is required here");
            self.refuse(&at, line, Rule::Value, message, format!("add `{name}`"));
            return None;
        }
        Some(text)
    }

    /// Warns of the members that are not known.
    pub(super) fn unknown(&mut self, members: &Members, known: &[&str], at: &FieldPath) {
        for member in members {
            let name = member.name.as_str();
            if !known.contains(&name) {
                let hint = suggest::closest(name, known.iter().copied())
                    .map_or_else(String::new, |meant| format!("; did you mean `{meant}`?"));
                self.warn(
                    &at.clone().member(name),
                    member.node.line,
                    Rule::UnknownField,
                    format!("App Mesh knows no such field, it has no effect{hint}"),
                );
            }
        }
    }
}
