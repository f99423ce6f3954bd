//! `Ref`: parameters, pseudo parameters and resources by their names.

use super::{
    attribute::Resource,
    condition::Truth,
    evaluator::Evaluator,
    value::{Text, Value},
};
use crate::{
    problem::{Problem, Rule},
    tree::{Member, Node},
};

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

    /// What a name stands for.
    pub(super) fn named(&mut self, name: &str, line: u32) -> Value {
        if name.starts_with("AWS::") {
            return self.pseudo(name, line);
        }
        let template = self.template();
        if let Some(declared) = template.member("Parameters", name) {
            return self.parameter(name, &declared.node, line);
        }
        let Some(member) = template.member("Resources", name) else {
            let known = ["Parameters", "Resources"].into_iter();
            let known = known.flat_map(|section| template.names(section));
            let otherwise = format!("add a parameter `{name}`");
            let hint = self.hint(name, known.chain(PSEUDO), otherwise);
            let message = format!("the template has no parameter or resource `{name}`");
            return self.astray(line, message, hint);
        };
        if !self.is_made(member, line) {
            return Value::faulty();
        }
        match Resource::of(member) {
            Some(resource) => self.attribute(resource, "Arn", line),
            None => self.settable(name, Vec::new()),
        }
    }

    /// Reports a reference to what is not there, and gives what stands for the value.
    pub(super) fn astray(&mut self, line: u32, message: String, mend: String) -> Value {
        self.report(Problem {
            place: self.place(line),
            rule: Rule::Reference,
            value: None,
            message,
            mend,
        });
        Value::faulty()
    }

    /// What CloudFormation itself gives.
    pub(super) fn pseudo(&mut self, name: &str, line: u32) -> Value {
        if name == "AWS::NoValue" {
            return Value::Absent;
        }
        if !is_pseudo(name) {
            let otherwise = format!("it is one of {}", PSEUDO.join(", "));
            let hint = self.hint(name, PSEUDO, otherwise);
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
    pub(super) fn is_made(&mut self, resource: &'a Member, line: u32) -> bool {
        let Some(condition) = resource.node.get("Condition").and_then(Node::as_str) else {
            return true;
        };
        if !matches!(self.condition(condition, line), Truth::Known(false)) {
            return true;
        }
        let name = &resource.name;
        let message =
            format!("`{name}` is referred to here, and its condition `{condition}` leaves it out");
        let mend = format!("refer to it under `Fn::If: [{condition}, …]`");
        self.astray(line, message, mend);
        false
    }
}
