//! `Fn::GetAtt`: attributes of resources. Those of App Mesh's own follow from the template.

use smol_str::SmolStr;

use super::{
    APP_MESH,
    arn::name_in_arn,
    evaluator::Evaluator,
    kind_of, spelling, type_name,
    value::{Evaluated, Text, Value},
};
use crate::{
    document::Kind,
    problem::path::Step,
    tree::{Member, Node},
};

/// A resource of App Mesh in a template.
#[derive(Clone, Copy, Debug)]
pub(super) struct Resource<'a> {
    pub(super) logical: &'a str,
    pub(super) node: &'a Node,
    pub(super) kind: Kind,
}

impl<'a> Resource<'a> {
    /// None for a resource of another service.
    pub(super) fn of(member: &'a Member) -> Option<Self> {
        Some(Self {
            logical: &member.name,
            node: &member.node,
            kind: kind_of(&member.node)?,
        })
    }

    /// A property, in whatever case its name stands.
    fn property(self, name: &str) -> Option<&'a Member> {
        let properties = self.node.get("Properties")?.as_map()?;
        properties.member(name).or_else(|| {
            let mut members = properties.iter();
            members.find(|member| member.name.eq_ignore_ascii_case(name))
        })
    }

    /// Whether it has a name of its own, and none that CloudFormation makes up.
    pub(super) fn is_named(self) -> bool {
        self.property(&name_property(self.kind)).is_some()
    }

    /// What stands for the name that CloudFormation makes up: `Router.VirtualRouterName`.
    pub(super) fn name_expression(self) -> SmolStr {
        format!("{}.{}", self.logical, name_property(self.kind)).into()
    }
}

/// The property, and attribute, that has the name of a resource of this kind.
pub(super) fn name_property(kind: Kind) -> String {
    spelling::of_template(kind.name_member())
}

impl<'a> Evaluator<'a> {
    /// `Fn::GetAtt`
    pub(super) fn get_att(&mut self, argument: &'a Node) -> Value {
        const FORM: &str = "RESOURCE.ATTRIBUTE, or [ RESOURCE, ATTRIBUTE ]";
        if let Some(text) = argument.as_str() {
            return match text.split_once('.') {
                Some((logical, attribute)) => self.attribute_of(logical, attribute, argument.line),
                None => self.misshapen(argument.line, FORM),
            };
        }
        let Some([logical, attribute]) = argument.as_list() else {
            return self.misshapen(argument.line, FORM);
        };
        let logical = self.step(Step::Item(0), |evaluator| evaluator.text(logical));
        let attribute = self.step(Step::Item(1), |evaluator| evaluator.text(attribute));
        let (Some(logical), Some(attribute)) = (logical, attribute) else {
            return Value::faulty();
        };
        match (logical.as_known(), attribute.as_known()) {
            (Some(logical), Some(attribute)) => {
                self.attribute_of(logical, attribute, argument.line)
            }
            (None, _) => Value::Text(logical.into_unsettled()),
            (_, None) => Value::Text(attribute.into_unsettled()),
        }
    }

    /// `RESOURCE.ATTRIBUTE`
    pub(super) fn attribute_of(&mut self, logical: &str, attribute: &str, line: u32) -> Value {
        let template = self.template();
        let Some(member) = template.member("Resources", logical) else {
            let known = template.names("Resources");
            let hint = self.hint(logical, known, "name a resource of the template");
            let message = format!("the template has no resource `{logical}`");
            return self.fault(line, message, hint);
        };
        if !self.is_made(member, line) {
            return Value::faulty();
        }
        match Resource::of(member) {
            Some(resource) => self.attribute(resource, attribute, line),
            None => self.settable(&format!("{logical}.{attribute}"), Vec::new()),
        }
    }

    /// An attribute of an App Mesh resource.
    pub(super) fn attribute(
        &mut self,
        resource: Resource<'a>,
        attribute: &str,
        line: u32,
    ) -> Value {
        let expression = format!("{}.{attribute}", resource.logical);
        let key = (self.at.template, expression.clone());
        if let Some(known) = self.attributes.get(&key) {
            return known.clone();
        }
        let value = self.once(&expression, line, |evaluator| {
            evaluator.attribute_value(resource, attribute, line)
        });
        let value = value.unwrap_or_else(Value::faulty);
        let is_faulty = value.unsettled().is_some_and(|text| text.is_faulty());
        if self.may_keep(is_faulty) {
            self.attributes.insert(key, value.clone());
        }
        value
    }

