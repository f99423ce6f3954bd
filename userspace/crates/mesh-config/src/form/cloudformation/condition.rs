//! Conditions: And, Or, Not, Equals. What is open decides only where the rest does not.

use super::{
    evaluator::{Evaluator, function_of},
    value::Text,
};
use crate::{
    problem::path::Step,
    tree::{Members, Node, Value},
};

/// What came of a condition.
#[derive(Clone, Debug)]
pub(super) enum Truth {
    Known(bool),
    /// It depends on this, or has a fault.
    Open(Text),
}

impl Truth {
    fn faulty() -> Self {
        Self::Open(Text::faulty())
    }
}

impl<'a> Evaluator<'a> {
    /// A condition by its name.
    pub(super) fn condition(&mut self, name: &str, line: u32) -> Truth {
        let template = self.template();
        let Some(member) = template.member("Conditions", name) else {
            let known = template.names("Conditions");
            let hint = self.hint(name, known, "add it to `Conditions`");
            let message = format!("the template has no condition `{name}`");
            self.fault(line, message, hint);
            return Truth::faulty();
        };
        let key = (self.at.template, member.name.as_str());
        if let Some(known) = self.conditions.get(&key) {
            return known.clone();
        }
        let truth = self.once(&format!("condition {name}"), line, |evaluator| {
            let template = evaluator.at.template;
            evaluator.elsewhere(template, &["Conditions", name], |evaluator| {
                evaluator.truth(&member.node)
            })
        });
        let truth = truth.unwrap_or_else(Truth::faulty);
        let is_faulty = matches!(&truth, Truth::Open(open) if open.is_faulty());
        if self.may_keep(is_faulty) {
            self.conditions.insert(key, truth.clone());
        }
        truth
    }

    fn truth(&mut self, node: &'a Node) -> Truth {
        let mut truth = Truth::faulty();
        // The depth is limited as that of values is.
        self.deeper(node.line, |evaluator| {
            truth = evaluator.truth_here(node);
            super::value::Value::Absent
        });
        truth
    }

    fn truth_here(&mut self, node: &'a Node) -> Truth {
        const FORM: &str = "an object with one of `Fn::And`, `Fn::Or`, `Fn::Not`, `Fn::Equals` \
                            and `Condition`";
        if let Some(known) = node.as_bool() {
            return Truth::Known(known);
        }
        let only = node.as_map().and_then(call);
        let Some((name, argument)) = only else {
            self.misshapen(node.line, FORM);
            return Truth::faulty();
        };
        self.member(name, |evaluator| match name {
            "Condition" => {
                if let Some(name) = argument.as_str() {
                    evaluator.condition(name, argument.line)
                } else {
                    evaluator.misshapen(argument.line, "a condition's name");
                    Truth::faulty()
                }
            }
            "Fn::And" => evaluator.all(argument, true),
            "Fn::Or" => evaluator.all(argument, false),
            "Fn::Not" => match evaluator.arguments(argument, "[ CONDITION ]") {
                Some([inner]) => match evaluator.item_truth(0, inner) {
                    Truth::Known(known) => Truth::Known(!known),
                    open @ Truth::Open(_) => open,
                },
                _ => evaluator.not_so(argument, "[ CONDITION ]"),
            },
            "Fn::Equals" => evaluator.equals(argument),
            _ => evaluator.not_so(argument, FORM),
        })
    }

    fn not_so(&mut self, argument: &'a Node, form: &str) -> Truth {
        self.misshapen(argument.line, form);
        Truth::faulty()
    }

    fn item_truth(&mut self, index: usize, node: &'a Node) -> Truth {
        self.step(Step::Item(index), |evaluator| evaluator.truth(node))
    }

    /// Whether all are true (`Fn::And`), or not all are false (`Fn::Or`).
    fn all(&mut self, argument: &'a Node, wanted: bool) -> Truth {
        const FORM: &str = "[ CONDITION, CONDITION, … ]";
        let Some(items) = self.arguments(argument, FORM) else {
            return Truth::faulty();
        };
        if items.is_empty() {
            return self.not_so(argument, FORM);
        }
        let mut open = Text::default();
        for (index, item) in items.iter().enumerate() {
            match self.item_truth(index, item) {
                Truth::Known(known) if known != wanted => return Truth::Known(known),
                Truth::Known(_) => {}
                Truth::Open(more) => open.push(more),
            }
        }
        if open.is_open() {
            Truth::Open(open)
        } else {
            Truth::Known(wanted)
        }
    }

    fn equals(&mut self, argument: &'a Node) -> Truth {
        const FORM: &str = "[ VALUE, VALUE ]";
        let Some([left, right]) = self.arguments(argument, FORM) else {
            return self.not_so(argument, FORM);
        };
        let left = self.step(Step::Item(0), |evaluator| evaluator.value(left).value);
        let right = self.step(Step::Item(1), |evaluator| evaluator.value(right).value);
        let mut open = Text::default();
        for side in [&left, &right] {
            if let Some(more) = side.unsettled() {
                open.push(more);
            }
        }
        if open.is_open() {
            return Truth::Open(open);
        }
        Truth::Known(left.is_same(&right))
    }
}

/// The function that an object in a condition is.
fn call(members: &Members) -> Option<(&str, &Node)> {
    function_of(members).or_else(|| match members.get("Condition") {
        Some(name) if members.len() == 1 && !matches!(name.value, Value::Map(_)) => {
            Some(("Condition", name))
        }
        _ => None,
    })
}
