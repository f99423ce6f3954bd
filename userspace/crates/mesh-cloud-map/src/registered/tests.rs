use std::collections::HashMap;

use proptest::prelude::*;

use super::*;

fn owned(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    let owned = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
    pairs.iter().map(owned).collect()
}

fn registered(health: Health, pairs: &[(&str, &str)]) -> Registered {
    Registered {
        health,
        attributes: owned(pairs).into_iter().collect(),
    }
}

fn only(pairs: &[(&str, &str)]) -> Option<Instance> {
    let found = usable(
        &[registered(Health::Healthy, pairs)],
        &Attributes::default(),
    );
    found.into_iter().next()
}

#[test]
fn an_instance_is_where_its_attributes_say() {
    let all = [
        ("AWS_INSTANCE_IPV4", "192.0.2.1"),
        ("AWS_INSTANCE_IPV6", "2001:db8::1"),
        ("AWS_INSTANCE_PORT", "8080"),
        ("AVAILABILITY_ZONE", "eu-west-1a"),
        ("app", "payments"),
    ];
    let expected = Instance {
        ipv4: Some([192, 0, 2, 1].into()),
        ipv6: Some("2001:db8::1".parse().unwrap()),
        port: Some(8080),
        zone: Some("eu-west-1a".to_owned()),
        ..Instance::default()
    };
    assert_eq!(only(&all), Some(expected));
    let address = ("AWS_INSTANCE_IPV4", "192.0.2.1");
    assert_eq!(only(&[address]).unwrap().port, None);
    let blanks = only(&[
        ("AWS_INSTANCE_IPV4", " 192.0.2.1"),
        ("AWS_INSTANCE_IPV6", "2001:db8::1 "),
        ("AWS_INSTANCE_PORT", " 8080 "),
        ("AVAILABILITY_ZONE", "eu-west-1a"),
    ]);
    assert_eq!(blanks, only(&all), "somebody wrote them by hand");
}

#[test]
fn another_order_of_an_answer_is_no_other_answer() {
    let one = |address| registered(Health::Healthy, &[("AWS_INSTANCE_IPV4", address)]);
    let addresses = ["192.0.2.3", "192.0.2.1", "192.0.2.2"];
    let mut answer = addresses.map(one).to_vec();
    let first = usable(&answer, &Attributes::default());
    answer.reverse();
    assert_eq!(usable(&answer, &Attributes::default()), first);
}

#[test]
fn one_without_an_address_or_with_a_port_that_is_none_is_left_out() {
    let address = ("AWS_INSTANCE_IPV4", "192.0.2.1");
    for pairs in [
        vec![],
        vec![("AWS_INSTANCE_CNAME", "b.example.com")],
        vec![("AWS_INSTANCE_IPV4", "here")],
        vec![address, ("AWS_INSTANCE_PORT", "0")],
        vec![address, ("AWS_INSTANCE_PORT", "http")],
        vec![address, ("AWS_INSTANCE_PORT", "65536")],
    ] {
        assert_eq!(only(&pairs), None, "{pairs:?}");
    }
}

#[test]
fn the_unhealthy_are_left_out_and_the_unchecked_are_not() {
    let with = |health| registered(health, &[("AWS_INSTANCE_IPV4", "192.0.2.1")]);
    let count = |health| usable(&[with(health)], &Attributes::default()).len();
    assert_eq!(
        [Health::Healthy, Health::Unchecked, Health::Unhealthy].map(count),
        [1, 1, 0]
    );
    let is_checked = |health| may_be_checked(&[with(Health::Unchecked), with(health)]);
    assert_eq!(
        [Health::Healthy, Health::Unhealthy, Health::Unchecked].map(is_checked),
        [true, true, false]
    );
    assert!(may_be_checked(&[]));
}

#[test]
fn the_order_of_attributes_makes_no_other_question() {
    let one = Attributes::new(owned(&[("b", "2"), ("a", "1"), ("b", "2")]));
    assert_eq!(one, Attributes::new(owned(&[("a", "1"), ("b", "2")])));
    assert_ne!(one, Attributes::new(owned(&[("a", "2"), ("b", "2")])));
}

proptest! {
    #[test]
    fn an_instance_is_used_just_if_it_has_every_pair_that_is_asked_for(
        of_instances in prop::collection::vec(prop::collection::hash_map("[ab]", "[xy]", 0..3), 0..20),
        asked in prop::collection::vec(("[ab]", "[xy]"), 0..3),
    ) {
        let registered: Vec<Registered> = (1..).zip(&of_instances).map(|(last, attributes)| {
            let mut attributes: HashMap<String, String> = attributes.clone();
            attributes.insert("AWS_INSTANCE_IPV4".to_owned(), format!("192.0.2.{last}"));
            Registered { health: Health::Healthy, attributes }
        }).collect();
        let found = usable(&registered, &Attributes::new(asked.clone()));
        let mut expected = Vec::new();
        for (last, attributes) in (1..).zip(&of_instances) {
            let misses = asked.iter().find(|(key, value)| attributes.get(key) != Some(value));
            if misses.is_none() {
                expected.push(Some([192, 0, 2, last].into()));
            }
        }
        prop_assert_eq!(found.iter().map(|one| one.ipv4).collect::<Vec<_>>(), expected);
    }
}
