//! One automaton of several patterns, of bounded memory.

use std::{
    fmt,
    panic::{RefUnwindSafe, UnwindSafe},
};

use regex_automata::{
    Anchored, Input, MatchError, MatchKind, PatternSet,
    hybrid::dfa::{Cache, DFA, OverlappingState},
    nfa::thompson::{self, NFA, WhichCaptures, pikevm::PikeVM},
    util::{pool::Pool, syntax},
};

use crate::{Pattern, pattern::NEST_LIMIT};

/// What an automaton may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// The program of all patterns, in bytes.
    pub(super) program: usize,
    /// The states that values led to, in bytes for each thread; when they are full, they are
    /// forgotten.
    pub(super) states: usize,
    /// How often they are forgotten before it counts how few bytes of values they served.
    pub(super) patience: usize,
}

impl Default for Limits {
    /// Room for some ten thousand patterns of a path and for the states of two thousand of them that
    /// are in use.
    fn default() -> Self {
        Self {
            program: 32 << 20,
            states: 16 << 20,
            patience: 4,
        }
    }
}

/// A state that served fewer bytes was not worth making.
const BYTES_PER_STATE: usize = 10;

type Caches = Pool<Cache, Box<dyn Fn() -> Cache + Send + Sync + UnwindSafe + RefUnwindSafe>>;

/// Several patterns as one automaton, whose states are made as values lead to them.
pub(super) struct Automaton {
    dfa: DFA,
    caches: Caches,
    /// Goes through the program itself, without states to keep. It is for values that lead to ever
    /// new states, as those of an attacker may.
    without_states: PikeVM,
}

impl Automaton {
    /// None where the patterns' program is over the limit.
    pub(super) fn new(limits: Limits, patterns: &[Pattern]) -> Option<Self> {
        let translated: Vec<&str> = patterns.iter().map(Pattern::translated).collect();
        let nfa = compile(limits, &translated)?;
        let config = DFA::config()
            .match_kind(MatchKind::All)
            .cache_capacity(limits.states)
            .skip_cache_capacity_check(true)
            .minimum_cache_clear_count(Some(limits.patience))
            .minimum_bytes_per_state(Some(BYTES_PER_STATE));
        let dfa = DFA::builder()
            .configure(config)
            .build_from_nfa(nfa.clone())
            .ok()?;
        let every = PikeVM::config().match_kind(MatchKind::All);
        let without_states = PikeVM::builder()
            .configure(every)
            .build_from_nfa(nfa)
            .ok()?;
        let of = dfa.clone();
        Some(Self {
            dfa,
            caches: Pool::new(Box::new(move || of.create_cache())),
            without_states,
        })
    }

    /// Adds `first` and the position of each pattern that matches all of `value`, ascending.
    pub(super) fn matches(&self, value: &[u8], first: usize, found: &mut Vec<usize>) {
        let input = Input::new(value).anchored(Anchored::Yes);
        let before = found.len();
        let through = self.by_states(&input, |position| found.push(first + position));
        if through.is_ok() {
            found[before..].sort_unstable();
            return;
        }
        found.truncate(before);
        let mut matched = PatternSet::new(self.without_states.pattern_len());
        let mut cache = self.without_states.create_cache();
        self.without_states
            .which_overlapping_matches(&mut cache, &input, &mut matched);
        found.extend(matched.iter().map(|position| first + position.as_usize()));
    }

    /// An error: the value leads to too many states.
    fn by_states(
        &self,
        input: &Input<'_>,
        mut matched: impl FnMut(usize),
    ) -> Result<(), MatchError> {
        let mut cache = self.caches.get();
        let mut at = OverlappingState::start();
        loop {
            self.dfa
                .try_search_overlapping_fwd(&mut cache, input, &mut at)?;
            match at.get_match() {
                Some(one) => matched(one.pattern().as_usize()),
                None => return Ok(()),
            }
        }
    }
}

fn compile(limits: Limits, translated: &[&str]) -> Option<NFA> {
    let config = thompson::Config::new()
        .utf8(false)
        .nfa_size_limit(Some(limits.program))
        .which_captures(WhichCaptures::None);
    thompson::Compiler::new()
        .configure(config)
        .syntax(syntax::Config::new().utf8(false).nest_limit(NEST_LIMIT))
        .build_many(translated)
        .ok()
}

impl fmt::Debug for Automaton {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Automaton")
            .field("patterns", &self.dfa.pattern_len())
            .finish_non_exhaustive()
    }
}
