//! What a template refers to by name: parameters, resources and their attributes, pseudo
//! parameters, exports of other templates; and text with such names in it.

use std::sync::Arc;

use smol_str::SmolStr;

use super::{
    condition::Truth,
    evaluator::Evaluator,
    kind_of, type_name, type_of,
    value::{Evaluated, Text, Value},
};
use crate::{
    document::Kind,
    problem::{Rule, path::Step, suggest},
    tree::{Members, Node},
};

/// What a template exports.
pub(super) struct Export<'a> {
    name: Text,
    template: usize,
    output: &'a str,
    value: &'a Node,
}

const PSEUDO: [&str; 8] = [
    "AWS::AccountId",
    "AWS::NoValue",
    "AWS::NotificationARNs",
    "AWS::Partition",
    "AWS::Region",
    "AWS::StackId",
    "AWS::StackName",
    "AWS::URLSuffix",
];

/// Whether CloudFormation itself gives it a value.
pub(super) fn is_pseudo(expression: &str) -> bool {
    PSEUDO.contains(&expression)
}

/// The name in the expression for an import.
pub(super) fn imported(expression: &str) -> Option<&str> {
    IMPORTS
        .iter()
        .find_map(|prefix| expression.strip_prefix(prefix))
}

/// How an import is written; the first is the one that is printed.
const IMPORTS: [&str; 3] = ["ImportValue ", "Fn::ImportValue: ", "Fn::ImportValue "];

impl<'a> Evaluator<'a> {
    /// `Ref`
    pub(super) fn reference(&mut self, argument: &'a Node) -> Value {
        match self.text(argument) {
            Some(text) => match text.as_known() {
                Some(name) => self.named(name, argument.line),
                None => Value::Text(text.into_unsettled()),
            },
            None => Value::faulty(),
        }
    }

    fn named(&mut self, name: &str, line: u32) -> Value {
        if name.starts_with("AWS::") {
            return self.pseudo(name, line);
        }
        let template = self.template();
        if let Some(declaration) = template.section("Parameters").and_then(|p| p.get(name)) {
            return self.parameter(name, declaration, line);
        }
        let Some(resource) = template.resource(name) else {
            let known = ["Parameters", "Resources"]
                .into_iter()
                .filter_map(|section| template.section(section))
                .flat_map(|section| section.iter().map(|member| &member.name[..]));
            let hint = suggest::closest(name, known.chain(PSEUDO)).map_or_else(
                || format!("add a parameter `{name}`"),
                |meant| format!("did you mean `{meant}`?"),
            );
            let message = format!("the template has no parameter or resource `{name}`");
            return self.fault(line, message, hint);
        };
        if !self.is_made(name, resource, line) {
            return Value::faulty();
        }
        match kind_of(resource) {
            Some(kind) => self.attribute(name, resource, kind, "Arn", line),
            None => self.settable(name, Vec::new()),
        }
    }

    fn pseudo(&mut self, name: &str, line: u32) -> Value {
        if name == "AWS::NoValue" {
            return Value::Absent;
        }
        if !is_pseudo(name) {
            let hint = suggest::closest(name, PSEUDO).map_or_else(
                || format!("it is one of {}", PSEUDO.join(", ")),
                |meant| format!("did you mean `{meant}`?"),
            );
            let message = format!("CloudFormation has no pseudo parameter `{name}`");
            return self.fault(line, message, hint);
        }
        if let Some(given) = self.given(name) {
            return Value::known(given);
        }
        let is_china = |evaluator: &mut Self| {
            let region = evaluator.given("AWS::Region");
            region.is_some_and(|region| region.starts_with("cn-"))
        };
        match name {
            "AWS::Partition" if is_china(self) => Value::known("aws-cn"),
            "AWS::Partition" => Value::known("aws"),
            "AWS::URLSuffix" if is_china(self) => Value::known("amazonaws.com.cn"),
            "AWS::URLSuffix" => Value::known("amazonaws.com"),
            _ => Value::Text(Text::open(name, Vec::new())),
        }
    }

