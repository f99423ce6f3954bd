//! Sockets that a workload's processes hold and that were made outside it: never redirected, found
//! by looking, and closed where that is wanted.

use std::{fs, path::Path};

use mesh_bpf::{
    Direction, Verdict,
    diag::{self, TcpState},
    unredirected::{self, Found, Unredirected},
};

use crate::stage::{Agent, FAR_V4, OWN_V4, Proxy, Stage, fail, plays};

/// A neighbour that listens, and where.
pub(crate) fn listening_neighbour(at: &str) -> (Agent, String, String) {
    let mut neighbour = Agent::neighbour();
    let (listener, address) = listen(&mut neighbour, at);
    (neighbour, listener, address)
}

/// The number of a listening socket, and its address.
fn listen(agent: &mut Agent, at: &str) -> (String, String) {
    let said = agent.ask(&format!("listen {at}")).unwrap();
    let (listener, address) = said.split_once(' ').unwrap();
    (listener.to_owned(), address.to_owned())
}

fn join(agent: &mut Agent, cgroup: &Path) {
    agent.ask(&format!("join {}", cgroup.display())).unwrap();
}

fn find(stage: &Stage) -> Vec<Unredirected> {
    let found = unredirected::find(&stage.workload_cgroup, None);
    let Found { sockets, truncated } = found.unwrap_or_else(|error| fail(&error));
    assert!(!truncated);
    sockets
}

fn cookie(agent: &mut Agent, id: &str) -> u64 {
    agent.ask(&format!("cookie {id}")).unwrap().parse().unwrap()
}

