//! The functions that make values of values: Join, Split, Select, If, `FindInMap` and their like.

use base64::{Engine, prelude::BASE64_STANDARD};
use smol_str::SmolStr;

use super::{
    condition::Truth,
    evaluator::{Evaluator, shown},
    value::{Evaluated, Text, Value},
};
use crate::{
    problem::path::Step,
    tree::{self, Node},
};

/// How many names of a mapping are looked through for the cost of one value.
const NAMES: usize = 64;

/// Functions that give a value.
const FUNCTIONS: [&str; 16] = [
    "Ref",
    "Fn::Base64",
    "Fn::Cidr",
    "Fn::FindInMap",
    "Fn::GetAZs",
    "Fn::GetAtt",
    "Fn::If",
    "Fn::ImportValue",
    "Fn::Join",
    "Fn::Length",
    "Fn::Select",
    "Fn::Split",
    "Fn::Sub",
    "Fn::ToJsonString",
    "Fn::Transform",
    "Condition",
];

impl<'a> Evaluator<'a> {
    /// The value of a function.
    pub(super) fn call(&mut self, name: &'a str, argument: &'a Node) -> Value {
        self.member(name, |evaluator| match name {
            "Ref" => evaluator.reference(argument),
            "Fn::Base64" => evaluator.base64(argument),
            "Fn::Cidr" => evaluator.by_its_text("Cidr", argument),
            "Fn::FindInMap" => evaluator.find_in_map(argument),
            "Fn::GetAZs" => evaluator.by_its_text("GetAZs", argument),
            "Fn::GetAtt" => evaluator.get_att(argument),
            "Fn::If" => evaluator.if_(argument),
            "Fn::ImportValue" => evaluator.import(argument),
            "Fn::Join" => evaluator.join(argument),
            "Fn::Length" => evaluator.length(argument),
            "Fn::Select" => evaluator.select(argument),
            "Fn::Split" => evaluator.split(argument),
            "Fn::Sub" => evaluator.substitute(argument),
            "Fn::ToJsonString" => evaluator.json(argument),
            "Fn::Transform" => evaluator.fault(argument.line, super::INSERTED, super::PROCESSED),
            "Fn::And" | "Fn::Or" | "Fn::Not" | "Fn::Equals" => evaluator.fault(
                argument.line,
                format!("`{name}` is for conditions, and gives no value"),
                "make a condition of it, and use it with `Fn::If`",
            ),
            _ => {
                let otherwise = "see the list of CloudFormation's functions";
                let hint = evaluator.hint(name, FUNCTIONS, otherwise);
                evaluator.fault(
                    argument.line,
                    format!("CloudFormation has no function `{name}`"),
                    hint,
                )
            }
        })
    }

