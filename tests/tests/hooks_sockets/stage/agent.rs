//! Processes that open sockets as they are told, where they were put: this executable again, so that
//! a test needs no other file.

use std::{
    env,
    io::stdin,
    os::fd::AsFd as _,
    path::{Path, PathBuf},
    process::{Child, Stdio},
};

use tests::{agent, links, remote::Orders};

use super::entry::{self, Way};

/// Set for the process of an agent.
const AGENT: &str = "FERROMESH_HOOKS_AGENT";

/// A process that opens sockets as it is told.
pub(crate) struct Agent {
    child: Child,
    orders: Orders,
}

impl Agent {
    pub(crate) fn start(cgroup: &Path, ways: &[Way]) -> Self {
        let (orders, theirs) = Orders::new().unwrap();
        let child = entry::command("stage::agent::process", cgroup, ways)
            .arg("--ignored")
            .env(AGENT, "1")
            .stdin(theirs)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        Self { child, orders }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Its network namespace, once it is there.
    pub(crate) fn netns(&mut self) -> PathBuf {
        self.ask("wait").unwrap();
        format!("/proc/{}/ns/net", self.pid()).into()
    }

    /// An agent on another host, joined to the stage by a wire.
    pub(crate) fn neighbour() -> Self {
        let root = tests::cgroup::mount_point().unwrap();
        let mut agent = Self::start(&root, &[Way::OwnNetwork]);
        // The other end of the wire goes where the agent is, once it is there.
        agent.netns();
        links::move_to("far0", agent.pid()).unwrap();
        for order in [
            "up lo",
            "up far0",
            "address far0 192.0.2.2/24",
            "address far0 2001:db8::2/64",
        ] {
            agent.ask(order).unwrap();
        }
        agent
    }

    /// An agent of neither the workload nor the proxy.
    pub(crate) fn stranger() -> Self {
        Self::start(&tests::cgroup::mount_point().unwrap(), &[])
    }

    /// Gives an order and returns at once; [`Self::answer`] has the answer.
    pub(crate) fn order(&mut self, order: &str) {
        self.orders.order(order);
    }

    /// What became of the order before: what `ok` or `err` came with.
    pub(crate) fn answer(&mut self) -> Result<String, String> {
        self.orders.answer()
    }

    pub(crate) fn ask(&mut self, order: &str) -> Result<String, String> {
        self.orders.ask(order)
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        self.orders.end();
        // An error says that it has ended already.
        let _ = self.child.wait();
    }
}

#[test]
#[ignore = "no test: the process of an agent, which plays start"]
fn process() {
    if env::var_os(AGENT).is_none() {
        return;
    }
    entry::enter();
    if agent::connect_inherited().unwrap() {
        return;
    }
    let orders = stdin().as_fd().try_clone_to_owned().unwrap();
    agent::serve(&orders.into()).unwrap();
}
