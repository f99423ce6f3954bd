use std::fs::{self, File};

use tempfile::TempDir;

use super::{family::Family, *};

const V4: &str = "192.0.2.1";
const V6: &str = "2001:db8::1";

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn found(addresses: &[IpAddr]) -> Found {
    Found {
        addresses: addresses.to_vec(),
        ..Found::default()
    }
}

fn listed_as(contents: &str, name: &str, preference: IpPreference) -> Option<Vec<IpAddr>> {
    let mut hosts = Hosts::default();
    hosts.read_hosts_conf(contents.as_bytes()).unwrap();
    hosts::listed(&hosts, name, preference)
}

const PREFERENCES: [IpPreference; 5] = [
    IpPreference::Unset,
    IpPreference::V4Only,
    IpPreference::V4Preferred,
    IpPreference::V6Only,
    IpPreference::V6Preferred,
];

/// What is settled on where the two families have these answers.
fn settled<E>(
    preference: IpPreference,
    v4: Result<Found, E>,
    v6: Result<Found, E>,
    held: &[IpAddr],
) -> Result<Vec<IpAddr>, E> {
    let (wanted, other) = families(preference);
    let is_in_use = held.iter().any(|address| wanted.has(address));
    let (of_wanted, of_other) = match wanted {
        Family::V4 => (v4, v6),
        Family::V6 => (v6, v4),
    };
    let of_other = other.map(|_| of_other);
    settle(of_wanted, of_other, is_in_use).map(|found| found.addresses)
}

#[test]
fn the_preference_picks_the_family() {
    let (v4, v6, none) = (vec![ip(V4)], vec![ip(V6)], Vec::new());
    for (preference, both, only_v4, only_v6) in [
        (IpPreference::Unset, &v6, &v4, &v6),
        (IpPreference::V6Preferred, &v6, &v4, &v6),
        (IpPreference::V4Preferred, &v4, &v4, &v6),
        (IpPreference::V4Only, &v4, &v4, &none),
        (IpPreference::V6Only, &v6, &none, &v6),
    ] {
        let settled = |v4: &[IpAddr], v6: &[IpAddr]| {
            settled::<()>(preference, Ok(found(v4)), Ok(found(v6)), &[]).unwrap()
        };
        assert_eq!(&settled(&v4, &v6), both, "{preference:?}");
        assert_eq!(&settled(&v4, &[]), only_v4, "{preference:?}");
        assert_eq!(&settled(&[], &v6), only_v6, "{preference:?}");
        assert!(settled(&[], &[]).is_empty(), "{preference:?}");
    }
}

#[test]
fn a_family_in_use_is_not_given_up_while_its_question_fails() {
    let v4 = || Ok(found(&[ip(V4)]));
    let settled = |held: &[IpAddr]| settled(IpPreference::Unset, v4(), Err("timed out"), held);
    assert_eq!(settled(&[ip(V6)]), Err("timed out"));
    assert_eq!(settled(&[ip(V4)]), Ok(vec![ip(V4)]));
    assert_eq!(settled(&[]), Ok(vec![ip(V4)]));
}

#[test]
fn a_failure_is_no_empty_answer() {
    for preference in PREFERENCES {
        let (wanted, other) = families(preference);
        let empty = || Ok(found(&[]));
        let failed = || Err("refused");
        let of_v4 = settled(preference, failed(), empty(), &[]);
        let of_v6 = settled(preference, empty(), failed(), &[]);
        for (family, outcome) in [(Family::V4, of_v4), (Family::V6, of_v6)] {
            let counts = wanted == family || other == Some(family);
            let expected = if counts {
                Err("refused")
            } else {
                Ok(Vec::new())
            };
            assert_eq!(outcome, expected, "{preference:?}");
        }
    }
}

#[tokio::test]
async fn an_address_in_place_of_a_name_is_its_own_answer() {
    let dns = Dns::new(Files::default(), Path::new("/none"), Path::new("/none"));
    for preference in PREFERENCES {
        for literal in [V4, V6] {
            let answer = dns.addresses(literal, preference, &[]).await;
            if (literal, preference) == (V6, IpPreference::V4Only) {
                assert!(matches!(answer, Err(DnsError::NoAddress { .. })));
            } else {
                assert_eq!(answer.unwrap(), Answer::lasting(vec![ip(literal)]));
            }
        }
    }
}

