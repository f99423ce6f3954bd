//! What is wrong in a template: once, at its place.

use std::collections::hash_map::Entry;

use super::{super::value::Value, Evaluator};
use crate::problem::{Place, Problem, Rule, suggest};

impl Evaluator<'_> {
    /// The place of the walk.
    pub(in super::super) fn place(&self, line: u32) -> Place {
        let place = self
            .template()
            .origin
            .place(self.at.document.as_deref(), &self.at.path);
        Place {
            line: (line > 0).then_some(line as usize).or(place.line),
            ..place
        }
    }

    /// Reports a fault here, and gives what stands for the value.
    pub(in super::super) fn fault(
        &mut self,
        line: u32,
        message: impl Into<String>,
        mend: impl Into<String>,
    ) -> Value {
        self.report(Problem {
            place: self.place(line),
            rule: Rule::Value,
            value: None,
            message: message.into(),
            mend: mend.into(),
        });
        Value::faulty()
    }

    /// Reports a problem once, whatever needs the value that has it.
    pub(in super::super) fn report(&mut self, problem: Problem) {
        if self.silent {
            return;
        }
        let place = Place {
            document: None,
            ..problem.place.clone()
        };
        match self.reported.entry((place, problem.message.clone())) {
            Entry::Vacant(new) => {
                new.insert(self.findings.problems.len());
                self.findings.problems.push(problem);
            }
            // What refers to a resource may come first; the resource itself says what it is.
            Entry::Occupied(known) => {
                let known = &mut self.findings.problems[*known.get()].place.document;
                *known = known.take().or(problem.place.document);
            }
        }
    }

    /// The name that was meant by one that is not there, or else what to do.
    pub(in super::super) fn hint<'n>(
        &mut self,
        given: &str,
        known: impl IntoIterator<Item = &'n str>,
        otherwise: impl Into<String>,
    ) -> String {
        let known: Vec<&str> = known.into_iter().collect();
        self.cost += known.len();
        suggest::closest(given, known).map_or_else(
            || otherwise.into(),
            |meant| format!("did you mean `{meant}`?"),
        )
    }
}

/// A value as a message shows it.
pub(in super::super) fn shown(value: &Value) -> String {
    const SHOWN: usize = 60;
    let text = value.to_string();
    if text.chars().count() <= SHOWN {
        return text;
    }
    let beginning: String = text.chars().take(SHOWN).collect();
    format!("{beginning}…")
}
