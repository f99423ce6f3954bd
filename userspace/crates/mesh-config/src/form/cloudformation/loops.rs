//! `Fn::ForEach`: what a loop makes takes its place before anything else is evaluated.

use std::{collections::BTreeSet, fmt::Write as _, sync::Arc};

use super::{
    Template,
    evaluator::{Evaluator, function_of},
    kind_of,
    value::{Evaluated, Value as Known},
};
use crate::{
    document::finding::{Findings, Origin},
    form::Inputs,
    problem::path::Step,
    tree::{Gathering, Member, Members, Node, Value},
};

const LOOP: &str = "Fn::ForEach::";
/// How deep loops may stand in loops, as CloudFormation has it.
const MAX_LOOPS: usize = 5;

/// A template with its loops unrolled: those between resources, conditions and outputs, and those
/// within resources of App Mesh. A loop over what is open makes nothing yet.
pub(super) fn unrolled(
    template: &Arc<Template>,
    inputs: &Inputs,
    findings: &mut Findings,
    used: &mut BTreeSet<String>,
) -> Arc<Template> {
    let mut template = Arc::clone(template);
    if !template.origin.source.text.contains(LOOP) {
        return template;
    }
    for round in 0..=MAX_LOOPS {
        let mut unroller = Unroller {
            evaluator: Evaluator::new(std::slice::from_ref(&template), inputs, findings),
            is_last: round == MAX_LOOPS,
            has_loop: false,
        };
        let tree = unroller.template(&template.origin.tree);
        let has_loop = unroller.has_loop;
        used.extend(unroller.evaluator.into_used());
        if !has_loop {
            break;
        }
        let origin = Origin {
            source: Arc::clone(&template.origin.source),
            tree,
            root: template.origin.root.clone(),
        };
        template = Arc::new(Template::new(origin));
    }
    template
}

/// One round: the outermost loops.
struct Unroller<'a> {
    evaluator: Evaluator<'a>,
    is_last: bool,
    has_loop: bool,
}

impl<'a> Unroller<'a> {
    fn template(&mut self, tree: &'a Node) -> Node {
        let mut sections = Members::default();
        for section in tree.as_map().into_iter().flatten() {
            let node = match section.name.as_str() {
                "Conditions" | "Outputs" => self.within(section, Self::shallow),
                "Resources" => self.within(section, Self::resources),
                _ => section.node.clone(),
            };
            sections.push(section.name.clone(), None, node);
        }
        Node::new(Value::Map(sections), tree.line)
    }

