use std::time::Duration;

use super::*;

#[tokio::test(start_paused = true)]
async fn each_phase_accepts_ends_and_is_over_as_it_says() {
    let now = Instant::now();
    let later = now + Duration::from_secs(1);
    for (phase, accepts, ends, is_over) in [
        (Phase::Serving, true, [false, false], false),
        (Phase::DrainingIngress, true, [false, true], false),
        (Phase::Leaving(later), true, [true, true], false),
        // The drain that follows cuts, not this.
        (Phase::Leaving(now), true, [true, true], false),
        (Phase::Draining(later), false, [true, true], false),
        (Phase::Draining(now), false, [true, true], true),
        (Phase::Stopped, false, [true, true], true),
    ] {
        let told = [Direction::Egress, Direction::Ingress].map(|direction| phase.ends(direction));
        assert_eq!(
            (phase.accepts(), told, phase.is_over()),
            (accepts, ends, is_over),
            "{phase:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_drain_that_follows_a_leave_has_what_that_has_left_of_its_time() {
    let said = Instant::now();
    let until = said + Duration::from_secs(1);
    for (phase, drains) in [
        (Phase::Serving, Phase::Draining(until)),
        (Phase::DrainingIngress, Phase::Draining(until)),
        (Phase::Leaving(said), Phase::Draining(said)),
    ] {
        assert_eq!(phase.then_drains(until), drains, "{phase:?}");
    }
}
