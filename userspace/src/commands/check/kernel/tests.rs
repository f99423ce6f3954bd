use super::*;

#[test]
fn releases_of_distributions_have_a_version() {
    assert_eq!(version("6.1.0-18-amd64"), Some((6, 1)));
    assert_eq!(version("5.10.209-198.812.amzn2.x86_64"), Some((5, 10)));
    assert_eq!(version("7.2-rc1"), Some((7, 2)));
    assert_eq!(version("next"), None);
}

#[test]
fn a_kernel_below_the_floor_is_an_error_with_a_mend() {
    let finding = version_finding("5.4.0");
    assert_eq!(finding.level, super::super::finding::Level::Error);
    assert!(finding.mend.is_some());
    assert_eq!(version_finding("5.10.0").mend, None);
}
