//! The App Mesh resources of a template to documents in the shape of the API.

use std::sync::Arc;

use smol_str::SmolStr;

use super::{
    condition::Truth,
    evaluator::Evaluator,
    kind_of,
    reference::{Arn, full_type, name_expression, name_in_arn, refers_to},
    spelling, type_of,
    value::{Evaluated, Text, Value},
};
use crate::{
    document::{
        Kind,
        entry::Entry,
        finding::{Open, Origin},
    },
    problem::{
        Place, Rule,
        path::{FieldPath, Step},
    },
    tree::{self, Members, Node},
};

impl<'a> Evaluator<'a> {
    /// The documents of a template's App Mesh resources.
    pub(super) fn entries(&mut self, template: usize) -> Vec<Arc<Entry>> {
        self.begin(template);
        let mut entries = Vec::new();
        for member in self.template().section("Resources").into_iter().flatten() {
            let (logical, resource) = (member.name.as_str(), &member.node);
            self.warn_of_nested(logical, resource);
            if let Some(kind) = kind_of(resource) {
                entries.extend(self.entry(logical, resource, kind).map(Into::into));
            }
        }
        entries
    }

    fn entry(&mut self, logical: &str, resource: &'a Node, kind: Kind) -> Option<Entry> {
        let name = self.name(logical, resource, kind, true);
        let label = format!("{} {name}", kind.label());
        let truth = self.is_there(logical, resource, Some(&label));
        if let Truth::Known(false) = truth {
            return None;
        }
        let at = ["Resources", logical, "Properties"];
        let template = self.at.template;
        let properties = self.elsewhere(template, &at, |evaluator| {
            evaluator.at.document = Some(label.clone());
            let properties = resource.get("Properties");
            properties.map(|properties| evaluator.value(properties).value)
        });
        let mut members = match properties {
            None => Vec::new(),
            Some(Value::Map(members)) => members,
            Some(other) if other.unsettled().is_some_and(|text| text.is_faulty()) => return None,
            Some(other) => {
                let place = self.template().place(Some(&label), &at, resource.line);
                let message = format!("{other} is not allowed: `Properties` is an object");
                self.findings
                    .refuse(place, Rule::Value, message, "write it in braces: { … }");
                return None;
            }
        };
        self.name_unnamed(&mut members, &at, &name, kind, resource.line);
        let is_whole = self.has_owners(&members, &at, &label, kind, resource.line);
        let mesh = self.name(logical, resource, Kind::Mesh, kind == Kind::Mesh);
        let mut shaping = Shaping {
            mesh,
            path: FieldPath::default(),
            open: Vec::new(),
            misspelt: Vec::new(),
        };
        let node = shaping.node(Value::Map(members).at(resource.line), self);
        let origin = Origin {
            source: Arc::clone(&self.template().origin.source),
            tree: node,
            root: self.template().origin.root.clone().members(&at),
        };
        self.note(&origin, &label, shaping, truth, resource.line);
        let entry = Entry::read(kind, origin, &[], self.findings);
        entry.filter(|_| is_whole)
    }