    /// Whether the condition of a resource that is referred to lets it be; reports where not.
    fn is_made(&mut self, name: &str, resource: &'a Node, line: u32) -> bool {
        let Some(condition) = resource.get("Condition").and_then(Node::as_str) else {
            return true;
        };
        if !matches!(self.condition(condition, line), Truth::Known(false)) {
            return true;
        }
        let message =
            format!("`{name}` is referred to here, and its condition `{condition}` leaves it out");
        let mend = format!("refer to it under `Fn::If: [{condition}, …]`");
        self.report(line, Rule::Reference, message, mend);
        false
    }

    /// `Fn::GetAtt`
    pub(super) fn get_att(&mut self, argument: &'a Node) -> Value {
        const FORM: &str = "RESOURCE.ATTRIBUTE, or [ RESOURCE, ATTRIBUTE ]";
        let (logical, attribute) = match (argument.as_str(), argument.as_list()) {
            (Some(text), _) => match text.split_once('.') {
                Some((logical, attribute)) => (logical, Text::known(attribute)),
                None => return self.misshapen(argument.line, FORM),
            },
            (None, Some([logical, attribute])) => {
                let attribute = self.step(Step::Item(1), |evaluator| evaluator.text(attribute));
                match (logical.as_str(), attribute) {
                    (_, None) => return Value::faulty(),
                    (Some(logical), Some(attribute)) => (logical, attribute),
                    (None, Some(_)) => return self.misshapen(argument.line, FORM),
                }
            }
            _ => return self.misshapen(argument.line, FORM),
        };
        match attribute.as_known() {
            Some(attribute) => self.attribute_of(logical, attribute, argument.line),
            None => Value::Text(attribute.into_unsettled()),
        }
    }

    fn attribute_of(&mut self, logical: &str, attribute: &str, line: u32) -> Value {
        let template = self.template();
        let Some(resource) = template.resource(logical) else {
            let resources = template.section("Resources").into_iter().flatten();
            let hint = suggest::closest(logical, resources.map(|member| &member.name[..]))
                .map_or_else(
                    || "name a resource of the template".to_owned(),
                    |meant| format!("did you mean `{meant}`?"),
                );
            let message = format!("the template has no resource `{logical}`");
            return self.fault(line, message, hint);
        };
        if !self.is_made(logical, resource, line) {
            return Value::faulty();
        }
        match kind_of(resource) {
            Some(kind) => self.attribute(logical, resource, kind, attribute, line),
            None => self.settable(&format!("{logical}.{attribute}"), Vec::new()),
        }
    }

    /// An attribute of an App Mesh resource.
    pub(super) fn attribute(
        &mut self,
        logical: &str,
        resource: &'a Node,
        kind: Kind,
        attribute: &str,
        line: u32,
    ) -> Value {
        let expression = format!("{logical}.{attribute}");
        let key = (self.at.template, expression.clone());
        if let Some(known) = self.attributes.get(&key) {
            return known.clone();
        }
        let value = self.once(&expression, line, |evaluator| {
            evaluator.attribute_value(logical, resource, kind, attribute, line)
        });
        let value = value.unwrap_or_else(Value::faulty);
        self.attributes.insert(key, value.clone());
        value
    }

