use mesh_model::snapshot::CircuitBreakers;

use super::*;

fn queue(max_connections: u32, max_pending_requests: u32) -> Queue<&'static str> {
    Queue::new(Limits::of(CircuitBreakers {
        max_connections,
        max_pending_requests,
        ..CircuitBreakers::default()
    }))
}

#[test]
fn who_waits_longest_is_first_and_who_left_is_nobody() {
    let mut queue = queue(CircuitBreakers::OFF, CircuitBreakers::OFF);
    let tickets: Vec<_> = ["a", "b", "c"].map(|name| queue.join(name)).into();
    assert_eq!(queue.leave(tickets[1].unwrap()), Some("b"));
    assert_eq!(queue.leave(tickets[1].unwrap()), None);
    assert_eq!(
        (queue.pop(), queue.pop(), queue.pop()),
        (Some("a"), Some("c"), None)
    );
}

#[test]
fn as_many_wait_as_may() {
    let mut queue = queue(CircuitBreakers::OFF, 1);
    let first = queue.join("a").unwrap();
    assert!(queue.join("b").is_none());
    queue.leave(first);
    assert!(queue.join("b").is_some());
}

#[test]
fn no_connection_is_made_for_whom_one_is_on_its_way() {
    let mut queue = queue(CircuitBreakers::OFF, CircuitBreakers::OFF);
    for name in ["a", "b"] {
        queue.join(name);
        assert!(matches!(queue.connect(1), Connect::Begin(_)));
        assert!(matches!(queue.connect(1), Connect::Needless));
    }
    queue.join("c");
    assert!(matches!(queue.connect(100), Connect::Begin(_)));
    queue.join("d");
    assert!(matches!(queue.connect(100), Connect::Needless));
}

#[test]
fn a_host_without_a_connection_gets_one_above_the_limit() {
    let limits = Limits::of(CircuitBreakers {
        max_connections: 1,
        ..CircuitBreakers::default()
    });
    let (mut one, mut other) = (Queue::new(limits.clone()), Queue::new(limits));
    for queue in [&mut one, &mut other] {
        queue.join("a");
        queue.join("b");
    }
    let Connect::Begin(_first) = one.connect(1) else {
        panic!("there is room for one");
    };
    assert!(matches!(one.connect(1), Connect::Refused));
    let Connect::BeginAbove(_second) = other.connect(1) else {
        panic!("nobody would serve it");
    };
    assert!(matches!(other.connect(1), Connect::Refused));
}

#[test]
fn the_first_connection_may_come_before_the_requests() {
    let mut free = queue(CircuitBreakers::OFF, CircuitBreakers::OFF);
    let ahead = free.connect_ahead(1).unwrap();
    assert!(free.connect_ahead(1).is_none(), "one is enough");
    free.join("a");
    assert!(matches!(free.connect(1), Connect::Needless));
    free.join("b");
    assert!(matches!(free.connect(1), Connect::Begin(_)));
    free.arrived(1);
    drop(ahead);
    free.closed();
    assert!(free.connect_ahead(1).is_none(), "there is another one");
}

#[test]
fn a_limited_connection_is_not_made_ahead() {
    assert!(queue(5, CircuitBreakers::OFF).connect_ahead(1).is_none());
}