#[test]
fn the_hosts_file_answers_for_the_names_that_it_lists() {
    let hosts = format!("{V4} b.local b\n{V6} b.local\n192.0.2.2 B.Local # again\n");
    let all_v4 = Some(vec![ip(V4), ip("192.0.2.2")]);
    for (preference, expected) in [
        (IpPreference::Unset, Some(vec![ip(V6)])),
        (IpPreference::V4Only, all_v4.clone()),
        (IpPreference::V4Preferred, all_v4),
    ] {
        assert_eq!(
            listed_as(&hosts, "b.local.", preference),
            expected,
            "{preference:?}"
        );
    }
    assert_eq!(listed_as(&hosts, "c.local.", IpPreference::Unset), None);
    let v4_alone = format!("{V4} b.local\n");
    assert_eq!(listed_as(&v4_alone, "b.local.", IpPreference::V6Only), None);
    assert_eq!(
        listed_as(&v4_alone, "b.local.", IpPreference::V6Preferred),
        Some(vec![ip(V4)])
    );
}

#[tokio::test]
async fn files_that_change_are_read_again() {
    let folder = TempDir::new().unwrap();
    let (resolv_conf, hosts) = (
        folder.path().join("resolv.conf"),
        folder.path().join("hosts"),
    );
    let dns = Dns::new(Files::default(), &resolv_conf, &hosts);
    for address in [V4, "192.0.2.2"] {
        // A new inode each time, whatever the clock of the file system can tell apart.
        let new = folder.path().join("new");
        fs::write(&new, format!("{address} b.local\n")).unwrap();
        fs::rename(&new, &hosts).unwrap();
        let answer = dns.addresses("b.local", IpPreference::V4Only, &[]).await;
        assert_eq!(answer.unwrap().addresses, [ip(address)]);
    }
    File::create(&resolv_conf).unwrap();
    // Whether the name is written as an absolute one or not.
    for name in ["b.local", "b.local."] {
        let answer = dns.addresses(name, IpPreference::V4Only, &[]).await;
        assert_eq!(answer.unwrap().addresses, [ip("192.0.2.2")]);
    }
    for domain in ["shop.svc.", "svc."] {
        let new = folder.path().join("new");
        fs::write(&new, format!("nameserver 192.0.2.53\nsearch {domain}\n")).unwrap();
        fs::rename(&new, &resolv_conf).unwrap();
        assert_eq!(dns.current().0.search, [name(domain)]);
    }
}

fn name(text: &str) -> Name {
    Name::from_utf8(text).unwrap()
}

#[test]
fn a_name_is_looked_for_as_resolv_conf_says() {
    let search = [name("shop.svc."), name("svc.")];
    let asked = |text: &str, ndots| -> Vec<String> {
        let candidates = candidates(&name(text), &search, ndots);
        candidates.iter().map(Name::to_utf8).collect()
    };
    assert_eq!(asked("db", 1), ["db.shop.svc.", "db.svc.", "db."]);
    assert_eq!(
        asked("db.shop", 1),
        ["db.shop.", "db.shop.shop.svc.", "db.shop.svc."]
    );
    assert_eq!(
        asked("db.shop", 5),
        ["db.shop.shop.svc.", "db.shop.svc.", "db.shop."]
    );
    assert_eq!(asked("db.", 5), ["db."]);
}

#[test]
fn both_families_count_and_the_one_that_fails_is_kept() {
    let (v4, v6) = (ip(V4), ip(V6));
    let held = [ip("192.0.2.9"), ip("2001:db8::9")];
    let has = |addresses: &[IpAddr]| Ok(found(addresses));
    let unite = |v4, v6| unite::<&str>(v4, v6, &held);
    assert_eq!(unite(has(&[v4]), has(&[v6])), Ok(vec![v4, v6]));
    assert_eq!(unite(has(&[]), has(&[])), Ok(Vec::new()));
    assert_eq!(unite(has(&[v4]), Err("v6")), Ok(vec![v4, held[1]]));
    assert_eq!(unite(Err("v4"), has(&[v6])), Ok(vec![v6, held[0]]));
    assert_eq!(unite(has(&[]), Err("v6")), Err("v6"));
    assert_eq!(unite(Err("v4"), has(&[])), Err("v4"));
    assert_eq!(unite(Err("v4"), Err("v6")), Err("v4"));
}

#[tokio::test]
async fn the_hosts_file_has_all_addresses_of_a_name() {
    let folder = TempDir::new().unwrap();
    let (resolv_conf, hosts) = (
        folder.path().join("resolv.conf"),
        folder.path().join("hosts"),
    );
    fs::write(&hosts, format!("{V4} db db.shop\n{V6} DB\n")).unwrap();
    let dns = Dns::new(Files::default(), &resolv_conf, &hosts);
    assert_eq!(
        dns.all_addresses("db", &[]).await.unwrap(),
        [ip(V4), ip(V6)]
    );
    assert_eq!(dns.all_addresses("db.shop", &[]).await.unwrap(), [ip(V4)]);
}