    fn attribute_value(
        &mut self,
        logical: &str,
        resource: &'a Node,
        kind: Kind,
        attribute: &str,
        line: u32,
    ) -> Value {
        let names = [Some(kind), Some(Kind::Mesh), kind.parent()];
        let named = names.into_iter().flatten().find(|kind| {
            let member = kind.name_member();
            super::spelling::of_template(member) == attribute
        });
        if let Some(named) = named {
            let text = self.name(logical, resource, named, named == kind);
            return Value::Text(text);
        }
        match attribute {
            "Arn" => Value::Text(self.arn(logical, resource, kind, line)),
            "MeshOwner" => match self.property(logical, resource, "MeshOwner") {
                Some(Evaluated { value, .. }) => value,
                None => self.pseudo("AWS::AccountId", line),
            },
            "ResourceOwner" => self.pseudo("AWS::AccountId", line),
            "Uid" => self.settable(&format!("{logical}.Uid"), Vec::new()),
            _ => {
                let type_name = type_of(resource).unwrap_or_default();
                let message = format!("`{type_name}` has no attribute `{attribute}`");
                let known = ["Arn", "MeshOwner", "ResourceOwner", "Uid"];
                let own: Vec<String> = names
                    .into_iter()
                    .flatten()
                    .map(|kind| super::spelling::of_template(kind.name_member()))
                    .collect();
                let known = own.iter().map(String::as_str).chain(known);
                let hint = suggest::closest(attribute, known).map_or_else(
                    || "see the attributes of the type".to_owned(),
                    |meant| format!("did you mean `{meant}`?"),
                );
                self.fault(line, message, hint)
            }
        }
    }

    /// The name that a resource has, or that of what it belongs to.
    pub(super) fn name(
        &mut self,
        logical: &str,
        resource: &'a Node,
        kind: Kind,
        is_own: bool,
    ) -> Text {
        let member = super::spelling::of_template(kind.name_member());
        match self.property(logical, resource, &member) {
            Some(found) => match found.value.as_text() {
                Some(text) => name_in_arn(&text, kind).unwrap_or(text),
                None => Text::faulty(),
            },
            None if is_own => match self.given(&format!("{logical}.{member}")) {
                Some(given) => Text::known(given),
                None => Text::known(logical),
            },
            None => Text::faulty(),
        }
    }

    /// A property of a resource, unless it is absent.
    fn property(&mut self, logical: &str, resource: &'a Node, name: &str) -> Option<Evaluated> {
        let properties = resource.get("Properties")?.as_map()?;
        let member = properties.member(name).or_else(|| {
            let mut members = properties.iter();
            members.find(|member| member.name.eq_ignore_ascii_case(name))
        })?;
        let path = ["Resources", logical, "Properties", &member.name];
        let template = self.at.template;
        let value = self.elsewhere(template, &path, |evaluator| evaluator.value(&member.node));
        (!matches!(value.value, Value::Absent)).then_some(value)
    }

    /// `arn:aws:appmesh:REGION:ACCOUNT:mesh/MESH/virtualNode/NODE`
    fn arn(&mut self, logical: &str, resource: &'a Node, kind: Kind, line: u32) -> Text {
        let owner = self.property(logical, resource, "MeshOwner");
        let mut arn = Text::known("arn:");
        let text = |value: Value| value.as_text().unwrap_or_else(Text::faulty);
        for (name, after) in [
            ("AWS::Partition", ":appmesh:"),
            ("AWS::Region", ":"),
            ("AWS::AccountId", ":mesh/"),
        ] {
            arn.push(text(self.pseudo(name, line)));
            arn.push(Text::known(after));
        }
        arn.push(self.name(logical, resource, Kind::Mesh, kind == Kind::Mesh));
        if let Some(owner) = owner {
            arn.push(Text::known("@"));
            arn.push(text(owner.value));
        }
        for named in [kind.parent(), Some(kind).filter(|kind| *kind != Kind::Mesh)] {
            let Some(named) = named else { continue };
            arn.push(Text::known(format!("/{}/", named.word())));
            arn.push(self.name(logical, resource, named, named == kind));
        }
        arn
    }