    fn within(
        &mut self,
        member: &'a Member,
        then: impl FnOnce(&mut Self, &'a Node) -> Node,
    ) -> Node {
        let step = Step::Member(member.name.to_string());
        self.evaluator.at.path.0.push(step);
        let node = then(self, &member.node);
        self.evaluator.at.path.0.pop();
        node
    }

    fn shallow(&mut self, node: &'a Node) -> Node {
        self.members(node, |_, member| member.node.clone())
    }

    fn resources(&mut self, node: &'a Node) -> Node {
        self.members(node, |unroller, member| match kind_of(&member.node) {
            Some(_) => unroller.within(member, Self::deep),
            None => member.node.clone(),
        })
    }

    fn deep(&mut self, node: &'a Node) -> Node {
        match &node.value {
            Value::Map(_) => {
                self.members(node, |unroller, member| unroller.within(member, Self::deep))
            }
            Value::List(items) => {
                let mut nodes = Vec::with_capacity(items.len());
                for (index, item) in items.iter().enumerate() {
                    self.evaluator.at.path.0.push(Step::Item(index));
                    nodes.push(self.deep(item));
                    self.evaluator.at.path.0.pop();
                }
                Node::new(Value::List(nodes), node.line)
            }
            _ => node.clone(),
        }
    }

    /// An object with what its loops make; `other` makes its other members.
    fn members(
        &mut self,
        node: &'a Node,
        mut other: impl FnMut(&mut Self, &'a Member) -> Node,
    ) -> Node {
        let Some(members) = node.as_map() else {
            return node.clone();
        };
        let mut made = Gathering::default();
        for member in members {
            if !member.name.starts_with(LOOP) {
                let node = other(self, member);
                made.insert(member.name.clone(), node);
                continue;
            }
            self.has_loop = true;
            self.within(member, |unroller, argument| {
                unroller.unroll(argument, &mut made);
                Node::new(Value::Null, argument.line)
            });
        }
        Node::new(Value::Map(made.into()), node.line)
    }

    fn unroll(&mut self, argument: &'a Node, made: &mut Gathering) {
        const FORM: &str = "[ NAME, [ VALUE, … ], { KEY: VALUE } ]";
        let Some([name, values, body]) = self.evaluator.arguments(argument, FORM) else {
            self.evaluator.misshapen(argument.line, FORM);
            return;
        };
        let (Some(name), Some(body)) = (name.as_str(), body.as_map()) else {
            self.evaluator.misshapen(argument.line, FORM);
            return;
        };
        if self.is_last {
            let message = format!("loops stand in loops deeper than {MAX_LOOPS} levels");
            self.evaluator
                .fault(argument.line, message, "write some of what they make out");
            return;
        }
        for value in self.values(values) {
            for member in body {
                let mut key = filled(&member.name, name, &value);
                if key.starts_with(LOOP) {
                    // A loop of its own for each turn.
                    let _ = write!(key, " ({value})");
                }
                let mut node = member.node.clone();
                let size = fill(&mut node, name, &value);
                if !self.evaluator.pay(size, argument.line) {
                    return;
                }
                if made.insert(key.as_str().into(), node) {
                    let message = format!("`{key}` is there twice with what the loop makes");
                    let mend = format!("write `${{{name}}}` into the name, and each value once");
                    self.evaluator.fault(member.node.line, message, mend);
                }
            }
        }
    }

    /// What a loop goes over.
    fn values(&mut self, node: &'a Node) -> Vec<String> {
        self.evaluator.step(Step::Item(1), |evaluator| {
            let items = match evaluator.value(node).value {
                Known::List(items) => items,
                other => vec![other.at(node.line)],
            };
            let mut values = Vec::with_capacity(items.len());
            for Evaluated { value, line } in items {
                let Some(text) = value.as_text() else {
                    evaluator.misshapen(line, "a list of texts, or a function that gives one");
                    continue;
                };
                if let Some(known) = text.as_known() {
                    values.push(known.to_owned());
                } else {
                    let place = evaluator.place(line);
                    evaluator.note_open(&place, &text);
                }
            }
            values
        })
    }
}

/// Fills a loop's value in for its name. Gives how many values and how much text there is.
fn fill(node: &mut Node, name: &str, value: &str) -> usize {
    const TEXT: usize = 32;
    match &mut node.value {
        Value::Text(text) | Value::Loose(text) | Value::Open(text) => {
            if text.contains(name) {
                *text = filled(text, name, value).into();
            }
            1 + text.len() / TEXT
        }
        Value::List(items) => {
            let sizes = items.iter_mut().map(|item| fill(item, name, value));
            1 + sizes.sum::<usize>()
        }
        Value::Map(members) => {
            if let Some(("Ref", argument)) = function_of(members)
                && argument.as_str() == Some(name)
            {
                node.value = Value::Text(value.into());
                return 1 + value.len() / TEXT;
            }
            let mut size = 1;
            let mut all = Members::default();
            for mut member in std::mem::take(members) {
                size += fill(&mut member.node, name, value);
                all.push(filled(&member.name, name, value), None, member.node);
            }
            *members = all;
            size
        }
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) => 1,
    }
}

/// `${NAME}` is the value; `&{NAME}` its letters and digits, for logical IDs.
fn filled(text: &str, name: &str, value: &str) -> String {
    let bare: String = value.chars().filter(char::is_ascii_alphanumeric).collect();
    text.replace(&format!("${{{name}}}"), value)
        .replace(&format!("&{{{name}}}"), &bare)
}
