//! Decisions shown as they are taken, and what watching costs who does not watch: nothing.

use std::path::Path;

use mesh_bpf::{BpfError, Instance, trace::Tracer};
use tests::{capability::BPFFS, wait};

use crate::stage::{FAR_V4, FAR_V6, Proxy, Stage, enrol, fail, object, plays};

fn watch(stage: &Stage) -> Tracer {
    Tracer::start(Path::new(BPFFS), &stage.name).unwrap_or_else(|error| fail(&error))
}

plays! {
    fn a_decision_is_shown_with_who_made_it_and_what_it_was(stage) {
        let proxy = Proxy::listen();
        let instance = stage.enrolled(&proxy.rules());
        // The daemon may be dead: the decisions are the kernel's.
        drop(instance);
        let mut tracer = watch(stage);
        let mut application = stage.application_as(1337, 1338);
        for (to, words) in [(FAR_V4, ("redirected", "matched")), (FAR_V6, ("direct", "ipv6-off"))] {
            application.order(&format!("attempt {to}"));
            application.answer().unwrap();
            let decision = wait::until("a decision", || Ok(tracer.next_decision()?)).unwrap();
            assert_eq!((decision.verdict.as_str(), decision.reason), words);
            assert_eq!(decision.remote, to.parse().unwrap());
            assert_eq!((decision.workload.as_str(), decision.generation), ("played", 1));
            let process = decision.process.unwrap();
            assert_eq!((process.pid, process.uid, process.gid), (application.pid(), 1337, 1338));
            assert!(!process.name.is_empty());
        }
        assert_eq!(tracer.next_decision().unwrap(), None);
    }

    fn one_watches_at_a_time(stage) {
        let proxy = Proxy::listen();
        let _instance = stage.enrolled(&proxy.rules());
        let first = watch(stage);
        let second = Tracer::start(Path::new(BPFFS), &stage.name).unwrap_err();
        assert!(matches!(second, BpfError::Watched { .. }), "{second}");
        drop(first);
        watch(stage);
    }

    fn nothing_is_written_for_a_watcher_that_gives_no_sign_of_life(stage) {
        let proxy = Proxy::listen();
        let _instance = stage.enrolled(&proxy.rules());
        let mut tracer = watch(stage);
        let mut application = stage.application();
        let mut attempt = move || {
            application.order(&format!("attempt {FAR_V4}"));
            application.answer().unwrap();
        };
        attempt();
        assert!(tracer.next_decision().unwrap().is_some());
        wait::until_true("the end of its time", || {
            attempt();
            Ok(tracer.next_decision()?.is_none())
        })
        .unwrap();
        tracer.keep_on().unwrap();
        attempt();
        assert!(tracer.next_decision().unwrap().is_some());
    }

    fn decisions_that_are_not_read_in_time_are_counted(stage) {
        let proxy = Proxy::listen();
        let mut settings = stage.settings();
        settings.heartbeat = std::time::Duration::from_mins(10);
        settings.limits.trace_bytes = u32::try_from(rustix::param::page_size()).unwrap();
        let instance = Instance::open(&settings, object()).unwrap_or_else(|error| fail(&error));
        instance.beat(stage.spec().id).unwrap();
        enrol(&instance, &stage.spec(), &proxy.rules());
        let mut tracer = watch(stage);
        stage.application().ask(&format!("attempt {FAR_V4} 200")).unwrap();
        let mut shown = 0;
        while tracer.next_decision().unwrap().is_some() {
            shown += 1;
        }
        let lost = tracer.lost().unwrap();
        assert!(shown > 0 && lost > 0);
        assert_eq!(shown + lost, 200);
    }
}
