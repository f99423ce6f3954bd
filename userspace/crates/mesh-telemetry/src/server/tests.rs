use super::*;

#[test]
fn the_guides_health_check_finds_the_state() {
    let registry = Registry::new("mesh/apps/virtualNode/serviceA", 2);
    let state_lines = |registry: &Registry| -> Vec<String> {
        info(registry, "1")
            .lines()
            .filter(|line| line.contains("state"))
            .map(str::to_owned)
            .collect()
    };
    assert!(!state_lines(&registry).iter().any(|l| l.contains("LIVE")));
    registry.set_state(ServerState::Live);
    assert!(state_lines(&registry).iter().any(|l| l.contains("LIVE")));
    registry.set_state(ServerState::Draining);
    assert!(!state_lines(&registry).iter().any(|l| l.contains("LIVE")));
}

#[test]
fn states_survive_their_numbers() {
    for state in [
        ServerState::Live,
        ServerState::Draining,
        ServerState::Initializing,
    ] {
        assert_eq!(ServerState::from_u8(state as u8), state);
    }
}
