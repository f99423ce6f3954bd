//! What is said in the log by one thread.

use std::{cell::RefCell, fmt::Debug, sync::Once};

use tracing::{
    Event, Metadata, Subscriber, callsite,
    field::{Field, Visit},
    span, subscriber,
};

thread_local! {
    static SAID: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// Listens to this thread from now on.
pub(in crate::cluster) fn begin() {
    static LISTENS: Once = Once::new();
    // One for all threads: what another thread says first would not be heard by that of one thread.
    LISTENS.call_once(|| {
        subscriber::set_global_default(Listener).expect("nobody else listens");
        callsite::rebuild_interest_cache();
    });
    SAID.take();
}

/// The messages since this was asked last, in their order.
pub(in crate::cluster) fn take() -> Vec<String> {
    SAID.take()
}

struct Listener;

impl Subscriber for Listener {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("mesh_proxy")
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        event.record(&mut Message);
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

/// Keeps the message of an event.
struct Message;

impl Visit for Message {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if field.name() == "message" {
            SAID.with_borrow_mut(|said| said.push(format!("{value:?}")));
        }
    }
}
