use proptest::prelude::*;

use super::*;

#[test]
fn endpoints_are_names_below_the_domain_of_any_depth_and_case() {
    for name in [
        "sqs.eu-west-1.amazonaws.com",
        "s3.amazonaws.com",
        "SQS.EU-West-1.AmazonAWS.COM",
        "a.b.c.d.e.amazonaws.com",
        "..amazonaws.com",
        ".amazonaws.com",
    ] {
        assert!(is_endpoint(name.as_bytes()), "{name}");
    }
    for name in [
        "",
        "amazonaws.com",
        "xamazonaws.com",
        "s3.amazonaws.com.",
        "s3.amazonaws.com.cn",
        "s3.amazonaws.com.example.com",
        "example.com",
    ] {
        assert!(!is_endpoint(name.as_bytes()), "{name}");
    }
}

/// Envoy's own way: the name in lower case from each of its dots on is looked up among the endings.
fn by_lookup(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let mut dots = name.match_indices('.');
    dots.any(|(dot, _)| &name[dot..] == ".amazonaws.com")
}

proptest! {
    #[test]
    fn a_name_is_matched_as_envoy_looks_it_up(
        name in "[aA.]{0,4}(\\.?(amazonaws|AMAZONaws|aws)){0,2}(\\.(com|COM|cn)){0,2}\\.?",
    ) {
        prop_assert_eq!(is_endpoint(name.as_bytes()), by_lookup(&name), "{}", name);
    }
}
