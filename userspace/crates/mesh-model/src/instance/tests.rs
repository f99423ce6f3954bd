use super::*;

const PORT: u16 = 80;

#[test]
fn the_preference_picks_the_address_of_each_instance() {
    let (v4, v6) = (Ipv4Addr::new(192, 0, 2, 1), "2001:db8::1".parse().ok());
    let only_v4 = Instance {
        ipv4: Some(v4),
        ..Instance::default()
    };
    let only_v6 = Instance {
        ipv6: v6,
        ..Instance::default()
    };
    let both = Instance {
        ipv4: Some(v4),
        ipv6: v6,
        port: Some(8080),
        ..Instance::default()
    };
    let (four, six) = (Some("192.0.2.1:80"), Some("[2001:db8::1]:80"));
    for (preference, of_v4, of_v6, of_both) in [
        (IpPreference::Unset, four, six, "192.0.2.1:8080"),
        (IpPreference::V4Preferred, four, six, "192.0.2.1:8080"),
        (IpPreference::V4Only, four, None, "192.0.2.1:8080"),
        (IpPreference::V6Preferred, four, six, "[2001:db8::1]:8080"),
        (IpPreference::V6Only, None, six, "[2001:db8::1]:8080"),
    ] {
        let endpoint = |of: &Instance| of.endpoint(preference, PORT).map(|at| at.to_string());
        assert_eq!(endpoint(&only_v4).as_deref(), of_v4, "{preference:?}");
        assert_eq!(endpoint(&only_v6).as_deref(), of_v6, "{preference:?}");
        assert_eq!(endpoint(&both).as_deref(), Some(of_both), "{preference:?}");
    }
}

#[test]
fn every_attribute_has_to_be_there_with_its_value() {
    let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    let instance = Instance {
        attributes: [pair("stage", "prod"), pair("color", "blue")].into(),
        ..Instance::default()
    };
    assert!(instance.has(&[]));
    assert!(instance.has(&[pair("stage", "prod")]));
    assert!(instance.has(&[pair("stage", "prod"), pair("color", "blue")]));
    assert!(!instance.has(&[pair("stage", "prod"), pair("color", "red")]));
    assert!(!instance.has(&[pair("size", "l")]));
}
