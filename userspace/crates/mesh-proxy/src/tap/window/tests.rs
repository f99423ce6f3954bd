use super::*;

#[test]
fn each_second_begins_with_nothing_used() {
    let window = Window::default();
    assert_eq!(window.take(0, 3), 0);
    assert_eq!(window.take(0, 4), 3);
    assert_eq!(window.used(0), 7);
    assert_eq!(window.take(1, 1), 0);
    assert_eq!(window.used(1), 1);
    assert_eq!(window.used(9), 0);
}
