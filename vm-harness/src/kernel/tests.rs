//! Which package is fetched.

use super::*;

#[test]
fn the_newest_is_by_number_and_not_by_letter() {
    let names = "linux-image-5.10.0-9-cloud-amd64\nlinux-image-5.10.0-46-cloud-amd64\n\
                 linux-image-5.10.0-46-cloud-amd64-dbg\nlinux-image-5.10.0-50-amd64\n";
    assert_eq!(
        newest_cloud_kernel(names),
        Some("linux-image-5.10.0-46-cloud-amd64")
    );
    assert_eq!(newest_cloud_kernel("linux-image-5.10.0-46-amd64\n"), None);
}

#[test]
fn an_archive_is_found_by_the_end_of_its_address() {
    let targets = "file:/mirror/debian-security/\nfile:/mirror/debian/\n";
    assert_eq!(
        mirror_among(targets, DEBIAN).as_deref(),
        Some("file:/mirror/debian")
    );
    assert_eq!(
        mirror_among(targets, SECURITY).as_deref(),
        Some("file:/mirror/debian-security")
    );
    assert_eq!(mirror_among("file:/mirror/ubuntu/", DEBIAN), None);
}
