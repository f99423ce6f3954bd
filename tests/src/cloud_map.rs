//! AWS Cloud Map: moto's server, which anybody may register instances with, and in front of it an endpoint
//! that also answers as it is told.

use std::{
    io::{self, Read as _, Write as _},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    path::Path,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use crate::{
    netns::Netns,
    network::Network,
    process::{self, Process},
    wait,
};

/// Where moto listens.
const PORT: u16 = 5000;
/// How long a thread waits before it looks whether it is to end.
const TICK: Duration = Duration::from_millis(20);
/// How long either side of a conversation may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// What comes before the name of an operation in `X-Amz-Target`.
const TARGET: &str = "Route53AutoNaming_v20170314.";

/// A running moto. Dropping it ends it.
#[derive(Debug)]
pub struct Moto {
    process: Process,
    url: String,
    netns: String,
    at: SocketAddr,
}

impl Moto {
    /// Starts it on an address of the network's switch, with the Python packages of a directory, and
    /// waits until it answers.
    pub fn start(network: &Network, address: Ipv4Addr, packages: &Path) -> Result<Self> {
        let switch = network.switch();
        let mut command = switch.command("python3");
        command
            .args(["-m", "moto.server", "-H", &address.to_string()])
            .args(["-p", &PORT.to_string()])
            .env("PYTHONPATH", packages)
            .env("PYTHONDONTWRITEBYTECODE", "1");
        let log = network.directory().join("moto.log");
        let mut moto = Self {
            process: Process::spawn("moto", command, &log)?,
            url: format!("http://{address}:{PORT}/"),
            netns: format!("--net={}", switch.path().display()),
            at: SocketAddr::new(address.into(), PORT),
        };
        wait::until_true("moto", || {
            moto.process.ensure_running()?;
            Ok(moto.call("ListNamespaces", &json!({})).is_ok())
        })?;
        Ok(moto)
    }

    /// Asks for an operation, as the AWS CLI would.
    pub fn call(&self, operation: &str, input: &Value) -> Result<Value> {
        // Moto finds the region and the service in a signature, and checks none.
        let signature = "Authorization: AWS4-HMAC-SHA256 \
                         Credential=AKIDEXAMPLE/20260101/eu-west-1/servicediscovery/aws4_request, \
                         SignedHeaders=host, Signature=0";
        let mut curl = std::process::Command::new("nsenter");
        curl.args([&self.netns, "curl", "--disable", "--silent", "--show-error"])
            .args(["--fail-with-body", "--max-time", "10", "--noproxy", "*"])
            .args(["--header", &format!("X-Amz-Target: {TARGET}{operation}")])
            .args(["--header", "Content-Type: application/x-amz-json-1.1"])
            .args(["--header", signature, "--data", &input.to_string()])
            .arg(&self.url);
        let answer = process::run(&mut curl)?;
        serde_json::from_str(&answer).with_context(|| format!("{operation} answers {answer}"))
    }

    /// Makes a service in a namespace of its own, and gives its id.
    pub fn create_service(&self, namespace: &str, service: &str) -> Result<String> {
        self.call("CreateHttpNamespace", &json!({ "Name": namespace }))?;
        let namespaces = self.call("ListNamespaces", &json!({}))?;
        let mut namespaces = namespaces["Namespaces"].as_array().into_iter().flatten();
        let made = namespaces.find(|known| known["Name"] == namespace);
        let id = made.context("moto does not list the namespace")?["Id"].clone();
        let made = self.call(
            "CreateService",
            &json!({ "Name": service, "NamespaceId": id }),
        )?;
        let id = made["Service"]["Id"].as_str();
        Ok(id.context("moto gives no id")?.to_owned())
    }

    /// Registers an instance on port 80 of an address, with a stage among its attributes.
    pub fn register(&self, service: &str, id: &str, address: Ipv4Addr, stage: &str) -> Result<()> {
        let attributes = json!({
            "AWS_INSTANCE_IPV4": address.to_string(),
            "AWS_INSTANCE_PORT": "80",
            "stage": stage,
        });
        let input = json!({ "ServiceId": service, "InstanceId": id, "Attributes": attributes });
        self.call("RegisterInstance", &input)?;
        Ok(())
    }

    /// Takes an instance out again.
    pub fn deregister(&self, service: &str, id: &str) -> Result<()> {
        let input = json!({ "ServiceId": service, "InstanceId": id });
        self.call("DeregisterInstance", &input)?;
        Ok(())
    }
}

/// How an endpoint answers a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Manner {
    /// As moto does.
    Right,
    /// With a status of HTTP and an error code of AWS.
    Refuses {
        /// As in the first line: `400 Bad Request`.
        status: &'static str,
        /// As in `__type`.
        code: &'static str,
    },
    /// As moto does, but that it knows nothing of revisions.
    WithoutRevisions,
}

