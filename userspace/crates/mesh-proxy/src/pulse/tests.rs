use std::{io, thread};

use super::*;

const WITHIN: Duration = Duration::from_millis(400);

/// A thread that answers calls, held up as long as the sender lives when asked to.
fn worker(hold_up: impl FnOnce() + Send + 'static) -> (Watch, tokio::sync::oneshot::Sender<()>) {
    let vitals = Vitals::new();
    let (held, end) = tokio::sync::oneshot::channel();
    let own = Arc::clone(&vitals);
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        runtime.block_on(async {
            tokio::select! {
                // What holds the thread up comes after what says which thread it is.
                biased;
                () = own.answer() => {}
                () = async { hold_up() } => {}
                _ = end => {}
            }
        });
    });
    while vitals.thread.get().is_none() {
        thread::yield_now();
    }
    (Watch::new(vitals), held)
}

/// Nothing unparks the tests' threads.
fn pause(duration: Duration) {
    thread::park_timeout(duration);
}

/// Checks again and again until something is wrong, or for so long.
fn checked(watch: &mut Watch, how_long: Duration) -> Result<(), Unwell> {
    let begun = Instant::now();
    while begun.elapsed() < how_long {
        watch.check("w-0", WITHIN)?;
        pause(WITHIN / 8);
    }
    Ok(())
}

#[test]
fn one_check_that_comes_late_is_no_reason() {
    let vitals = Vitals::new();
    let mut watch = Watch::new(vitals);
    assert_eq!(watch.check("w-0", WITHIN), Ok(()));
    watch.checked -= WITHIN * 20;
    assert_eq!(watch.check("w-0", WITHIN), Ok(()));
    assert!(watch.owed <= WITHIN / PART_OF_A_CHECK);
}

#[test]
fn a_worker_that_waits_for_a_processor_owes_nothing_and_one_that_runs_owes_what_it_ran() {
    let mut watch = Watch::new(Vitals::new());
    let task = |milliseconds| {
        Some(Task {
            is_runnable: true,
            cpu: Duration::from_millis(milliseconds),
        })
    };
    watch.charge(task(1000), Duration::from_secs(9));
    watch.charge(task(1000), Duration::from_secs(9));
    assert_eq!(watch.owed, Duration::ZERO);
    watch.charge(task(1030), Duration::from_secs(9));
    assert_eq!(watch.owed, Duration::from_millis(30));
}

#[test]
fn a_worker_that_runs_without_an_end_is_stuck() {
    let over = Arc::new(AtomicBool::new(false));
    let until = Arc::clone(&over);
    let (mut watch, _held) = worker(move || {
        while !until.load(Relaxed) {
            std::hint::spin_loop();
        }
    });
    let outcome = checked(&mut watch, Duration::from_mins(1));
    over.store(true, Relaxed);
    let Err(Unwell::Stuck { doing, .. }) = outcome else {
        panic!("{outcome:?}");
    };
    assert_eq!(doing, "runs without an end");
}

#[test]
fn a_worker_that_waits_is_stuck_and_is_well_once_it_turns_again() {
    let (go, wait) = std::sync::mpsc::channel::<()>();
    let vitals = Vitals::new();
    let own = Arc::clone(&vitals);
    let thread = thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        runtime.block_on(async {
            let local = tokio::spawn(Arc::clone(&own).answer());
            tokio::task::yield_now().await;
            // The sender says nothing; it goes.
            let _ = wait.recv();
            while own.answers.load(Relaxed) < 2 {
                tokio::task::yield_now().await;
            }
            local.abort();
        });
    });
    while vitals.thread.get().is_none() {
        thread::yield_now();
    }
    let mut watch = Watch::new(vitals);
    let outcome = checked(&mut watch, Duration::from_mins(1));
    let Err(Unwell::Stuck { doing, .. }) = outcome else {
        panic!("{outcome:?}");
    };
    assert_eq!(doing, "waits for something that does not come");
    drop(go);
    let begun = Instant::now();
    while watch.check("w-0", WITHIN).is_err() {
        assert!(begun.elapsed() < Duration::from_mins(1));
        pause(WITHIN / 8);
    }
    thread.join().unwrap();
}

#[test]
fn a_lack_counts_once_it_lasts_and_until_it_is_over() {
    let vitals = Vitals::new();
    let mut watch = Watch::new(Arc::clone(&vitals));
    let full = io::Error::from_raw_os_error(Errno::MFILE.raw_os_error());
    assert!(!vitals.note_lack(&io::ErrorKind::ConnectionAborted.into()));
    assert!(vitals.note_lack(&full));
    vitals.answers.store(1, Relaxed);
    assert_eq!(watch.check("w-0", WITHIN), Ok(()));
    let begun = Instant::now();
    while begun.elapsed() < WITHIN + Duration::from_millis(1) {
        pause(Duration::from_millis(10));
        vitals.note_lack(&full);
    }
    let outcome = watch.check("w-0", WITHIN);
    let Err(Unwell::Starved { error, .. }) = outcome else {
        panic!("{outcome:?}");
    };
    assert!(error.starts_with("Too many open files"), "{error}");
    vitals.answers.store(vitals.calls.load(Relaxed), Relaxed);
    vitals.note_room();
    assert!(watch.check("w-0", WITHIN).is_err(), "one was let in");
    for _ in 0..ROOM_FOR_A_LACK * vitals.lack.met.load(Relaxed) {
        vitals.note_room();
    }
    vitals.answers.store(vitals.calls.load(Relaxed), Relaxed);
    assert_eq!(watch.check("w-0", WITHIN), Ok(()), "most were let in");
    vitals.lack.last.store(1, Relaxed);
    while vitals.now() <= millis(LACK_IS_OVER) + 1 {
        pause(Duration::from_millis(10));
    }
    vitals.answers.store(vitals.calls.load(Relaxed), Relaxed);
    assert_eq!(watch.check("w-0", WITHIN), Ok(()));
}

#[test]
fn a_lost_task_is_for_good() {
    let vitals = Vitals::new();
    let mut watch = Watch::new(Arc::clone(&vitals));
    vitals.lose_a_task();
    for _ in 0..2 {
        let worker = "w-0".to_owned();
        assert_eq!(watch.check("w-0", WITHIN), Err(Unwell::Ended { worker }));
    }
}

#[test]
fn a_thread_is_read_whatever_its_name() {
    let stat = "12 (a) R 1 (b) R 1 1 1 0 -1 4194304 100 0 0 0 150 50 0 0 20 0 3 0 9 9 9";
    let cpu = Duration::from_millis(200 * 1000 / clock_ticks_per_second());
    let task = Task {
        is_runnable: true,
        cpu,
    };
    assert_eq!(Task::parse(stat), Some(task));
    assert_eq!(Task::parse("12 (a"), None);
    assert!(Task::of(gettid().as_raw_nonzero().get()).is_some_and(|task| task.is_runnable));
}