    /// `Fn::ImportValue`
    pub(super) fn import(&mut self, argument: &'a Node) -> Value {
        let Some(name) = self.text(argument) else {
            return Value::faulty();
        };
        for prefix in IMPORTS {
            if let Some(given) = self.given(&format!("{prefix}{name}")) {
                return Value::known(given);
            }
        }
        if name.is_faulty() {
            return Value::faulty();
        }
        let exports = self.exports();
        let mut found = exports.iter().filter(|export| export.name == name);
        let Some(export) = found.next() else {
            let inner = name.expressions().cloned().collect();
            return Value::Text(Text::open(format!("{}{name}", IMPORTS[0]), inner));
        };
        if let Some(other) = found.next() {
            let files = [export, other].map(|export| {
                let template = &self.templates[export.template];
                template.origin.source.name.clone()
            });
            let message = format!("`{name}` is exported twice: by {}", files.join(" and "));
            let mend = format!("say which: --param '{}{name}=VALUE'", IMPORTS[0]);
            return self.fault(argument.line, message, mend);
        }
        let what = format!("export {name}");
        let value = self.once(&what, argument.line, |evaluator| {
            let path = ["Outputs", export.output, "Value"];
            evaluator.elsewhere(export.template, &path, |evaluator| {
                evaluator.value(export.value).value
            })
        });
        value.unwrap_or_else(Value::faulty)
    }

    /// What the templates of the set export.
    fn exports(&mut self) -> Arc<[Export<'a>]> {
        if let Some(known) = &self.exports {
            return Arc::clone(known);
        }
        // An export whose name needs an import finds none.
        self.exports = Some(Arc::new([]));
        let mut exports = Vec::new();
        let templates = self.templates;
        for (template, of) in templates.iter().enumerate() {
            for output in of.section("Outputs").into_iter().flatten() {
                let name = output.node.get("Export").and_then(|node| node.get("Name"));
                let (Some(name), Some(value)) = (name, output.node.get("Value")) else {
                    continue;
                };
                let condition = output.node.get("Condition").and_then(Node::as_str);
                let path = ["Outputs", output.name.as_str(), "Export", "Name"];
                let name = self.elsewhere(template, &path, |evaluator| {
                    evaluator.silently(|evaluator| {
                        let made = condition.is_none_or(|condition| {
                            let truth = evaluator.condition(condition, output.node.line);
                            !matches!(truth, Truth::Known(false))
                        });
                        made.then(|| evaluator.text(name)).flatten()
                    })
                });
                exports.extend(name.map(|name| Export {
                    name,
                    template,
                    output: &output.name,
                    value,
                }));
            }
        }
        let exports: Arc<[Export<'a>]> = exports.into();
        self.exports = Some(Arc::clone(&exports));
        exports
    }

    /// `Fn::Sub`
    pub(super) fn substitute(&mut self, argument: &'a Node) -> Value {
        const FORM: &str = "TEXT, or [ TEXT, { NAME: VALUE } ]";
        let (text, variables) = match (argument.as_str(), argument.as_list()) {
            (Some(text), _) => (text, None),
            (None, Some([text, variables])) => match (text.as_str(), variables.as_map()) {
                (Some(text), Some(variables)) => (text, Some(variables)),
                _ => return self.misshapen(argument.line, FORM),
            },
            _ => return self.misshapen(argument.line, FORM),
        };
        let mut whole = Text::default();
        for piece in pieces(text) {
            match piece {
                Piece::Literal(text) => whole.push(Text::known(text)),
                Piece::Kept(name) => whole.push(Text::known(format!("${{{name}}}"))),
                Piece::Name(name) => match self.substituted(name, variables, argument.line) {
                    Some(text) => whole.push(text),
                    None => whole.push(Text::faulty()),
                },
            }
        }
        Value::Text(whole)
    }

    fn substituted(
        &mut self,
        name: &str,
        variables: Option<&'a Members>,
        line: u32,
    ) -> Option<Text> {
        let value = if let Some(own) = variables.and_then(|own| own.member(name)) {
            self.step(Step::Item(1), |evaluator| {
                evaluator.member(&own.name, |evaluator| evaluator.value(&own.node).value)
            })
        } else if let Some((logical, attribute)) = name.split_once('.') {
            self.attribute_of(logical, attribute, line)
        } else {
            self.named(name, line)
        };
        let text = value.as_text();
        if text.is_none() {
            let message = format!("`${{{name}}}` is no text, and cannot be put into text");
            self.fault(line, message, "take an item of it with `Fn::Select`");
        }
        text
    }
}

/// A piece of the text of `Fn::Sub`.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece<'t> {
    Literal(&'t str),
    /// `${!NAME}`, which stands for `${NAME}` itself.
    Kept(&'t str),
    /// `${NAME}`
    Name(&'t str),
}

pub(super) fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut rest = text;
    let mut from = 0;
    while let Some(found) = rest[from..].find("${") {
        let begin = from + found;
        let Some(length) = rest[begin..].find('}') else {
            break;
        };
        let name = &rest[begin + 2..begin + length];
        let piece = match name.strip_prefix('!') {
            Some(kept) => Piece::Kept(kept),
            None if is_name(name) => Piece::Name(name),
            // Not a name: a `$` before a brace that means something else.
            None => {
                from = begin + 2;
                continue;
            }
        };
        if begin > 0 {
            pieces.push(Piece::Literal(&rest[..begin]));
        }
        pieces.push(piece);
        rest = &rest[begin + length + 1..];
        from = 0;
    }
    if !rest.is_empty() {
        pieces.push(Piece::Literal(rest));
    }
    pieces
}

fn is_name(name: &str) -> bool {
    !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b':'))
}

