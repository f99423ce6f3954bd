//! The walk over a template's values: where it is, what it has found, and how much it may do.

mod given;
mod report;

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

pub(super) use report::shown;

use super::{
    Inputs, Template,
    condition::Truth,
    import::Exports,
    value::{Evaluated, Text, Value},
};
use crate::{
    document::finding::Findings,
    problem::{
        Place,
        path::{FieldPath, Step},
    },
    tree::{self, Member, Members, Node},
};

/// How much the values of one template may come to: a value counts one, and so do 32 bytes of
/// text. The largest template that CloudFormation takes, of 1 MB, needs less than half of it.
const MAX_COST: usize = 500_000;
/// How deep functions may refer to what holds further functions.
const MAX_DEPTH: usize = 160;

pub(super) struct Evaluator<'a> {
    pub(super) templates: &'a [Arc<Template>],
    pub(super) findings: &'a mut Findings,
    pub(super) at: At,
    pub(super) conditions: HashMap<(usize, &'a str), Truth>,
    /// Attributes of App Mesh resources, by template and expression.
    pub(super) attributes: HashMap<(usize, String), Value>,
    pub(super) exports: Option<Arc<Exports<'a>>>,
    inputs: &'a Inputs,
    used: BTreeSet<String>,
    /// What is being evaluated and may not be needed for itself.
    underway: Vec<(usize, String)>,
    /// Where in the findings each fault is, by its place, without the document, and message.
    reported: HashMap<(Place, String), usize>,
    /// What is tried without a word on its faults.
    silent: bool,
    /// What is given is not looked at.
    without_given: bool,
    depth: usize,
    /// What the template has cost so far.
    pub(super) cost: usize,
    /// That it costs too much is reported.
    is_over: bool,
}

/// Where the walk is.
#[derive(Clone, Debug, Default)]
pub(super) struct At {
    pub(super) template: usize,
    /// From the template's top.
    pub(super) path: FieldPath,
    /// The resource that needs it.
    pub(super) document: Option<String>,
}

impl<'a> Evaluator<'a> {
    pub(super) fn new(
        templates: &'a [Arc<Template>],
        inputs: &'a Inputs,
        findings: &'a mut Findings,
    ) -> Self {
        Self {
            templates,
            findings,
            at: At::default(),
            conditions: HashMap::new(),
            attributes: HashMap::new(),
            exports: None,
            inputs,
            used: BTreeSet::new(),
            underway: Vec::new(),
            reported: HashMap::new(),
            silent: false,
            without_given: false,
            depth: 0,
            cost: 0,
            is_over: false,
        }
    }

    /// The expressions that were given a value and asked for.
    pub(super) fn into_used(self) -> BTreeSet<String> {
        self.used
    }

    /// Begins with a template: what it may cost is counted anew.
    pub(super) fn begin(&mut self, template: usize) {
        self.at = At {
            template,
            ..At::default()
        };
        self.cost = 0;
        self.is_over = false;
    }

