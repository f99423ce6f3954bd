//! Many patterns that are held against a value at once.

mod automaton;

use self::automaton::{Automaton, Limits};
use crate::Pattern;

/// Patterns in an order, of which a value is told all that match it.
///
/// They share one automaton, so that a value is read once however many they are; those of a program
/// that would be too large are split over several.
#[derive(Debug)]
pub struct Set {
    parts: Vec<Part>,
}

/// Some of the patterns, next to each other.
#[derive(Debug)]
enum Part {
    /// One, at this position.
    Alone(usize, Pattern),
    /// From this position on.
    Together(usize, Box<Automaton>),
}

impl Set {
    /// Makes the automata now, so that no value waits for them.
    pub fn new(patterns: &[Pattern]) -> Self {
        Self::within(Limits::default(), patterns)
    }

    fn within(limits: Limits, patterns: &[Pattern]) -> Self {
        let mut parts = Vec::new();
        add(&mut parts, limits, 0, patterns);
        Self { parts }
    }

    /// The positions of the patterns that match all of `value`, ascending.
    pub fn matches(&self, value: &[u8]) -> Vec<usize> {
        let mut found = Vec::new();
        for part in &self.parts {
            match part {
                Part::Alone(position, pattern) => {
                    found.extend(pattern.is_match(value).then_some(*position));
                }
                Part::Together(first, automaton) => automaton.matches(value, *first, &mut found),
            }
        }
        found
    }
}

/// Adds the patterns that begin at a position: in one automaton, else in halves.
fn add(parts: &mut Vec<Part>, limits: Limits, first: usize, patterns: &[Pattern]) {
    match patterns {
        [] => {}
        [only] => {
            only.warm();
            parts.push(Part::Alone(first, only.clone()));
        }
        several => {
            if let Some(automaton) = Automaton::new(limits, several) {
                parts.push(Part::Together(first, Box::new(automaton)));
            } else {
                let (one, other) = several.split_at(several.len() / 2);
                add(parts, limits, first, one);
                add(parts, limits, first + one.len(), other);
            }
        }
    }
}

#[cfg(test)]
mod tests;
