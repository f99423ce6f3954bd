//! `ferromesh explain-connect`: whether a connection would be redirected, and by which rule.

mod subject;
mod text;

use std::path::Path;

use anyhow::bail;
use mesh_bpf::explain::{Question, explain};
use serde_json::json;

use self::subject::Subject;
use super::{answer, status::BPFFS};
use crate::cli::ExplainConnectArgs;

pub(crate) fn run(args: &ExplainConnectArgs) -> anyhow::Result<()> {
    let instance = &args.instance.instance;
    let subject = Subject::find(args)?;
    let question = Question {
        cgroup: subject.cgroup.clone(),
        netns: subject.netns.clone(),
        uid: subject.uid,
        gid: subject.gid,
        to: args.to,
        bound_interface: args.bound_device.clone(),
    };
    let Some(explanation) = explain(Path::new(BPFFS), instance, &question)? else {
        bail!(
            "no instance `{instance}` on this kernel, so nothing redirects; name one with --instance"
        );
    };
    if args.json {
        let answer = json!({ "subject": subject, "explanation": explanation });
        return answer::print(format!("{answer:#}\n"));
    }
    answer::print(text::Page {
        subject: &subject,
        explanation: &explanation,
    })
}
