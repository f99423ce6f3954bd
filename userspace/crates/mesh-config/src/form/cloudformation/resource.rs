//! The App Mesh resources of a template to documents.

use std::sync::Arc;

use smol_str::SmolStr;

use super::{
    APP_MESH, INSERTED, PROCESSED,
    attribute::{Resource, name_property},
    condition::Truth,
    evaluator::{Evaluator, shown},
    shape::Shaping,
    spelling, type_name, type_of,
    value::{Evaluated, Text, Value},
};
use crate::{
    document::{Kind, entry::Entry, finding::Origin},
    problem::Rule,
    tree::Member,
};

impl<'a> Evaluator<'a> {
    /// The documents of a template's App Mesh resources.
    pub(super) fn entries(&mut self, template: usize) -> Vec<Arc<Entry>> {
        self.begin(template);
        let mut entries = Vec::new();
        for member in self.template().section("Resources").into_iter().flatten() {
            self.warn_of_nested(member);
            if let Some(resource) = Resource::of(member) {
                entries.extend(self.entry(member, resource).map(Into::into));
            }
        }
        entries
    }

    fn entry(&mut self, member: &'a Member, resource: Resource<'a>) -> Option<Entry> {
        let truth = self.is_there(member);
        if let Truth::Known(false) = truth {
            return None;
        }
        let name = self.name(resource, resource.kind);
        let mesh = self.name(resource, Kind::Mesh);
        let is_named = !name.is_faulty() && !mesh.is_faulty();
        let label = resource.kind.label();
        let label = if name.is_faulty() {
            label.to_owned()
        } else {
            format!("{label} {name}")
        };
        let at = Site {
            path: ["Resources", resource.logical, "Properties"],
            label,
            line: resource.node.line,
        };
        if let Truth::Open(open) = truth {
            let path = ["Resources", resource.logical, "Condition"];
            let place = self.template().place(Some(&at.label), &path, at.line);
            self.note_open(&place, &open);
        }
        if let Some(call) = resource.node.get("Fn::Transform") {
            let path = ["Resources", resource.logical, "Fn::Transform"];
            let place = self.template().place(Some(&at.label), &path, call.line);
            self.findings
                .refuse(place, Rule::Value, INSERTED, PROCESSED);
            return None;
        }
        let mut members = self.properties(resource, &at)?;
        self.name_unnamed(&mut members, resource, &name, &at);
        let is_whole = self.has_owners(&members, resource.kind, &at);
        let mut shaping = Shaping::new(mesh);
        let tree = shaping.node(Value::Map(members).at(at.line), self);
        let template = &self.template().origin;
        let origin = Origin {
            source: Arc::clone(&template.source),
            tree,
            root: template.root.clone().members(&at.path),
        };
        self.note(&origin, shaping, &at.label);
        let entry = Entry::read(resource.kind, origin, &[], self.findings);
        entry.filter(|_| is_whole && is_named)
    }

    fn properties(
        &mut self,
        resource: Resource<'a>,
        at: &Site<'_>,
    ) -> Option<Vec<(SmolStr, Evaluated)>> {
        let template = self.at.template;
        let properties = self.elsewhere(template, &at.path, |evaluator| {
            evaluator.at.document = Some(at.label.clone());
            let properties = resource.node.get("Properties");
            properties.map(|properties| evaluator.value(properties).value)
        });
        let place = self.template().place(Some(&at.label), &at.path, at.line);
        match properties {
            None => Some(Vec::new()),
            Some(Value::Map(members)) => Some(members),
            Some(Value::Text(text)) if text.is_open() => {
                self.note_open(&place, &text);
                None
            }
            Some(other) => {
                let message = format!(
                    "{} is not allowed: `Properties` is an object",
                    shown(&other)
                );
                self.findings
                    .refuse(place, Rule::Value, message, "write it in braces: { … }");
                None
            }
        }
    }