/// An endpoint in front of moto. It is gone when it is dropped.
#[derive(Debug)]
pub struct Endpoint {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    behind: SocketAddr,
    state: Mutex<State>,
    ends: AtomicBool,
}

#[derive(Debug)]
struct State {
    manner: Manner,
    asked: Vec<String>,
}

impl Endpoint {
    /// Starts it on port 80 of an address of a namespace.
    pub fn start(netns: &Netns, address: Ipv4Addr, moto: &Moto) -> Result<Self> {
        let listener = netns
            .inside(|| TcpListener::bind((address, 80)))?
            .with_context(|| format!("an endpoint cannot listen on {address}"))?;
        listener.set_nonblocking(true)?;
        let shared = Arc::new(Shared {
            behind: moto.at,
            state: Mutex::new(State {
                manner: Manner::Right,
                asked: Vec::new(),
            }),
            ends: AtomicBool::new(false),
        });
        let serving = Arc::clone(&shared);
        // Its connections to moto are of the namespace too.
        let thread = netns.inside(|| thread::spawn(move || serving.serve(&listener)))?;
        Ok(Self {
            shared,
            thread: Some(thread),
        })
    }

    /// Has it answer so from now on.
    pub fn treat(&self, manner: Manner) {
        self.shared.lock().manner = manner;
    }

    /// How often it was asked for an operation.
    pub fn asked(&self, operation: &str) -> usize {
        let state = self.shared.lock();
        let asked = state.asked.iter();
        asked.filter(|asked| *asked == operation).count()
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        self.shared.ends.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // A panic of that thread was printed when it happened.
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn serve(&self, listener: &TcpListener) {
        while !self.ends.load(Ordering::Relaxed) {
            match listener.accept() {
                // How a connection ends is of no interest here: who asks sees it.
                Ok((stream, _)) => drop(self.answer(stream)),
                Err(_) => wait::until_moment(Instant::now() + TICK),
            }
        }
    }

    /// Answers the one question of a connection.
    fn answer(&self, mut stream: TcpStream) -> io::Result<()> {
        stream.set_nonblocking(false)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let question = read_question(&mut stream)?;
        let operation = operation(&question).unwrap_or_default();
        let manner = {
            let mut state = self.lock();
            state.asked.push(operation.clone());
            state.manner.clone()
        };
        let answer = match manner {
            Manner::Refuses { status, code } => refusal(status, code),
            Manner::WithoutRevisions if operation == "DiscoverInstancesRevision" => {
                refusal("400 Bad Request", "UnknownOperationException")
            }
            Manner::Right | Manner::WithoutRevisions => self.ask_moto(&question)?,
        };
        stream.write_all(&answer)
    }

    /// What moto answers, which closes each connection behind its answer.
    fn ask_moto(&self, question: &[u8]) -> io::Result<Vec<u8>> {
        let mut stream = TcpStream::connect_timeout(&self.behind, PATIENCE)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.write_all(question)?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        Ok(answer)
    }
}

fn refusal(status: &str, code: &str) -> Vec<u8> {
    let body = json!({ "__type": code, "message": "as the test asked for" }).to_string();
    let length = body.len();
    format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}")
        .into_bytes()
}

/// A request with its body.
fn read_question(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut question = Vec::new();
    loop {
        let mut some = [0; 4096];
        let read = stream.read(&mut some)?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        question.extend_from_slice(&some[..read]);
        let text = String::from_utf8_lossy(&question);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = field(head, "content-length").and_then(|text| text.parse().ok());
            if body.len() >= length.unwrap_or(0) {
                return Ok(question);
            }
        }
    }
}

fn operation(question: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(question);
    let (head, _) = text.split_once("\r\n\r\n")?;
    Some(
        field(head, "x-amz-target")?
            .strip_prefix(TARGET)?
            .to_owned(),
    )
}

fn field<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let mut fields = head.lines().filter_map(|line| line.split_once(':'));
    let (_, value) = fields.find(|(key, _)| key.eq_ignore_ascii_case(name))?;
    Some(value.trim())
}
