use std::thread;

use tracing_subscriber::layer::SubscriberExt;

use super::*;

/// Which levels pass on this thread.
fn passing() -> Vec<Level> {
    let events = [
        tracing::enabled!(tracing::Level::ERROR),
        tracing::enabled!(tracing::Level::WARN),
        tracing::enabled!(tracing::Level::INFO),
        tracing::enabled!(tracing::Level::DEBUG),
        tracing::enabled!(tracing::Level::TRACE),
    ];
    let passing = Level::ALL[2..]
        .iter()
        .zip(events)
        .filter(|(_, passes)| *passes);
    passing.map(|(level, _)| *level).collect()
}

/// One test, as levels are of the process.
#[test]
fn a_workload_has_the_level_of_the_process_until_it_has_its_own() {
    let gated = || tracing_subscriber::registry().with(Gate);
    let of = |voice: &Arc<Voice>| {
        let voice = Arc::clone(voice);
        let speaking = thread::spawn(move || {
            voice.speak();
            tracing::subscriber::with_default(gated(), passing)
        });
        speaking.join().expect("no panic")
    };
    let of_process = || tracing::subscriber::with_default(gated(), passing);
    let (one, other) = (Voice::new("one"), Voice::new("other"));
    assert_eq!(of_process(), [Level::Error, Level::Warning, Level::Info]);
    one.set_level(Some(Level::Debug));
    assert_eq!(of_process().len(), 3);
    assert_eq!(of(&one).len(), 4);
    assert_eq!(of(&other).len(), 3);
    set_level(Level::Off);
    assert_eq!(of_process(), []);
    assert_eq!(of(&one).len(), 4);
    assert_eq!(of(&other), []);
    one.set_level(Some(Level::Critical));
    assert_eq!(of(&one), []);
    set_level(Level::Info);
    one.set_level(None);
    assert_eq!(of(&one).len(), 3);
}

#[test]
fn what_libraries_warn_of_does_not_fill_the_log() {
    for (level, of_library) in [
        (Level::Off, Level::Off),
        (Level::Error, Level::Error),
        (Level::Warning, Level::Error),
        (Level::Debug, Level::Error),
        (Level::Trace, Level::Trace),
    ] {
        assert_eq!(of_module("hickory_net::udp", level), of_library);
        assert_eq!(of_module("mesh_proxy::cluster", level), level);
        assert_eq!(of_module("ferromesh::daemon", level), level);
    }
}

#[test]
fn levels_have_the_guides_names() {
    for level in Level::ALL {
        assert_eq!(level.as_str().parse(), Ok(level));
    }
    assert_eq!("warn".parse(), Ok(Level::Warning));
    let error = "loud".parse::<Level>().expect_err("no level");
    assert_eq!(
        error.to_string(),
        "`loud` is no level; write trace, debug, info, warn, error, critical or off"
    );
}
