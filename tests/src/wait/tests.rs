use std::time::Duration;

use super::{until, until_true, within};

#[test]
fn gives_the_first_value_that_the_probe_finds() {
    let mut asked = 0;
    let value = until("the third answer", || {
        asked += 1;
        Ok((asked == 3).then_some(asked))
    });
    assert_eq!(value.expect("the probe succeeds"), 3);
}

#[test]
fn says_what_it_waited_for_once_the_deadline_has_passed() {
    let result = within(Duration::ZERO, "a thing that never comes", || {
        Ok(None::<()>)
    });
    let message = result.expect_err("the probe never succeeds").to_string();
    assert!(message.contains("a thing that never comes"), "{message}");
}

#[test]
fn ends_at_once_when_the_probe_fails() {
    let mut asked = 0;
    let result = until_true("an error", || {
        asked += 1;
        anyhow::bail!("broken")
    });
    assert!(result.is_err());
    assert_eq!(asked, 1);
}
