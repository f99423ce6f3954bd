//! What a proxy that has fallen silent holds, and how it ends: for its own workload alone.

use std::{net::TcpStream, path::Path, time::Duration};

use mesh_bpf::{
    Instance, WorkloadSpec,
    silence::{Heartbeats, Silent},
};
use mesh_model::redirect::RedirectRules;
use tests::{capability::BPFFS, wait};

use crate::stage::{Agent, FAR_V4, FAR_V6, Proxy, Stage, WORKLOAD, enrol, fail, object, plays};

/// The other workload's id.
const OTHER: u32 = WORKLOAD + 1;

/// A workload with an application and a proxy of its own, in the stage's namespace.
struct Tenant {
    proxy: Proxy,
    application: Agent,
}

impl Tenant {
    fn move_in(stage: &Stage, instance: &Instance, id: u32) -> Self {
        let cgroup = stage.workload_cgroup.join(id.to_string());
        mesh_bpf::cgroup::create(&cgroup).unwrap();
        let proxy = Proxy::listen();
        let rules = RedirectRules {
            ipv6: true,
            ..proxy.rules()
        };
        let spec = WorkloadSpec {
            id,
            name: format!("tenant-{id}"),
            cgroup: cgroup.clone(),
            ..stage.spec()
        };
        enrol(instance, &spec, &rules);
        Self {
            proxy,
            application: Agent::start(&cgroup, &[]),
        }
    }

    /// A connection of the application, and the proxy's end of it.
    fn connected(&mut self, instance: &Instance) -> (String, TcpStream) {
        let id = self.application.ask(&format!("connect {FAR_V4}")).unwrap();
        let (stream, origin) = self.proxy.accept(instance);
        origin.expect("it was redirected");
        (id, stream)
    }

    fn assert_reset(&mut self, id: &str) {
        let end = self
            .application
            .ask(&format!("receive {id} 1"))
            .unwrap_err();
        assert!(end.starts_with("ConnectionReset"), "{end}");
    }
}

/// The same instance by another hand, whose beats hold for so long.
fn beating(stage: &Stage, heartbeat: Duration) -> Instance {
    let mut settings = stage.settings();
    settings.heartbeat = heartbeat;
    Instance::open(&settings, object()).unwrap_or_else(|error| fail(&error))
}

fn heartbeats(stage: &Stage) -> Heartbeats {
    Heartbeats::open(Path::new(BPFFS), &stage.name, &stage.proxy_cgroup)
        .unwrap_or_else(|error| fail(&error))
}

fn wait_silent(heartbeats: &Heartbeats) -> Silent {
    wait::until("a silent proxy", || Ok(heartbeats.look()?.silent.pop())).unwrap()
}

plays! {
    fn what_a_silent_proxy_holds_is_reset_and_nothing_of_another_workload(stage) {
        let quick = beating(stage, Duration::from_millis(300));
        let lasting = stage.instance();
        let mut first = Tenant::move_in(stage, &lasting, WORKLOAD);
        let mut other = Tenant::move_in(stage, &lasting, OTHER);
        for id in [WORKLOAD, OTHER] {
            lasting.beat(id).unwrap();
        }
        let (accepted, _held) = first.connected(&lasting);
        // In the backlog of the proxy, which does not accept it any more.
        let waiting = first.application.ask(&format!("connect {FAR_V4}")).unwrap();
        let waiting_v6 = first.application.ask(&format!("connect {FAR_V6}")).unwrap();
        let (kept, mut kept_held) = other.connected(&lasting);
        let (mut neighbour, listener, there) = crate::made_outside::listening_neighbour("192.0.2.2:0");
        let _upstream = TcpStream::connect(&there).unwrap();
        let said = neighbour.ask(&format!("accept {listener}")).unwrap();
        let upstream = said.split(' ').next().unwrap();

        let heartbeats = heartbeats(stage);
        assert!(heartbeats.look().unwrap().silent.is_empty());
        quick.beat(WORKLOAD).unwrap();
        let silent = wait_silent(&heartbeats);
        assert_eq!((silent.id, silent.name.as_str()), (WORKLOAD, "tenant-3"));
        assert_eq!(heartbeats.reset(&silent).unwrap(), 3);
        for id in [&accepted, &waiting, &waiting_v6] {
            first.assert_reset(id);
        }
        // The connection to an upstream may be the other proxy's, which is well.
        assert_eq!(heartbeats.reset(&silent).unwrap(), 0, "all are gone");
        other.application.ask(&format!("send {kept} 4")).unwrap();
        std::io::Read::read_exact(&mut kept_held, &mut [0; 4]).unwrap();

        lasting.rest(OTHER).unwrap();
        let look = heartbeats.look().unwrap();
        assert_eq!(look.silent.len(), 1, "one that rests is not silent: {look:?}");
        assert_eq!(heartbeats.reset(&look.silent[0]).unwrap(), 1);
        let end = neighbour.ask(&format!("receive {upstream} 1")).unwrap_err();
        assert!(end.starts_with("ConnectionReset"), "{end}");
    }

    fn a_proxy_that_is_said_to_hang_is_silent_at_once(stage) {
        let instance = stage.instance();
        let mut tenant = Tenant::move_in(stage, &instance, WORKLOAD);
        instance.beat(WORKLOAD).unwrap();
        let (id, _held) = tenant.connected(&instance);
        instance.fall_silent(WORKLOAD).unwrap();
        let refusal = tenant.application.ask(&format!("connect {FAR_V4}")).unwrap_err();
        assert!(refusal.starts_with("ConnectionRefused"), "{refusal}");
        let heartbeats = heartbeats(stage);
        assert_eq!(heartbeats.reset(&wait_silent(&heartbeats)).unwrap(), 1);
        tenant.assert_reset(&id);
    }

    fn a_proxy_that_has_beaten_again_keeps_what_it_holds(stage) {
        let quick = beating(stage, Duration::from_millis(100));
        let mut tenant = Tenant::move_in(stage, &quick, WORKLOAD);
        let heartbeats = heartbeats(stage);
        let lasting = stage.instance();
        lasting.beat(WORKLOAD).unwrap();
        let (id, mut held) = tenant.connected(&lasting);
        quick.beat(WORKLOAD).unwrap();
        let silent = wait_silent(&heartbeats);
        lasting.beat(WORKLOAD).unwrap();
        assert_eq!(heartbeats.reset(&silent).unwrap(), 0);
        let look = heartbeats.look().unwrap();
        assert!(look.silent.is_empty(), "{look:?}");
        assert!(look.quiet_for.unwrap() > Duration::from_mins(9), "{look:?}");
        tenant.application.ask(&format!("send {id} 4")).unwrap();
        std::io::Read::read_exact(&mut held, &mut [0; 4]).unwrap();
    }
}