    /// What a resource's condition comes to.
    fn is_there(&mut self, logical: &str, resource: &'a Node, label: Option<&str>) -> Truth {
        let Some(node) = resource.get("Condition") else {
            return Truth::Known(true);
        };
        let template = self.at.template;
        let path = ["Resources", logical, "Condition"];
        self.elsewhere(template, &path, |evaluator| {
            evaluator.at.document = label.map(str::to_owned);
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
        at: &[&str],
        name: &Text,
        kind: Kind,
        line: u32,
    ) {
        let member = spelling::of_template(kind.name_member());
        if members
            .iter()
            .any(|(written, _)| written.eq_ignore_ascii_case(&member))
        {
            return;
        }
        let expression = name_expression(at[1], kind);
        if self.given(&expression).is_none() {
            let label = format!("{} {name}", kind.label());
            let place = self.template().place(Some(&label), at, line);
            let message = format!(
                "it has no `{member}`, and CloudFormation makes one up: `{name}` stands for it \
                 here; give the name that the stack has with --param '{expression}=VALUE'"
            );
            self.findings.warn(place, Rule::Weak, message);
        }
        members.push((member.into(), Value::Text(name.clone()).at(0)));
    }

    /// Whether a resource names its mesh, and its router or gateway, as CloudFormation demands.
    fn has_owners(
        &mut self,
        members: &[(SmolStr, Evaluated)],
        at: &[&str],
        label: &str,
        kind: Kind,
        line: u32,
    ) -> bool {
        let owners = [Some(Kind::Mesh).filter(|mesh| *mesh != kind), kind.parent()];
        let mut is_whole = true;
        for owner in owners.into_iter().flatten() {
            let member = spelling::of_template(owner.name_member());
            let is_named = members
                .iter()
                .any(|(written, _)| written.eq_ignore_ascii_case(&member));
            if !is_named {
                let message = format!("`{member}` is missing: `{}` requires it", full_type(kind));
                let place = self.template().place(Some(label), at, line);
                let mend = format!("add `{member}`");
                self.findings.refuse(place, Rule::Value, message, mend);
                is_whole = false;
            }
        }
        is_whole
    }

    /// Passes on what was found while a document got its shape.
    fn note(&mut self, origin: &Origin, label: &str, shaping: Shaping, truth: Truth, line: u32) {
        if let Truth::Open(open) = truth {
            let path = ["Resources", &self.logical(origin), "Condition"];
            let place = self.template().place(Some(label), &path, line);
            for expression in open.expressions() {
                self.note_open(place.clone(), expression.clone());
            }
        }
        for (path, expression) in shaping.open {
            self.note_open(origin.place(Some(label), &path), expression);
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

    fn logical(&self, origin: &Origin) -> String {
        let steps = &origin.root.0[self.template().origin.root.0.len()..];
        match steps.get(1) {
            Some(Step::Member(logical)) => logical.clone(),
            _ => String::new(),
        }
    }

    fn note_open(&mut self, place: Place, expression: SmolStr) {
        self.findings.open.push(Open {
            place,
            mend: format!("--param '{expression}=VALUE'"),
            expression: expression.into(),
        });
    }

    /// A stack in a stack has a template of its own.
    fn warn_of_nested(&mut self, logical: &str, resource: &'a Node) {
        let location = match type_of(resource) {
            Some("AWS::CloudFormation::Stack") => "TemplateURL",
            Some("AWS::Serverless::Application") => "Location",
            _ => return,
        };
        if let Truth::Known(false) = self.is_there(logical, resource, None) {
            return;
        }
        let location = resource
            .get("Properties")
            .and_then(|node| node.get(location));
        let named = location.map_or_else(String::new, |node| match node.as_str() {
            Some(text) => format!(" `{text}`"),
            None => String::new(),
        });
        let path = ["Resources", logical];
        let place = self.template().place(None, &path, resource.line);
        let message = format!(
            "the stack in this stack has a template of its own{named}, which is not read with it; \
             give that as a file too"
        );
        self.findings.warn(place, Rule::Weak, message);
    }
}

/// The walk that gives a resource's properties the shape of the API.
struct Shaping {
    /// The resource's own mesh.
    mesh: Text,
    /// In the shape of the API.
    path: FieldPath,
    open: Vec<(FieldPath, SmolStr)>,
    /// Names in the wrong case, with the API's, by the object that has them.
    misspelt: Vec<(FieldPath, Vec<(SmolStr, SmolStr)>)>,
}

impl Shaping {
    fn node(&mut self, evaluated: Evaluated, evaluator: &mut Evaluator<'_>) -> Node {
        let Evaluated { value, line } = evaluated;
        let value = match value {
            Value::Absent | Value::Null => tree::Value::Null,
            Value::Bare(text) => tree::Value::Loose(text),
            Value::Text(text) => self.scalar(resolved(text, evaluator)),
            Value::List(items) => {
                let mut nodes = Vec::with_capacity(items.len());
                for (index, item) in items.into_iter().enumerate() {
                    self.path.0.push(Step::Item(index));
                    nodes.push(self.node(item, evaluator));
                    self.path.0.pop();
                }
                tree::Value::List(nodes)
            }
            Value::Map(members) => tree::Value::Map(self.members(members, evaluator)),
        };
        Node::new(value, line)
    }

    fn scalar(&mut self, text: Text) -> tree::Value {
        if let Some(known) = text.as_known() {
            return tree::Value::Loose(known.into());
        }
        let path = &self.path;
        let open = text.expressions();
        self.open
            .extend(open.map(|expression| (path.clone(), expression.clone())));
        tree::Value::Open(text.to_string().into())
    }

    fn members(
        &mut self,
        members: Vec<(SmolStr, Evaluated)>,
        evaluator: &mut Evaluator<'_>,
    ) -> Members {
        let mut shaped = Members::default();
        let mut misspelt = Vec::new();
        for (written, value) in members {
            let name = spelling::of_api(&written);
            if name != written && spelling::of_template(&name) != written.as_str()
                || name == written && spelling::is_member(&name)
            {
                misspelt.push((written.clone(), name.clone()));
            }
            self.path.0.push(Step::Member(name.to_string()));
            let value = self.without_arn(&name, value);
            let node = self.node(value, evaluator);
            self.path.0.pop();
            let path = FieldPath::default().member(&written);
            shaped.push(name, Some(path), node);
        }
        if !misspelt.is_empty() {
            self.misspelt.push((self.path.clone(), misspelt));
        }
        shaped
    }

    /// The name alone, where the ARN of a resource of the same mesh stands: its region and account
    /// need not be known.
    fn without_arn(&self, name: &str, evaluated: Evaluated) -> Evaluated {
        let named = |text: &Text| {
            let kind = refers_to(name)?;
            let arn = Arn::of(text)?;
            let is_own = kind == Kind::Mesh || arn.mesh == self.mesh;
            is_own.then(|| name_in_arn(text, kind)).flatten()
        };
        match &evaluated.value {
            Value::Text(text) => match named(text) {
                Some(name) => Value::Text(name).at(evaluated.line),
                None => evaluated,
            },
            _ => evaluated,
        }
    }
}

/// Text whose dynamic references, `{{resolve:ssm:/port}}`, are given or open.
fn resolved(text: Text, evaluator: &mut Evaluator<'_>) -> Text {
    const BEGIN: &str = "{{resolve:";
    let Some(mut rest) = text.as_known().filter(|text| text.contains(BEGIN)) else {
        return text;
    };
    let mut whole = Text::default();
    while let Some(begin) = rest.find(BEGIN) {
        let Some(length) = rest[begin..].find("}}") else {
            break;
        };
        let end = begin + length + 2;
        whole.push(Text::known(&rest[..begin]));
        let value = evaluator.settable(&rest[begin..end], Vec::new());
        whole.push(value.as_text().unwrap_or_else(Text::faulty));
        rest = &rest[end..];
    }
    whole.push(Text::known(rest));
    whole
}
