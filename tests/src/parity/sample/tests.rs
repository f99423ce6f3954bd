use super::{super::cases, *};

#[test]
fn a_sample_is_of_every_bullet() {
    let sample = of(cases::all(), 200);
    assert!((100..=250).contains(&sample.len()), "{}", sample.len());
    for bullet in Bullet::ALL {
        assert!(sample.iter().any(|case| case.bullet == bullet), "{bullet}");
    }
}
