use std::time::SystemTime;

use mesh_model::instance::Instance;

use super::*;

#[test]
fn instances_are_endpoints_by_the_preference_and_each_once() {
    let instance = |ipv4: Option<&str>, ipv6: Option<&str>, port| Instance {
        ipv4: ipv4.map(|text| text.parse().unwrap()),
        ipv6: ipv6.map(|text| text.parse().unwrap()),
        port,
        ..Instance::default()
    };
    let known = Known {
        instances: [
            Instance {
                zone: Some("eu-west-1a".to_owned()),
                ..instance(Some("192.0.2.1"), Some("2001:db8::1"), None)
            },
            instance(Some("192.0.2.2"), None, Some(8080)),
            instance(None, Some("2001:db8::3"), None),
            instance(Some("192.0.2.1"), None, Some(80)),
        ]
        .into(),
        at: SystemTime::now(),
    };
    let zones = located(&known, IpPreference::Unset, 80).zones;
    assert_eq!(
        zones.of("192.0.2.1:80".parse().unwrap()),
        Some("eu-west-1a")
    );
    assert_eq!(zones.of("192.0.2.2:8080".parse().unwrap()), None);
    let under = |preference| {
        let mut endpoints = located(&known, preference, 80).endpoints;
        endpoints.sort_unstable();
        let texts: Vec<String> = endpoints.iter().map(ToString::to_string).collect();
        texts.join(" ")
    };
    let v4_first = "192.0.2.1:80 192.0.2.2:8080 [2001:db8::3]:80";
    assert_eq!(under(IpPreference::Unset), v4_first);
    assert_eq!(under(IpPreference::V4Preferred), v4_first);
    assert_eq!(
        under(IpPreference::V6Preferred),
        "192.0.2.1:80 192.0.2.2:8080 [2001:db8::1]:80 [2001:db8::3]:80"
    );
    assert_eq!(under(IpPreference::V4Only), "192.0.2.1:80 192.0.2.2:8080");
    assert_eq!(
        under(IpPreference::V6Only),
        "[2001:db8::1]:80 [2001:db8::3]:80"
    );
}
