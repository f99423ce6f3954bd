//! A template's parameters: what is given for them, or their default.

use regex::Regex;

use super::{
    evaluator::Evaluator,
    value::{Text, Value},
};
use crate::{
    problem::{Problem, Rule},
    tree::{Node, Value as Written},
};

/// The items of a list that is written as text.
pub(super) fn list(text: &str, line: u32) -> Value {
    let items = text
        .split(',')
        .map(|item| Value::known(item.trim()).at(line));
    Value::List(items.collect())
}

impl<'a> Evaluator<'a> {
    /// The value of a parameter that the template declares.
    pub(super) fn parameter(&mut self, name: &str, declaration: &'a Node, line: u32) -> Value {
        let type_name = declaration.get("Type").and_then(Node::as_str);
        let type_name = type_name.unwrap_or("String");
        let text = match (self.given(name), default(declaration, type_name)) {
            (Some(given), _) => Some(given.to_owned()),
            (None, Some(default)) => plain(default),
            (None, None) => return Value::Text(Text::open(name, Vec::new())),
        };
        let Some(text) = text else {
            let message = format!("the default of parameter `{name}` is no text");
            let mend = "write a list with commas between its items";
            return self.fault(declaration.line, message, mend);
        };
        let is_list = type_name.contains("List");
        if !self.is_allowed(name, &text, type_name, is_list, declaration) {
            return Value::faulty();
        }
        if is_list {
            list(&text, line)
        } else {
            Value::known(text)
        }
    }

    /// Holds a value against what the declaration allows.
    fn is_allowed(
        &mut self,
        name: &str,
        given: &str,
        type_name: &str,
        is_list: bool,
        declaration: &'a Node,
    ) -> bool {
        let items: Vec<&str> = if is_list {
            given.split(',').map(str::trim).collect()
        } else {
            vec![given]
        };
        let broken = items
            .into_iter()
            .find_map(|item| Some((item, broken_rule(item, type_name, declaration)?)));
        let Some((item, rule)) = broken else {
            return true;
        };
        let template = self.at.template;
        let says = declaration.get("ConstraintDescription");
        let says = says
            .and_then(Node::as_str)
            .map_or_else(String::new, |says| format!(" ({says})"));
        self.elsewhere(template, &["Parameters", name], |evaluator| {
            let place = evaluator.place(declaration.line);
            let message = format!("`{item}` is not allowed: `{name}` is {rule}{says}");
            let problem = Problem {
                place,
                rule: Rule::Value,
                value: Some(format!("{item:?}")),
                message,
                mend: format!("give another: --param '{name}=VALUE'"),
            };
            evaluator.report(problem);
        });
        false
    }
}

/// The default of a parameter; that of a parameter that is kept in SSM is where it is kept.
fn default<'a>(declaration: &'a Node, type_name: &str) -> Option<&'a Node> {
    let is_kept_elsewhere = type_name.starts_with("AWS::SSM::Parameter::Value");
    declaration.get("Default").filter(|_| !is_kept_elsewhere)
}

/// A scalar as text.
fn plain(node: &Node) -> Option<String> {
    match &node.value {
        Written::Null => Some(String::new()),
        Written::List(_) | Written::Map(_) => None,
        _ => Some(
            node.as_str()
                .map_or_else(|| node.to_string(), str::to_owned),
        ),
    }
}

/// What the declaration wants a value to be that it is not.
fn broken_rule(given: &str, type_name: &str, declaration: &Node) -> Option<String> {
    let texts = |node: &Node| -> Vec<String> {
        let items = node.as_list().unwrap_or_default();
        items.iter().filter_map(plain).collect()
    };
    let number = |name: &str| -> Option<f64> { plain(declaration.get(name)?)?.trim().parse().ok() };
    if let Some(allowed) = declaration.get("AllowedValues").map(texts)
        && !allowed.iter().any(|allowed| allowed == given)
    {
        return Some(format!("one of {}", allowed.join(", ")));
    }
    if let Some(pattern) = declaration.get("AllowedPattern").and_then(Node::as_str)
        // A pattern that only CloudFormation's engine takes is left to it.
        && let Ok(regex) = Regex::new(&format!("^(?:{pattern})$"))
        && !regex.is_match(given)
    {
        return Some(format!("text that `{pattern}` matches"));
    }
    #[expect(clippy::cast_precision_loss, reason = "no text is that long")]
    let length = given.chars().count() as f64;
    let value: Option<f64> = given.trim().parse().ok();
    if type_name.contains("Number") && value.is_none() {
        return Some("a number".to_owned());
    }
    let bounds = [
        ("MinLength", Some(length), false, "characters at least"),
        ("MaxLength", Some(length), true, "characters at most"),
        ("MinValue", value, false, "at least"),
        ("MaxValue", value, true, "at most"),
    ];
    bounds.into_iter().find_map(|(name, value, is_max, words)| {
        let (bound, value) = (number(name)?, value?);
        let holds = if is_max {
            value <= bound
        } else {
            value >= bound
        };
        (!holds).then(|| format!("{bound} {words}"))
    })
}
