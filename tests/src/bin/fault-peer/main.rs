//! Both ends of faults: a server that answers, fails and drains in a stated way, and a load at a steady
//! rate that tells what came of each request.
//!
//! - `fault-peer serve NAME MANNER http|http2=ADDRESS:PORT…` answers until it gets SIGTERM, drains, and
//!   ends. MANNER is one of `good`, `slow=MILLISECONDS`, `stalled`, `resetting`, `half-dead`.
//! - `fault-peer load RATE MIX http|http2=ADDRESS:PORT/HOST…` sends RATE requests a second, to its targets
//!   in turn, until it gets SIGTERM, waits for what is under way, and prints [`tests::faults::Report`] as
//!   JSON. MIX is `plain` or `mixed`: with some that take a while before or within their answers.

mod load;
mod pieces;
mod server;

use std::{future::Future, net::SocketAddr, process::ExitCode};

use anyhow::{Context as _, Result, bail};
use hyper::rt::Executor;
use tests::faults::Protocol;
use tokio::{runtime, task::LocalSet};

/// What a request asks for that is to wait before its answer begins.
const LATE: &str = "/late";
/// What a request asks for that is to be answered in two pieces.
const SLOW: &str = "/slow";
/// The name of who answers.
const ANSWER: &str = "x-answer";
/// How many bytes the request had, as its server read them.
const RECEIVED: &str = "x-received";

/// Has hyper run its tasks on this thread.
#[derive(Clone, Copy, Debug)]
struct LocalExecutor;

impl<F: Future + 'static> Executor<F> for LocalExecutor {
    fn execute(&self, task: F) {
        tokio::task::spawn_local(task);
    }
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let runtime = runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("no runtime")?;
    let tasks = LocalSet::new();
    match words[..] {
        ["serve", name, manner, ref places @ ..] => {
            let places = places.iter().map(|word| place(word));
            let places = places.collect::<Result<Vec<_>>>()?;
            let serving = server::run(name.to_owned(), manner.parse()?, &places);
            tasks.block_on(&runtime, serving)
        }
        ["load", rate, mix, ref targets @ ..] => {
            let sending = load::run(rate.parse().context("RATE")?, mix.parse()?, targets);
            let report = tasks.block_on(&runtime, sending)?;
            println!("{}", report.to_json());
            Ok(())
        }
        _ => bail!("use: fault-peer serve|load …"),
    }
}

/// `http|http2=ADDRESS:PORT`
fn place(word: &str) -> Result<(Protocol, SocketAddr)> {
    let (protocol, address) = word.split_once('=').context("PROTOCOL=ADDRESS:PORT")?;
    let address = address.parse();
    Ok((protocol.parse()?, address.context("ADDRESS:PORT")?))
}
