//! The edge cases of redirection: fifty situations in which others have failed, each with the tests
//! that put it before the real kernel. `cargo xtask test edge` runs and lists them.

mod lifecycle;
mod sockets;
mod traffic;

use self::{lifecycle::LIFECYCLE, sockets::SOCKETS, traffic::TRAFFIC};

/// One situation and what stands for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EdgeCase {
    /// 1 to 50, as people refer to it.
    pub number: u8,
    /// What it is about.
    pub title: &'static str,
    /// The tests, each as `BINARY::PATH`: all have to pass.
    pub tests: &'static [&'static str],
    /// Why there is no test, or none for a part of it.
    pub without: Option<&'static str>,
}

/// The cases of which a part or all may be a sentence.
pub const MAY_BE_A_SENTENCE: [u8; 9] = [13, 22, 23, 24, 28, 29, 41, 47, 48];

/// All of them, in order.
pub fn cases() -> Vec<EdgeCase> {
    [SOCKETS, LIFECYCLE, TRAFFIC].concat()
}

const fn case(number: u8, title: &'static str, tests: &'static [&'static str]) -> EdgeCase {
    EdgeCase {
        number,
        title,
        tests,
        without: None,
    }
}

impl EdgeCase {
    const fn without(mut self, reason: &'static str) -> Self {
        self.without = Some(reason);
        self
    }

    /// The name by which a test program knows a test: without the program's own name.
    pub fn name_in_program(test: &str) -> &str {
        test.split_once("::").map_or(test, |(_, name)| name)
    }
}

#[cfg(test)]
mod tests;