/// The name of a kind in the ARN of an App Mesh resource.
pub(super) fn name_in_arn(text: &Text, kind: Kind) -> Option<Text> {
    let arn = Arn::of(text)?;
    if kind == Kind::Mesh {
        return Some(arn.mesh);
    }
    let mut steps = arn.steps.chunks_exact(2);
    let found = steps.find(|step| step[0].as_known() == Some(kind.word()))?;
    Some(found[1].clone())
}

/// The ARN of an App Mesh resource.
pub(super) struct Arn {
    pub(super) mesh: Text,
    /// What follows it: kind and name in turn.
    pub(super) steps: Vec<Text>,
}

impl Arn {
    pub(super) fn of(text: &Text) -> Option<Self> {
        let fields = text.split(':');
        let (head, path) = fields.split_at_checked(5)?;
        let is_known = |field: &Text, wanted: &str| field.as_known() == Some(wanted);
        if !is_known(&head[0], "arn") || !is_known(&head[2], "appmesh") {
            return None;
        }
        let mut whole = Text::default();
        for (index, field) in path.iter().enumerate() {
            if index > 0 {
                whole.push(Text::known(":"));
            }
            whole.push(field.clone());
        }
        let mut steps = whole.split('/').into_iter();
        if !is_known(&steps.next()?, "mesh") {
            return None;
        }
        let mesh = steps.next()?.split('@').swap_remove(0);
        Some(Self {
            mesh,
            steps: steps.collect(),
        })
    }
}

/// How the parameter of a made-up name is called: `Router.VirtualRouterName`.
pub(super) fn name_expression(logical: &str, kind: Kind) -> SmolStr {
    let member = super::spelling::of_template(kind.name_member());
    format!("{logical}.{member}").into()
}

/// Whether a member of a document holds the name of a resource of this kind.
pub(super) fn refers_to(member: &str) -> Option<Kind> {
    match member {
        "meshName" => Some(Kind::Mesh),
        "virtualGatewayName" => Some(Kind::VirtualGateway),
        "virtualNode" | "virtualNodeName" => Some(Kind::VirtualNode),
        "virtualRouterName" => Some(Kind::VirtualRouter),
        "virtualServiceName" => Some(Kind::VirtualService),
        _ => None,
    }
}

/// The type of a kind, for messages: `AWS::AppMesh::Route`.
pub(super) fn full_type(kind: Kind) -> String {
    format!("{}{}", super::APP_MESH, type_name(kind))
}