    fn attribute_value(&mut self, resource: Resource<'a>, attribute: &str, line: u32) -> Value {
        let kinds = [
            Some(resource.kind),
            Some(Kind::Mesh),
            resource.kind.parent(),
        ];
        let mut kinds = kinds.into_iter().flatten();
        if let Some(kind) = kinds.find(|kind| name_property(*kind) == attribute) {
            return Value::Text(self.name(resource, kind));
        }
        match attribute {
            // What `Ref` gives.
            "Arn" | "Id" => Value::Text(self.arn(resource, line)),
            "MeshOwner" => match self.property(resource, "MeshOwner") {
                // Lists of lists of lists would have no end.
                Some(owner) => Value::Text(owner.value.as_text().unwrap_or_else(Text::faulty)),
                None => self.pseudo("AWS::AccountId", line),
            },
            "ResourceOwner" => self.pseudo("AWS::AccountId", line),
            "Uid" => self.settable(&format!("{}.Uid", resource.logical), Vec::new()),
            _ => self.no_attribute(resource, attribute, line),
        }
    }

    fn no_attribute(&mut self, resource: Resource<'a>, attribute: &str, line: u32) -> Value {
        let kinds = [
            Some(resource.kind),
            Some(Kind::Mesh),
            resource.kind.parent(),
        ];
        let names: Vec<String> = kinds.into_iter().flatten().map(name_property).collect();
        let mut known: Vec<&str> = names.iter().map(String::as_str).collect();
        known.extend(["Arn", "Id", "MeshOwner", "ResourceOwner", "Uid"]);
        known.dedup();
        let otherwise = format!("it has {}", known.join(", "));
        let hint = self.hint(attribute, known, otherwise);
        let type_name = type_name(resource.kind);
        let name = &resource.logical;
        let message =
            format!("`{name}.{attribute}`: `{APP_MESH}{type_name}` has no attribute `{attribute}`");
        self.astray(line, message, hint)
    }

    /// The name of a resource, or that of its mesh, router or gateway.
    pub(super) fn name(&mut self, resource: Resource<'a>, kind: Kind) -> Text {
        match self.property(resource, &name_property(kind)) {
            Some(found) => match found.value.as_text() {
                Some(text) => name_in_arn(&text, kind).unwrap_or(text),
                None => Text::faulty(),
            },
            None if kind == resource.kind => match self.given(&resource.name_expression()) {
                Some(given) => Text::known(given),
                None => Text::known(resource.logical),
            },
            None => Text::faulty(),
        }
    }

    /// A property of a resource, unless it is absent.
    fn property(&mut self, resource: Resource<'a>, name: &str) -> Option<Evaluated> {
        let member = resource.property(name)?;
        let path = ["Resources", resource.logical, "Properties", &member.name];
        let template = self.at.template;
        let value = self.elsewhere(template, &path, |evaluator| evaluator.value(&member.node));
        (!matches!(value.value, Value::Absent)).then_some(value)
    }

    /// `arn:aws:appmesh:REGION:ACCOUNT:mesh/MESH/virtualNode/NODE`
    fn arn(&mut self, resource: Resource<'a>, line: u32) -> Text {
        let kind = resource.kind;
        let owner = self.property(resource, "MeshOwner");
        let text = |value: Value| value.as_text().unwrap_or_else(Text::faulty);
        let mut arn = Text::known("arn:");
        for (name, after) in [
            ("AWS::Partition", ":appmesh:"),
            ("AWS::Region", ":"),
            ("AWS::AccountId", ":mesh/"),
        ] {
            arn.push(text(self.pseudo(name, line)));
            arn.push(Text::known(after));
        }
        arn.push(self.name(resource, Kind::Mesh));
        if let Some(owner) = owner {
            arn.push(Text::known("@"));
            arn.push(text(owner.value));
        }
        for named in [kind.parent(), Some(kind).filter(|kind| *kind != Kind::Mesh)] {
            let Some(named) = named else { continue };
            arn.push(Text::known(format!("/{}/", named.word())));
            arn.push(self.name(resource, named));
        }
        arn
    }
}