plays! {
    fn sockets_made_before_the_process_was_moved_in_are_found(stage) {
        let proxy = Proxy::listen();
        let (mut neighbour, listener, there) = listening_neighbour("192.0.2.2:0");
        let mut application = Agent::stranger();
        let early = application.ask(&format!("connect {there}")).unwrap();
        neighbour.ask(&format!("accept {listener}")).unwrap();
        let (served, here) = listen(&mut application, &format!("{OWN_V4}:0"));
        join(&mut application, &stage.workload_cgroup);
        let instance = stage.enrolled(&proxy.rules());

        // What it makes from now on is the workload's.
        application.ask(&format!("connect {FAR_V4}")).unwrap();
        let (_stream, origin) = proxy.accept(&instance);
        assert_eq!(origin.unwrap().destination, FAR_V4.parse().unwrap());

        let found = find(stage);
        assert_eq!(found.len(), 2, "{found:?}");
        let by_cookie = |cookie| found.iter().find(|socket| socket.cookie == cookie).unwrap();
        let connection = by_cookie(cookie(&mut application, &early));
        assert_eq!(connection.pid, application.pid());
        assert_eq!(connection.state, TcpState::Established);
        assert_eq!(connection.direction, Direction::Egress);
        assert_eq!(connection.remote, there.parse().unwrap());
        assert!(connection.evades());
        let root = tests::cgroup::mount_point().unwrap();
        assert_eq!(connection.made_in.as_deref(), Some(root.as_path()));
        let comm = fs::read_to_string(format!("/proc/{}/comm", application.pid())).unwrap();
        assert_eq!(connection.command, comm.trim_end());
        let listening = by_cookie(cookie(&mut application, &served));
        assert_eq!(listening.state, TcpState::Listening);
        assert_eq!(listening.local, here.parse().unwrap());
        assert!(!listening.evades());

        // The list of connections has it beside the redirected one, with its counts.
        application.ask(&format!("send {early} 1000")).unwrap();
        tests::wait::until_true("the bytes to be acknowledged", || {
            let connections = instance.connections()?;
            let record = connections.iter().find(|record| record.cookie == connection.cookie);
            let record = record.expect("it is listed");
            assert_eq!((record.verdict, record.reason), (Verdict::Direct, "made-outside"));
            assert_eq!(connections.len(), 2, "{connections:?}");
            Ok(record.bytes_sent == Some(1000))
        })
        .unwrap();
    }

    fn sockets_passed_into_a_workload_are_found(stage) {
        let proxy = Proxy::listen();
        let instance = stage.enrolled(&proxy.rules());
        let (mut neighbour, listener, there) = listening_neighbour("192.0.2.2:0");
        let mut application = stage.application();
        application.ask("mailbox application").unwrap();
        let mut giver = Agent::stranger();
        let made = giver.ask("make").unwrap();
        giver.ask(&format!("give {made} application")).unwrap();
        let made = application.ask("take").unwrap();
        assert_eq!(find(stage), [], "it is in no table of the kernel before it connects");
        application.ask(&format!("dial {made} {there}")).unwrap();
        neighbour.ask(&format!("accept {listener}")).unwrap();
        let found = find(stage);
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].pid, application.pid());
        assert_eq!(found[0].cookie, cookie(&mut application, &made));
        assert!(found[0].evades());

        // As socket activation does it: the application gets a socket that listens already.
        let (served, here) = listen(&mut giver, &format!("{OWN_V4}:0"));
        giver.ask(&format!("give {served} application")).unwrap();
        application.ask("take").unwrap();
        drop(giver);
        let found = find(stage);
        assert_eq!(found.len(), 2, "{found:?}");
        let listening = found.iter().find(|socket| socket.state == TcpState::Listening).unwrap();
        assert_eq!(listening.local, here.parse().unwrap());
        assert!(!listening.evades());
        assert_eq!(instance.connections().unwrap().len(), 1, "one of them is a connection");
    }

    fn a_socket_stays_with_the_cgroup_that_it_was_made_in(stage) {
        let proxy = Proxy::listen();
        let beside = stage.workload_cgroup.join("beside");
        let first = stage.workload_cgroup.join("first");
        for cgroup in [&beside, &first] {
            mesh_bpf::cgroup::create(cgroup).unwrap();
        }
        let instance = stage.enrolled_at(&first, &proxy.rules());
        let mut application = Agent::start(&first, &[]);
        let made = application.ask("make").unwrap();
        join(&mut application, &beside);
        // Made inside, so redirected, wherever its process is now.
        application.ask(&format!("dial {made} {FAR_V4}")).unwrap();
        let (_stream, origin) = proxy.accept(&instance);
        assert_eq!(origin.unwrap().destination, FAR_V4.parse().unwrap());
        let of = |cgroup: &Path| unredirected::find(cgroup, None).unwrap().sockets;
        assert_eq!(of(&first), [], "its process is not there any more");
        let there = of(&beside);
        assert_eq!(there.len(), 1, "{there:?}");
        assert_eq!(there[0].made_in.as_deref(), Some(first.as_path()));
        assert_eq!(of(&stage.workload_cgroup), [], "both are below it");
    }

    fn strict_closes_what_evades_the_rules_and_nothing_else(stage) {
        let (mut neighbour, listener, there) = listening_neighbour("192.0.2.2:0");
        let (listener6, there6) = listen(&mut neighbour, "[2001:db8::2]:0");
        let mut application = Agent::stranger();
        let evading = [
            application.ask(&format!("connect {there}")).unwrap(),
            application.ask(&format!("connect {there} v6")).unwrap(),
            application.ask(&format!("connect {there6}")).unwrap(),
        ];
        let accepted = [&listener, &listener, &listener6].map(|listener| {
            let said = neighbour.ask(&format!("accept {listener}")).unwrap();
            said.split(' ').next().unwrap().to_owned()
        });
        let (served, here) = listen(&mut application, &format!("{OWN_V4}:0"));
        let mut local = Agent::stranger();
        let call = local.ask(&format!("connect {here}")).unwrap();
        let said = application.ask(&format!("accept {served}")).unwrap();
        let answered = said.split(' ').next().unwrap();
        join(&mut application, &stage.workload_cgroup);

        let (found, closed) = unredirected::close(&stage.workload_cgroup, None)
            .unwrap_or_else(|error| fail(&error));
        assert_eq!(closed, 3, "{found:?}");
        assert_eq!(found.sockets.len(), 5, "{found:?}");
        for id in &evading {
            let end = application.ask(&format!("receive {id} 1")).unwrap_err();
            assert!(end.starts_with("ConnectionAborted"), "{end}");
        }
        for id in &accepted {
            let end = neighbour.ask(&format!("receive {id} 1")).unwrap_err();
            assert!(end.starts_with("ConnectionReset"), "{end}");
        }
        local.ask(&format!("send {call} 10")).unwrap();
        application.ask(&format!("receive {answered} 10")).unwrap();
        let again = unredirected::close(&stage.workload_cgroup, None).unwrap();
        assert_eq!(again.1, 0, "{again:?}");
    }

    fn the_kernel_lists_sockets_as_they_are(stage) {
        let (mut neighbour, _, there) = listening_neighbour("192.0.2.2:0");
        let mut application = stage.application();
        let plain = application.ask(&format!("connect {there} device=own0")).unwrap();
        let mapped = application.ask(&format!("connect {there} v6")).unwrap();
        let inside = mesh_bpf::cgroup::id(&stage.workload_cgroup).unwrap();
        let sockets = diag::tcp_sockets().unwrap();
        for id in [&plain, &mapped] {
            let cookie = cookie(&mut application, id);
            let socket = sockets.iter().find(|socket| socket.cookie == cookie).unwrap();
            let local = application.ask(&format!("local {id}")).unwrap();
            assert_eq!(socket.local.to_string(), local.replace("[::ffff:", "").replace(']', ""));
            assert_eq!(socket.remote.to_string(), there);
            assert_eq!(socket.cgroup_id, Some(inside));
            assert_eq!(socket.state, TcpState::Established);
            assert_eq!(socket.interface != 0, *id == plain);
            assert_ne!(socket.inode, 0);
        }
        let one = sockets.iter().find(|socket| socket.cookie == cookie(&mut application, &plain));
        assert_eq!(diag::destroy(one).unwrap(), 1);
        assert_eq!(diag::destroy(one).unwrap(), 0, "it is over");
        application.ask(&format!("send {mapped} 1")).unwrap();
        neighbour.ask("wait").unwrap();
    }
}
