//! The explanation for people.

use std::fmt::{self, Display, Formatter};

use mesh_bpf::explain::Explanation;

use super::subject::Subject;

pub(super) struct Page<'a> {
    pub(super) subject: &'a Subject,
    pub(super) explanation: &'a Explanation,
}

impl Display for Page<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self {
            subject,
            explanation,
        } = self;
        writeln!(
            f,
            "{} to {}: {} ({})",
            Who(subject),
            explanation.destination,
            explanation.verdict.as_str().to_uppercase(),
            explanation.reason
        )?;
        if let Some(target) = explanation.target {
            writeln!(f, "sent to      {target}")?;
        }
        writeln!(f, "application  sees {}", explanation.seen)?;
        writeln!(
            f,
            "owner        user {}, group {}",
            explanation.uid, explanation.gid
        )?;
        writeln!(f, "cgroup       {}", subject.cgroup.display())?;
        match &explanation.workload {
            Some(workload) => workload_part(f, explanation, &workload.name)?,
            None => outside(f, explanation)?,
        }
        for note in &explanation.notes {
            writeln!(f, "note         {note}")?;
        }
        if subject.pid.is_some() {
            writeln!(
                f,
                "note         for sockets that it makes now: one made before the process was moved \
                 keeps the cgroup and namespace that it was made in"
            )?;
        }
        Ok(())
    }
}

struct Who<'a>(&'a Subject);

impl Display for Who<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.0.pid {
            Some(pid) => write!(f, "{} (pid {pid})", self.0.name),
            None => write!(f, "a process of {}", self.0.cgroup.display()),
        }
    }
}

fn workload_part(f: &mut Formatter<'_>, explanation: &Explanation, name: &str) -> fmt::Result {
    write!(f, "workload     {name}, ")?;
    match explanation.generation {
        Some(generation) => write!(f, "rules of generation {generation}")?,
        None => f.write_str("without rules")?,
    }
    writeln!(f, ", switch {}", explanation.switch.as_str())?;
    if let Some(proxy) = explanation.proxy {
        writeln!(
            f,
            "proxy        {}, {}",
            if proxy.listens {
                "listens"
            } else {
                "does not listen"
            },
            proxy.state.as_str()
        )?;
    }
    writeln!(f, "rules, in their order:")?;
    for step in &explanation.steps {
        writeln!(
            f,
            "  {} {:<18} {}",
            if step.holds { "→" } else { " " },
            step.rule,
            step.why
        )?;
    }
    if explanation.steps.iter().all(|step| !step.holds) && !explanation.steps.is_empty() {
        writeln!(f, "  → {:<18} no rule leaves it alone", "matched")?;
    }
    Ok(())
}

fn outside(f: &mut Formatter<'_>, explanation: &Explanation) -> fmt::Result {
    writeln!(f, "workload     none: no program runs for this cgroup")?;
    for workload in &explanation.workloads {
        writeln!(
            f,
            "  enrolled   {} at {}",
            workload.name,
            workload.cgroup.display()
        )?;
    }
    if explanation.workloads.is_empty() {
        writeln!(f, "  enrolled   none")?;
    }
    Ok(())
}