    /// The arguments of a function that takes a list of them.
    pub(super) fn arguments(&mut self, argument: &'a Node, form: &str) -> Option<&'a [Node]> {
        let items = argument.as_list();
        if items.is_none() {
            self.misshapen(argument.line, form);
        }
        items
    }

    /// Reports that a function's argument is not as it takes them.
    pub(super) fn misshapen(&mut self, line: u32, form: &str) -> Value {
        self.fault(
            line,
            "the function does not take such an argument",
            format!("write it as {form}"),
        )
    }

    fn item_text(&mut self, index: usize, node: &'a Node) -> Option<Text> {
        self.step(Step::Item(index), |evaluator| evaluator.text(node))
    }

    /// A list, or the text that stands for one that is open.
    fn list(&mut self, index: usize, node: &'a Node) -> Option<Result<Vec<Evaluated>, Text>> {
        self.step(Step::Item(index), |evaluator| {
            let value = evaluator.value(node).value;
            match value {
                Value::List(items) => Some(Ok(items)),
                Value::Text(text) if text.is_open() => Some(Err(text.into_unsettled())),
                other => {
                    let message = format!("{} is not allowed: it is a list here", shown(&other));
                    evaluator.fault(
                        node.line,
                        message,
                        "write a list, or a function that gives one",
                    );
                    None
                }
            }
        })
    }

    fn join(&mut self, argument: &'a Node) -> Value {
        const FORM: &str = "[ DELIMITER, [ VALUE, … ] ]";
        let Some([delimiter, list]) = self.arguments(argument, FORM) else {
            return self.misshapen(argument.line, FORM);
        };
        let delimiter = self.item_text(0, delimiter);
        let list = self.list(1, list);
        let (Some(delimiter), Some(list)) = (delimiter, list) else {
            return Value::faulty();
        };
        let items = match list {
            Ok(items) => items,
            Err(open) => return Value::Text(open),
        };
        let mut joined = Text::default();
        for (index, item) in items.iter().enumerate() {
            let Some(text) = item.value.as_text() else {
                let message = format!("{} cannot be joined: it is no text", shown(&item.value));
                return self.fault(item.line, message, "join texts only");
            };
            if index > 0 {
                joined.push(delimiter.clone());
            }
            joined.push(text);
        }
        Value::Text(joined)
    }

    fn split(&mut self, argument: &'a Node) -> Value {
        const FORM: &str = "[ DELIMITER, TEXT ]";
        let Some([delimiter, whole]) = self.arguments(argument, FORM) else {
            return self.misshapen(argument.line, FORM);
        };
        let line = whole.line;
        let delimiter = self.item_text(0, delimiter);
        let whole = self.item_text(1, whole);
        let (Some(delimiter), Some(mut whole)) = (delimiter, whole) else {
            return Value::faulty();
        };
        let (Some(by), Some(text)) = (delimiter.as_known(), whole.as_known()) else {
            whole.push(delimiter);
            return Value::Text(whole.into_unsettled());
        };
        if by.is_empty() {
            return self.fault(argument.line, "the delimiter is empty", "write one");
        }
        let pieces = text.split(by).map(|piece| Value::known(piece).at(line));
        Value::List(pieces.collect())
    }

    fn select(&mut self, argument: &'a Node) -> Value {
        const FORM: &str = "[ INDEX, [ VALUE, … ] ]";
        let Some([index, list]) = self.arguments(argument, FORM) else {
            return self.misshapen(argument.line, FORM);
        };
        let index_text = self.item_text(0, index);
        let list = self.list(1, list);
        let (Some(index_text), Some(list)) = (index_text, list) else {
            return Value::faulty();
        };
        let Some(known) = index_text.as_known() else {
            return Value::Text(index_text.into_unsettled());
        };
        let mut items = match list {
            Ok(items) => items,
            Err(open) => return Value::Text(open),
        };
        match known.trim().parse::<usize>() {
            Ok(place) if place < items.len() => items.swap_remove(place).value,
            _ => {
                let message = format!(
                    "`{known}` is not allowed: the index is a whole number below {}",
                    items.len()
                );
                self.fault(index.line, message, "the first item has index 0")
            }
        }
    }

    fn if_(&mut self, argument: &'a Node) -> Value {
        const FORM: &str = "[ CONDITION, VALUE, OTHER ]";
        let Some([condition, then, other]) = self.arguments(argument, FORM) else {
            return self.misshapen(argument.line, FORM);
        };
        let Some(name) = condition.as_str() else {
            return self.misshapen(condition.line, FORM);
        };
        let (index, chosen) = match self.condition(name, condition.line) {
            Truth::Known(true) => (1, then),
            Truth::Known(false) => (2, other),
            Truth::Open(open) => return Value::Text(open),
        };
        self.step(Step::Item(index), |evaluator| evaluator.value(chosen).value)
    }

    fn find_in_map(&mut self, argument: &'a Node) -> Value {
        const FORM: &str = "[ MAP, KEY, SECOND-KEY ]";
        let Some(arguments) = self.arguments(argument, FORM) else {
            return Value::faulty();
        };
        let ([map, first, second], more) = match arguments {
            [map, first, second] => ([map, first, second], None),
            [map, first, second, more] => ([map, first, second], Some(more)),
            _ => return self.misshapen(argument.line, FORM),
        };
        let mut keys: Vec<Text> = Vec::new();
        for (index, node) in [map, first, second].into_iter().enumerate() {
            match self.item_text(index, node) {
                Some(text) => keys.push(text),
                None => return Value::faulty(),
            }
        }
        if let Some(open) = keys.iter().find(|key| key.is_open()) {
            return Value::Text(open.clone().into_unsettled());
        }
        let default = more.and_then(|more| more.get("DefaultValue"));
        let mut found = self.template().origin.tree.get("Mappings");
        for (index, key) in keys.iter().enumerate() {
            let key = key.as_known().unwrap_or_default();
            let outer = found.and_then(Node::as_map);
            found = outer.and_then(|outer| outer.get(key));
            self.pay(outer.map_or(0, |outer| outer.len() / NAMES), argument.line);
            if found.is_some() {
                continue;
            }
            if let Some(default) = default {
                return self.step(Step::Item(3), |evaluator| evaluator.value(default).value);
            }
            let known = outer.into_iter().flatten().map(|member| &member.name[..]);
            let hint = self.hint(key, known, "add it to `Mappings`");
            let what = if index == 0 { "mapping" } else { "key" };
            let message = format!("`Mappings` has no {what} `{key}` here");
            return self.fault(arguments[index].line, message, hint);
        }
        found.map_or_else(Value::faulty, |found| self.value(found).value)
    }

    fn base64(&mut self, argument: &'a Node) -> Value {
        let Some(text) = self.text(argument) else {
            return Value::faulty();
        };
        match text.as_known() {
            Some(text) => Value::known(BASE64_STANDARD.encode(text)),
            None => Value::Text(text.into_unsettled()),
        }
    }

    fn length(&mut self, argument: &'a Node) -> Value {
        match self.value(argument).value {
            Value::List(items) => Value::Bare(items.len().to_string().into()),
            Value::Text(text) if text.is_open() => Value::Text(text.into_unsettled()),
            _ => self.misshapen(argument.line, "a list, or a function that gives one"),
        }
    }

    fn json(&mut self, argument: &'a Node) -> Value {
        let value = self.value(argument).value;
        match value.unsettled() {
            Some(open) => Value::Text(open),
            None => Value::known(value.to_string()),
        }
    }

    /// What only AWS knows: it is given by the function's text, `GetAZs eu-west-1`.
    fn by_its_text(&mut self, function: &str, argument: &'a Node) -> Value {
        let Some((expression, inner)) = self.call_text(function, argument) else {
            return Value::faulty();
        };
        let given = self.given_nested(&expression, |evaluator| {
            let (listed, _) = evaluator.call_text(function, argument)?;
            Some(listed)
        });
        match given {
            Some(list) => super::parameter::list(list, argument.line),
            None => Value::Text(Text::open(expression, inner)),
        }
    }

    /// A call as text, and what is open in it.
    fn call_text(&mut self, function: &str, argument: &'a Node) -> Option<(String, Vec<SmolStr>)> {
        let items = match &argument.value {
            tree::Value::List(items) => items.as_slice(),
            _ => std::slice::from_ref(argument),
        };
        let mut expression = function.to_owned();
        let mut inner = Vec::new();
        for item in items {
            let text = self.text(item)?;
            if text.len() > 0 {
                expression.push(' ');
                expression.push_str(&text.to_string());
            }
            inner.extend(text.expressions().cloned());
        }
        Some((expression, inner))
    }
}
