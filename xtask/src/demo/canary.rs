//! The canary: three requests of four go to the old version, then none.

use ::tests::{
    client::{Answers, is_share},
    scenario::{FROM_APPLICATION, Scenario, TO_APPLICATION, TO_SERVICE_B, TO_SERVICE_BV2, URL},
    wait,
};
use anyhow::Result;

use super::{Daemons, Stage, stage::say};

/// Requests of each split.
const REQUESTS: usize = 1000;

pub(super) fn split(stage: &mut Stage, scenario: &Scenario, daemons: &Daemons) -> Result<()> {
    stage.act(
        "1,000 requests, twice",
        "The application dials the address of serviceB; the proxy decides for each request. It
         tells HTTP/1.1 and HTTP/2 apart by their first bytes; upstream is what the documents say.",
    )?;
    let by_http1 = format!("curl -s '{URL}?n=[1-{REQUESTS}]'");
    // curl 7.88, which Debian 12 has, fails the second request on a connection that it began with
    // prior knowledge of HTTP/2: a curl for each, then.
    let http2 = "curl -s --http2-prior-knowledge";
    let by_http2 = format!("sh -c 'seq {REQUESTS} | xargs -P 4 -I @ {http2} {URL}?n=@'");
    for requests in [by_http1, by_http2] {
        let line = format!("$LAB/serviceA/workload {requests} | sort | uniq -c");
        let counts = stage.shell(&line)?;
        let count = |name| count_of(&counts, name);
        let (old, new) = (count("serviceB"), count("serviceBv2"));
        stage.expect(old + new == REQUESTS, "no request failed");
        stage.expect(
            is_share(old, REQUESTS, 0.75),
            format!("{old} to {new} is 75 to 25, within five standard deviations"),
        );
    }
    say("Did they go through the proxies? What the daemons counted:");
    let stats = "curl -s http://127.0.0.1:9901/stats";
    stage.shell(&format!(
        "$LAB/serviceA/outside {stats} | grep -E 'http2_80.upstream_rq_total'"
    ))?;
    let a = daemons.a.stats()?;
    let counted = a.value(TO_SERVICE_B) + a.value(TO_SERVICE_BV2);
    stage.expect(
        counted == 2 * REQUESTS as u64 && a.value(FROM_APPLICATION) == counted,
        format!("the daemon of serviceA counted {counted} requests out"),
    );
    let arrived = daemons.b.stat(TO_APPLICATION)? + daemons.bv2.stat(TO_APPLICATION)?;
    stage.expect(
        arrived == 2 * REQUESTS as u64,
        format!("the daemons of serviceB and serviceBv2 counted {arrived} in"),
    );
    let logged = scenario.web_b.requests()?.len() + scenario.web_bv2.requests()?.len();
    // One came before there was a daemon.
    stage.expect(
        logged == 2 * REQUESTS + 1,
        format!("the web servers logged {logged}"),
    );
    Ok(())
}

/// The count that `uniq -c` gives for a line.
fn count_of(counts: &str, name: &str) -> usize {
    let mut lines = counts.lines().map(str::split_ascii_whitespace);
    lines
        .find_map(|mut words| {
            let count = words.next()?.parse().ok()?;
            (words.next() == Some(name) && words.next().is_none()).then_some(count)
        })
        .unwrap_or(0)
}

pub(super) fn shift_under_load(
    stage: &mut Stage,
    scenario: &Scenario,
    daemons: &Daemons,
) -> Result<()> {
    stage.act(
        "The route document edited under load: 0 to 100",
        "Two curls, one for each HTTP version, send requests all the time while the file changes.",
    )?;
    let load = [scenario.curl(), scenario.curl().http2()].map(|curl| curl.load(URL, 1));
    let file = scenario.documents.file_of("routeName", "serviceB")?;
    wait_for_traffic(daemons)?;
    let generation = daemons.a.configuration()?.generation;
    scenario.documents.set_weights(0, 100)?;
    stage.shell(&format!("grep -B1 weight $LAB/documents/{file}"))?;
    daemons
        .a
        .wait_configuration("the new weights", |now| now.generation > generation)?;
    wait_for_traffic(daemons)?;
    let mut total = 0;
    let mut failed = Vec::new();
    for load in load {
        let answers: Answers = load.stop()?;
        total += answers.total();
        failed.extend(
            answers
                .failures()
                .into_iter()
                .map(|(answer, _)| answer.clone()),
        );
    }
    let claim = format!("none of {total} requests around the change failed");
    stage.expect_none(&failed, claim);
    let before = daemons.a.stat(TO_SERVICE_B)?;
    let line = format!("$LAB/serviceA/workload curl -s '{URL}?n=[1-{REQUESTS}]' | sort | uniq -c");
    let counts = stage.shell(&line)?;
    stage.expect(
        count_of(&counts, "serviceBv2") == REQUESTS && daemons.a.stat(TO_SERVICE_B)? == before,
        "every request reaches serviceBv2, none serviceB",
    );
    Ok(())
}

/// Some requests more than there are now.
fn wait_for_traffic(daemons: &Daemons) -> Result<()> {
    let seen = daemons.a.stat(FROM_APPLICATION)?;
    wait::until_true("traffic", || {
        Ok(daemons.a.stat(FROM_APPLICATION)? > seen + 300)
    })
}

#[cfg(test)]
mod tests;
