use super::{Compared, bound};
use crate::faults::{Met, Report};

fn met(good: u64, bad: u64) -> Met {
    let outcomes = [("200 good", good), ("504 late", bad)];
    let outcomes = outcomes.map(|(word, count)| (word.to_owned(), count));
    Met {
        outcomes: outcomes.into(),
        micros: Vec::new(),
    }
}

fn compared(envoy: Met, ferromesh: Met) -> Compared {
    let of = |met| Report(vec![("half-dead-checks-http".to_owned(), met)]);
    Compared {
        envoy: of(envoy),
        ferromesh: of(ferromesh),
    }
}

#[test]
fn shares_that_chance_may_have_drawn_are_equal() {
    let wide = bound(&met(300, 100), &met(300, 100), "504 late");
    assert!((0.13..0.14).contains(&wide), "{wide}");
    let narrow = bound(&met(30_000, 10_000), &met(30_000, 10_000), "504 late");
    assert!((narrow * 10.0 - wide).abs() < 1e-9, "{narrow} {wide}");
}

#[test]
fn what_differs_by_more_is_told() {
    let said = compared(met(300, 100), met(400, 0)).judge().unwrap_err();
    let said = said.to_string();
    assert!(said.contains("half-dead-checks-http: 504 late: 0.250 with Envoy, 0.000 here"));
}