    /// What a resource's condition comes to.
    fn is_there(&mut self, member: &'a Member) -> Truth {
        let Some(node) = member.node.get("Condition") else {
            return Truth::Known(true);
        };
        let template = self.at.template;
        let path = ["Resources", &member.name, "Condition"];
        self.elsewhere(template, &path, |evaluator| {
            if let Some(name) = node.as_str() {
                evaluator.condition(name, node.line)
            } else {
                evaluator.misshapen(node.line, "a condition's name");
                Truth::Open(Text::faulty())
            }
        })
    }

    /// A resource without a name gets one that CloudFormation makes up; what refers to it fits
    /// all the same.
    fn name_unnamed(
        &mut self,
        members: &mut Vec<(SmolStr, Evaluated)>,
        resource: Resource<'a>,
        name: &Text,
        at: &Site<'_>,
    ) {
        let property = name_property(resource.kind);
        if has(members, &property) {
            return;
        }
        let expression = resource.name_expression();
        if self.given(&expression).is_none() {
            let place = self.template().place(Some(&at.label), &at.path, at.line);
            let message = format!(
                "it has no `{property}`, and CloudFormation makes one up: `{name}` stands for it \
                 here; give the name that the stack has with --param '{expression}=VALUE'"
            );
            self.findings.warn(place, Rule::Weak, message);
        }
        members.push((property.into(), Value::Text(name.clone()).at(0)));
    }

    /// Whether a resource names its mesh, and its router or gateway, as CloudFormation demands.
    fn has_owners(&mut self, members: &[(SmolStr, Evaluated)], kind: Kind, at: &Site<'_>) -> bool {
        let owners = [Some(Kind::Mesh).filter(|mesh| *mesh != kind), kind.parent()];
        let mut is_whole = true;
        for property in owners.into_iter().flatten().map(name_property) {
            if has(members, &property) {
                continue;
            }
            let type_name = type_name(kind);
            let message = format!("`{property}` is missing: `{APP_MESH}{type_name}` requires it");
            let place = self.template().place(Some(&at.label), &at.path, at.line);
            let mend = format!("add `{property}`");
            self.findings.refuse(place, Rule::Value, message, mend);
            is_whole = false;
        }
        is_whole
    }

    /// Passes on what was found while a document got its shape.
    fn note(&mut self, origin: &Origin, shaping: Shaping, label: &str) {
        for (path, open) in shaping.open {
            self.note_open(&origin.place(Some(label), &path), &open);
        }
        for (path, names) in shaping.misspelt {
            let (written, meant): (Vec<String>, Vec<String>) = names
                .iter()
                .map(|(written, api)| {
                    let meant = spelling::of_template(api);
                    (format!("`{written}`"), format!("`{meant}`"))
                })
                .unzip();
            let message = format!(
                "CloudFormation calls it {}, not {}: understood all the same",
                meant.join(", "),
                written.join(", ")
            );
            let place = origin.place(Some(label), &path);
            self.findings.warn(place, Rule::UnknownField, message);
        }
    }

    /// A stack in a stack has a template of its own.
    fn warn_of_nested(&mut self, member: &'a Member) {
        let property = match type_of(&member.node) {
            Some("AWS::CloudFormation::Stack") => "TemplateURL",
            Some("AWS::Serverless::Application") => "Location",
            _ => return,
        };
        if let Truth::Known(false) = self.is_there(member) {
            return;
        }
        let location = member.node.get("Properties");
        let location = location.and_then(|properties| properties.get(property)?.as_str());
        let named = location.map_or_else(String::new, |location| format!(" `{location}`"));
        let path = ["Resources", &member.name];
        let place = self.template().place(None, &path, member.node.line);
        let message = format!(
            "the stack in this stack has a template of its own{named}, which is not read with it; \
             give that as a file too"
        );
        self.findings.warn(place, Rule::Weak, message);
    }
}

/// Where a resource's properties stand.
struct Site<'a> {
    path: [&'a str; 3],
    /// Of the document that is made of them.
    label: String,
    line: u32,
}

fn has(members: &[(SmolStr, Evaluated)], property: &str) -> bool {
    let mut names = members.iter().map(|(name, _)| name);
    names.any(|name| name.eq_ignore_ascii_case(property))
}
