//! The time of now as answers say it.

use std::{
    cell::RefCell,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

thread_local! {
    /// The second that was written last.
    static LAST: RefCell<(Duration, String)> = const { RefCell::new((Duration::MAX, String::new())) };
}

/// Calls with the time of now in the form of RFC 9110, section 5.6.7. It is written once a second.
pub(crate) fn with_date<T>(call: impl FnOnce(&str) -> T) -> T {
    let now = SystemTime::now();
    // A clock from before 1970 is wrong anyway.
    let second = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    LAST.with_borrow_mut(|(last, text)| {
        if last.as_secs() != second {
            *last = Duration::from_secs(second);
            *text = httpdate::fmt_http_date(now);
        }
        call(text)
    })
}
