use proptest::prelude::*;

use super::*;

fn ip(last: u8) -> IpAddr {
    [192, 0, 2, last].into()
}

/// Answers for names, one after the other: seconds since the last, whose, and with what.
type History = Vec<(u64, usize, Vec<u8>)>;

fn histories(names: usize) -> impl Strategy<Value = History> {
    let answer = (0_u64..40, 0..names, prop::collection::vec(0_u8..6, 0..4));
    prop::collection::vec(answer, 0..30)
}

struct Played {
    names: Vec<NameAddresses>,
    now: Instant,
}

fn play(names: usize, history: &History) -> Played {
    let mut played = Played {
        names: vec![NameAddresses::default(); names],
        now: Instant::now(),
    };
    for (seconds, name, addresses) in history {
        played.now += Duration::from_secs(*seconds);
        let addresses: Vec<IpAddr> = addresses.iter().map(|last| ip(*last)).collect();
        let answered = played.names[*name].answered(&addresses, played.now);
        played.names[*name] = answered;
    }
    played
}

/// The same question, by going through all that ever happened.
fn by_history(names: usize, history: &History, dialled: u8) -> Option<usize> {
    let end: u64 = history.iter().map(|(seconds, ..)| seconds).sum();
    let mut claims = Vec::new();
    for name in 0..names {
        let mut now = 0;
        // Since when it has not had the address, having had it before.
        let (mut has, mut lost) = (false, None);
        for (seconds, whose, addresses) in history {
            now += seconds;
            if *whose != name {
                continue;
            }
            let had = std::mem::replace(&mut has, addresses.contains(&dialled));
            if has {
                lost = None;
            } else if had {
                lost = Some(now);
            }
        }
        if has {
            return Some(name);
        }
        if let Some(lost) = lost.filter(|lost| end - lost < KEPT.as_secs()) {
            claims.push((std::cmp::Reverse(lost), name));
        }
    }
    claims.into_iter().min().map(|(_, name)| name)
}

proptest! {
    #[test]
    fn an_address_means_what_all_answers_say(history in histories(4), dialled in 0_u8..6) {
        let played = play(4, &history);
        prop_assert_eq!(
            service_of(&played.names, ip(dialled), played.now),
            by_history(4, &history, dialled)
        );
    }

    #[test]
    fn the_first_of_those_that_share_an_address_has_it(history in histories(4)) {
        let played = play(4, &history);
        let shared = shared(&played.names);
        for last in 0..6 {
            let holders: Vec<usize> = (0..4)
                .filter(|name| played.names[*name].current().contains(&ip(last)))
                .collect();
            prop_assert_eq!(shared.get(&ip(last)), (holders.len() > 1).then_some(&holders));
            if let Some(first) = holders.first() {
                prop_assert_eq!(service_of(&played.names, ip(last), played.now), Some(*first));
            }
        }
    }

    #[test]
    fn nothing_is_kept_for_ever(history in histories(3), later in 0_u64..200) {
        let played = play(3, &history);
        let now = played.now + Duration::from_secs(later);
        for name in &played.names {
            let answered = name.answered(&[], now).answered(&[], now + KEPT);
            prop_assert_eq!(answered, NameAddresses::default());
        }
    }
}

#[test]
fn a_mapped_address_is_the_address_that_it_maps() {
    let now = Instant::now();
    let mapped: IpAddr = "::ffff:192.0.2.1".parse().unwrap();
    let v4 = NameAddresses::default().answered(&[ip(1)], now);
    let v6 = NameAddresses::default().answered(&[mapped], now);
    assert_eq!(v4, v6);
    assert_eq!(service_of([&v4], mapped, now), Some(0));
    assert_eq!(service_of([&v6], ip(1), now), Some(0));
}

#[test]
fn who_has_an_address_now_goes_before_who_had_it() {
    let now = Instant::now();
    let moved = NameAddresses::default()
        .answered(&[ip(1)], now)
        .answered(&[ip(2)], now);
    let new = NameAddresses::default().answered(&[ip(1)], now);
    assert_eq!(service_of([&moved, &new], ip(1), now), Some(1));
    assert_eq!(service_of([&moved], ip(1), now), Some(0));
    assert_eq!(service_of([&moved], ip(1), now + KEPT), None);
}