    pub(super) fn template(&self) -> &'a Template {
        &self.templates[self.at.template]
    }

    /// The value of anything.
    pub(super) fn value(&mut self, node: &'a Node) -> Evaluated {
        self.deeper(node.line, |evaluator| evaluator.value_here(node))
            .at(node.line)
    }

    fn value_here(&mut self, node: &'a Node) -> Value {
        match &node.value {
            tree::Value::Null => Value::Null,
            tree::Value::Bool(value) => Value::Bare(value.to_string().into()),
            tree::Value::Int(number) => Value::Bare(number.to_string().into()),
            tree::Value::Float(number) => Value::Bare(number.to_string().into()),
            tree::Value::Text(text) | tree::Value::Loose(text) | tree::Value::Open(text) => {
                Value::known(text.clone())
            }
            tree::Value::List(items) => Value::List(self.items(items)),
            tree::Value::Map(members) => match function_of(members) {
                Some((name, argument)) => self.call(name, argument),
                None => self.members(members),
            },
        }
    }

    /// The items that are there.
    pub(super) fn items(&mut self, items: &'a [Node]) -> Vec<Evaluated> {
        let mut evaluated = Vec::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            let item = self.step(Step::Item(index), |evaluator| evaluator.value(item));
            if !matches!(item.value, Value::Absent) {
                evaluated.push(item);
            }
        }
        evaluated
    }

    fn members(&mut self, members: &'a Members) -> Value {
        let mut evaluated = Vec::with_capacity(members.len());
        let mut is_sound = true;
        for member in members {
            if member.name.starts_with("Fn::") {
                self.not_alone(member);
                is_sound = false;
                continue;
            }
            let step = Step::Member(member.name.to_string());
            let value = self.step(step, |evaluator| evaluator.value(&member.node));
            if !matches!(value.value, Value::Absent) {
                evaluated.push((member.name.clone(), value));
            }
        }
        if is_sound {
            Value::Map(evaluated)
        } else {
            Value::faulty()
        }
    }

    /// Reports a function that is not the only member of its object.
    fn not_alone(&mut self, function: &Member) {
        let (message, mend) = match function.name.as_str() {
            // This one may stand beside other members, which it adds to.
            "Fn::Transform" => (super::INSERTED.to_owned(), super::PROCESSED),
            name => (
                format!("`{name}` must be alone in its object"),
                "put the function into an object of its own",
            ),
        };
        self.member(&function.name, |evaluator| {
            evaluator.fault(function.node.line, message, mend);
        });
    }

    /// The value of an argument that is text. None where it is not; the fault is reported.
    pub(super) fn text(&mut self, node: &'a Node) -> Option<Text> {
        let value = self.value(node).value;
        let text = value.as_text();
        if text.is_none() {
            let message = format!("{} is not allowed: it is text here", shown(&value));
            self.fault(
                node.line,
                message,
                "write text, or a function that gives some",
            );
        }
        text
    }

    /// Goes one level down, within the limits.
    pub(super) fn deeper(&mut self, line: u32, then: impl FnOnce(&mut Self) -> Value) -> Value {
        if self.cost > MAX_COST {
            return Value::faulty();
        }
        if self.depth == MAX_DEPTH {
            let message = format!("functions refer to functions deeper than {MAX_DEPTH} levels");
            return self.fault(line, message, "write some of these values out");
        }
        self.depth += 1;
        let value = then(self);
        self.depth -= 1;
        if self.pay(value_cost(&value), line) {
            value
        } else {
            Value::faulty()
        }
    }

    /// Counts what is done here. False where that is more than a template may cost, which is
    /// reported the first time.
    pub(super) fn pay(&mut self, cost: usize, line: u32) -> bool {
        self.cost += cost;
        let is_over = self.cost > MAX_COST;
        if is_over && !self.is_over {
            let message = format!(
                "the template's values come to more than {MAX_COST} steps and pieces of text"
            );
            self.fault(line, message, "write some of these values out");
            self.is_over = !self.silent;
        }
        !is_over
    }

    /// Goes to a part of what is here.
    pub(super) fn step<T>(&mut self, step: Step, then: impl FnOnce(&mut Self) -> T) -> T {
        self.at.path.0.push(step);
        let done = then(self);
        self.at.path.0.pop();
        done
    }

    pub(super) fn member<T>(&mut self, name: &str, then: impl FnOnce(&mut Self) -> T) -> T {
        self.step(Step::Member(name.to_owned()), then)
    }

    /// Goes to another part of the templates and comes back.
    pub(super) fn elsewhere<T>(
        &mut self,
        template: usize,
        path: &[&str],
        then: impl FnOnce(&mut Self) -> T,
    ) -> T {
        let there = At {
            template,
            path: FieldPath::default().members(path),
            document: None,
        };
        let here = std::mem::replace(&mut self.at, there);
        let done = then(self);
        self.at = here;
        done
    }

    /// Does something that may not be needed for itself. None where it is: the fault is reported.
    pub(super) fn once<T>(
        &mut self,
        name: &str,
        line: u32,
        then: impl FnOnce(&mut Self) -> T,
    ) -> Option<T> {
        let own = (self.at.template, name.to_owned());
        if let Some(begin) = self.underway.iter().position(|other| *other == own) {
            let ring = self.underway[begin..].iter().map(|(_, name)| &name[..]);
            let ring: Vec<&str> = ring.chain([name]).collect();
            let message = format!("`{name}` needs its own value: {}", ring.join(" → "));
            self.astray(line, message, "break the ring".to_owned());
            return None;
        }
        self.underway.push(own);
        let done = then(self);
        self.underway.pop();
        Some(done)
    }

    /// Tries something without a word on its faults.
    pub(super) fn silently<T>(&mut self, then: impl FnOnce(&mut Self) -> T) -> T {
        let before = std::mem::replace(&mut self.silent, true);
        let done = then(self);
        self.silent = before;
        done
    }

    /// Whether something that was evaluated may be kept: a fault has to be found again where it was
    /// not spoken of, and a value where it was not looked at.
    pub(super) fn may_keep(&self, is_faulty: bool) -> bool {
        !(self.silent && is_faulty || self.without_given)
    }
}

/// The cost of a value alone; its inner ones have been counted.
fn value_cost(value: &Value) -> usize {
    match value {
        Value::List(_) | Value::Map(_) => 1,
        scalar => scalar.cost(),
    }
}

/// The function that an object is a call of.
pub(super) fn function_of(members: &Members) -> Option<(&str, &Node)> {
    let mut each = members.iter();
    let (Some(member), None) = (each.next(), each.next()) else {
        return None;
    };
    let name = member.name.as_str();
    (name == "Ref" || name.starts_with("Fn::")).then_some((name, &member.node))
}
