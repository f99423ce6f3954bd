use super::*;

#[test]
fn the_real_user_and_group_are_the_first_of_their_lines() {
    let status = "Name:\tcurl\nUmask:\t0022\nUid:\t1337\t0\t0\t0\nGid:\t1338\t5\t5\t5\n";
    assert_eq!(real_owner(status), Some((1337, 1338)));
    assert_eq!(name(status), "curl");
    assert_eq!(real_owner("Name:\tx\n"), None);
}
