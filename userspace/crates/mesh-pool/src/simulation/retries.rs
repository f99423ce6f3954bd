//! Retries under a budget or a number, against a list of all requests that is counted anew each time.

use std::collections::BTreeMap;

use mesh_model::snapshot::{CircuitBreakers, RetryBudget};

use super::{Random, SEEDS};
use crate::{Limits, Permit};

/// What a request is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Waiting,
    Sent,
    /// Between two attempts.
    Nowhere,
}

/// A request by what it holds of the limits.
struct Held {
    /// That of a connection, or of waiting for one.
    place: Option<Permit>,
    retry: Option<Permit>,
}

/// What the rule is, as plainly as it can be.
struct Naive {
    breakers: CircuitBreakers,
    /// Each with whether it is a retry.
    requests: Vec<(Phase, bool)>,
}

impl Naive {
    fn retries(&self) -> usize {
        let retries = self.requests.iter().filter(|(_, is_retry)| *is_retry);
        retries.count()
    }

    fn most(&self) -> usize {
        let Some(budget) = self.breakers.retry_budget else {
            return self.breakers.max_retries as usize;
        };
        let active = self.requests.iter();
        let active = active.filter(|(phase, _)| *phase != Phase::Nowhere).count();
        // As many of them as are whole hundreds of percents.
        let part = (0..=active).rfind(|part| part * 100 <= active * budget.budget_percent as usize);
        let least = budget.min_retry_concurrency as usize;
        part.unwrap_or(0).max(least)
    }

    /// A request has failed: whether it is tried again.
    fn fails(&mut self, at: usize) -> bool {
        self.requests[at].1 = false;
        let may = self.retries() < self.most();
        if may {
            self.requests[at] = (Phase::Nowhere, true);
        } else {
            self.requests.swap_remove(at);
        }
        may
    }
}

fn breakers(random: &mut Random) -> CircuitBreakers {
    let percents = [0, 1, 20, 33, 50, 99, 100];
    let budget = RetryBudget {
        budget_percent: percents[random.below(percents.len())],
        min_retry_concurrency: u32::try_from(random.below(4)).unwrap(),
    };
    CircuitBreakers {
        max_retries: random.limit(),
        retry_budget: (random.below(4) > 0).then_some(budget),
        ..CircuitBreakers::default()
    }
}

fn place(limits: &Limits, phase: Phase) -> Option<Permit> {
    let limit = match phase {
        Phase::Waiting => &limits.pending,
        Phase::Sent => &limits.requests,
        Phase::Nowhere => return None,
    };
    Some(limit.take().expect("these are not limited"))
}

#[test]
fn retries_are_as_many_as_the_budget_allows() {
    let mut met = BTreeMap::new();
    for seed in 0..SEEDS {
        let mut random = Random(seed);
        let breakers = breakers(&mut random);
        let limits = Limits::of(breakers);
        let mut naive = Naive {
            breakers,
            requests: Vec::new(),
        };
        let mut held: Vec<Held> = Vec::new();
        for _ in 0..60 {
            let phases = [Phase::Waiting, Phase::Sent];
            let next = phases[random.below(2)];
            let at = random.below(naive.requests.len() + 2);
            let Some((phase, _)) = naive.requests.get(at).copied() else {
                naive.requests.push((next, false));
                held.push(Held {
                    place: place(&limits, next),
                    retry: None,
                });
                continue;
            };
            let ends = random.below(3);
            if phase == Phase::Nowhere || (phase == Phase::Waiting && ends == 0) {
                let next = if phase == Phase::Waiting {
                    Phase::Sent
                } else {
                    next
                };
                naive.requests[at].0 = next;
                held[at].place = place(&limits, next);
            } else if ends == 1 {
                naive.requests.swap_remove(at);
                held.swap_remove(at);
            } else {
                held[at].retry = None;
                held[at].retry = limits.retries.take();
                let may = held[at].retry.is_some();
                assert_eq!(naive.fails(at), may, "seed {seed}");
                if may {
                    held[at].place = None;
                } else {
                    held.swap_remove(at);
                }
                let kind = (breakers.retry_budget.is_some(), may);
                *met.entry(kind).or_insert(0) += 1;
            }
            let is_open = naive.retries() >= naive.most();
            assert_eq!(limits.retries.is_open(), is_open, "seed {seed}");
        }
    }
    // A simulation in which something never happens says nothing of it.
    assert!(
        met.len() == 4 && met.values().all(|count| *count > 1000),
        "{met:?}"
    );
}
