//! Processes that open sockets as they are told, where they were put.

use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use tests::{process, wait};

/// A process that opens sockets as it is told.
pub(crate) struct Agent {
    child: Child,
    orders: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Agent {
    pub(crate) fn start(cgroup: &Path, through: &[&str]) -> Self {
        let mut child = Command::new("sh")
            .args(["-c", "echo 0 > \"$0\" && exec \"$@\""])
            .arg(cgroup.join("cgroup.procs"))
            .args(through)
            .arg(env!("CARGO_BIN_EXE_socket-agent"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        Self {
            orders: child.stdin.take(),
            answers: BufReader::new(child.stdout.take().unwrap()),
            child,
        }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// An agent on another host, joined to the stage by a wire.
    pub(crate) fn neighbour() -> Self {
        let agent = Self::start(
            &tests::cgroup::mount_point().unwrap(),
            &["unshare", "--net"],
        );
        // The other end of the wire goes where the agent is, once it is there.
        let own = fs::read_link("/proc/self/ns/net").unwrap();
        let pid = agent.child.id().to_string();
        let theirs = format!("/proc/{pid}/ns/net");
        wait::until_true("a namespace of its own", || {
            Ok(fs::read_link(&theirs)? != own)
        })
        .unwrap();
        let inside = |command: &str| {
            let mut nsenter = Command::new("nsenter");
            nsenter
                .arg(format!("--net={theirs}"))
                .args(["sh", "-ec", command]);
            process::run(&mut nsenter).unwrap();
        };
        process::run(Command::new("ip").args(["link", "set", "far0", "netns", &pid])).unwrap();
        inside(
            "ip link set lo up; ip link set far0 up; ip addr add 192.0.2.2/24 dev far0; \
             ip addr add 2001:db8::2/64 dev far0 nodad",
        );
        agent
    }

    /// An agent of neither the workload nor the proxy.
    pub(crate) fn stranger() -> Self {
        Self::start(&tests::cgroup::mount_point().unwrap(), &[])
    }

    /// Gives an order and returns at once; [`Self::answer`] has the answer.
    pub(crate) fn order(&mut self, order: &str) {
        let mut orders = self.orders.as_ref().unwrap();
        writeln!(orders, "{order}").unwrap();
    }

    /// What became of the order before: what `ok` or `err` came with.
    pub(crate) fn answer(&mut self) -> Result<String, String> {
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        match line
            .trim_end()
            .split_once(' ')
            .unwrap_or((line.trim_end(), ""))
        {
            ("ok", rest) => Ok(rest.to_owned()),
            ("err", rest) => Err(rest.to_owned()),
            _ => panic!("the agent said {line:?}"),
        }
    }

    pub(crate) fn ask(&mut self, order: &str) -> Result<String, String> {
        self.order(order);
        self.answer()
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        // It ends at the end of its orders.
        drop(self.orders.take());
        let _ = self.child.wait();
    }
}
