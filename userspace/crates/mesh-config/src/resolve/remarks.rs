//! What this proxy does not do, or does otherwise, of what the snapshot says.

use std::collections::BTreeSet;

use crate::problem::{Distance, Finding, Place, Problem, Rule};

/// What was found on the way. Sets, for several routes lead to one node.
#[derive(Debug, Default)]
pub(super) struct Remarks {
    pub(super) refusals: BTreeSet<Problem>,
    pub(super) findings: BTreeSet<Finding>,
}

impl Remarks {
    /// What is asked for cannot be left out without harm: the resource is not run.
    pub(super) fn refuse(&mut self, place: Place, message: String, mend: &str) {
        self.refusals.insert(Problem {
            place,
            rule: Rule::NotYet,
            value: None,
            message,
            mend: mend.to_owned(),
        });
    }

    /// What is asked for is left out.
    pub(super) fn not_yet(&mut self, place: Place, message: String) {
        self.find(place, Distance::NotYet, message);
    }

    /// What is asked for is done otherwise.
    pub(super) fn differs(&mut self, place: Place, message: String) {
        self.find(place, Distance::Differs, message);
    }

    /// What is asked for is done, and may surprise.
    pub(super) fn note(&mut self, place: Place, message: String) {
        self.find(place, Distance::Note, message);
    }

    fn find(&mut self, place: Place, distance: Distance, message: String) {
        self.findings.insert(Finding {
            place,
            distance,
            message,
        });
    }
}
