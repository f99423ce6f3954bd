use std::{
    io,
    sync::{Arc, Mutex},
};

use regex::Regex;
use tracing_subscriber::layer::SubscriberExt;

use super::*;

/// Where lines are kept.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<u8>>>);

impl io::Write for Kept {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("no panic").extend_from_slice(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn said(say: impl FnOnce()) -> String {
    let kept = Kept::default();
    let writer = kept.clone();
    let lines = tracing_subscriber::fmt::layer()
        .with_ansi(false)
        .event_format(EnvoyForm)
        .with_writer(move || writer.clone());
    let subscriber = tracing_subscriber::registry().with(lines);
    tracing::subscriber::with_default(subscriber, say);
    let bytes = kept.0.lock().expect("no panic").clone();
    String::from_utf8(bytes).expect("text")
}

#[test]
fn a_line_has_envoys_form() {
    let line = said(|| {
        let span = tracing::info_span!("workload", workload = "blue");
        let _inside = span.enter();
        tracing::warn!(target: "router", number = 7, "no cluster match for URL '{}'", "/x");
    });
    let form = Regex::new(concat!(
        r"^\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}\]\[\d+\]\[warning\]\[router\] ",
        r"\[[^/\]][^\]]*tests\.rs:\d+\] ",
        r"no cluster match for URL '/x' number=7 workload=.blue.\n$",
    ))
    .expect("an expression");
    assert!(form.is_match(&line), "{line}");
}

#[test]
fn a_message_is_one_line() {
    let line = said(|| tracing::info!("one\ntwo"));
    assert!(line.ends_with(" one\\ntwo\n"), "{line}");
    assert_eq!(line.lines().count(), 1);
}

#[test]
fn who_speaks_has_envoys_name_for_it() {
    for (target, name) in [
        ("ferromesh::daemon::workload", "main"),
        ("mesh_proxy::upstream::http", "upstream"),
        ("mesh_config::source", "config"),
        ("router", "router"),
        ("h2::codec", "h2"),
    ] {
        assert_eq!(logger(target), name);
    }
}

#[test]
fn a_workloads_thread_names_it() {
    let line = said(|| {
        super::super::Voice::new("blue").speak();
        tracing::info!("text");
    });
    assert!(line.ends_with(" text workload=\"blue\"\n"), "{line}");
}
