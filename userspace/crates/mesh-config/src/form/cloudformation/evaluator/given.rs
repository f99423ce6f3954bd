//! Values that are given from outside, and what is open without one.

use smol_str::SmolStr;

use super::{
    super::value::{Text, Value},
    Evaluator,
};
use crate::{document::finding::Open, problem::Place};

impl<'a> Evaluator<'a> {
    /// The value given from outside for an expression.
    pub(in super::super) fn given(&mut self, expression: &str) -> Option<&'a str> {
        if self.without_given {
            return None;
        }
        let (name, value) = self.inputs.parameters.get_key_value(expression)?;
        self.used.insert(name.clone());
        Some(value)
    }

    /// The value given for an expression that has others in it, with their values in it or as it
    /// is listed while they are open.
    pub(in super::super) fn given_nested(
        &mut self,
        expression: &str,
        listed: impl FnOnce(&mut Self) -> Option<String>,
    ) -> Option<&'a str> {
        if let Some(given) = self.given(expression) {
            return Some(given);
        }
        let mut given = self.inputs.parameters.keys();
        if !given.any(|given| given.contains("${")) {
            return None;
        }
        let cost = self.cost;
        let before = std::mem::replace(&mut self.without_given, true);
        let listed = self.silently(listed);
        self.without_given = before;
        self.cost = cost;
        self.given(&listed?)
    }

    /// What is given for an expression, else the expression itself.
    pub(in super::super) fn settable(&mut self, expression: &str, inner: Vec<SmolStr>) -> Value {
        match self.given(expression) {
            Some(given) => Value::known(given),
            None => Value::Text(Text::open(expression, inner)),
        }
    }

    /// Notes what is open in a text, and how it is given.
    pub(in super::super) fn note_open(&mut self, place: &Place, text: &Text) {
        let open = text.expressions().map(|expression| Open {
            place: place.clone(),
            mend: format!("--param '{expression}=VALUE'"),
            expression: expression.to_string(),
        });
        self.findings.open.extend(open);
    }
}
