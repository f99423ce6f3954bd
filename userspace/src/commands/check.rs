//! `ferromesh check`: what a host lacks, what is in the way on it, what was half removed.

mod filters;
pub(crate) mod finding;
mod hooks;
mod instances;
mod kernel;
mod mounts;
mod namespaces;
mod neighbours;

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    process::ExitCode,
};

use mesh_bpf::{
    cgroup,
    inspect::{InstanceReport, inspect},
    survey::{attached::Names, pinned},
};
use mesh_config::{enrolment, problem::Problem};

pub(crate) use self::{
    finding::{Finding, Report},
    instances::recorded_pid,
};
use super::{answer, status::BPFFS};
use crate::cli::CheckArgs;

/// What is looked at.
pub(crate) struct Subject {
    pub(crate) instance: String,
    /// A cgroup that is to be a workload.
    pub(crate) workload_cgroup: Option<PathBuf>,
    /// An enrolment file, of which all are to be.
    pub(crate) workloads: Option<PathBuf>,
}

/// Exit status 1 when there is an error among the findings.
pub(crate) fn run(args: &CheckArgs) -> anyhow::Result<ExitCode> {
    let report = look(&Subject {
        instance: args.instance.instance.clone(),
        workload_cgroup: args.workload_cgroup.clone(),
        workloads: args.workloads.clone(),
    });
    if args.json {
        answer::print(format!("{:#}\n", serde_json::to_value(&report)?))?;
    } else {
        answer::print(&report)?;
    }
    Ok(if report.errors == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// What is known before anything is judged.
struct Scene {
    instance: String,
    names: Names,
    /// Whose each program is, of all instances.
    own_programs: Vec<(u32, String)>,
    /// What the pins of the instance show; none if there are none or they cannot be read.
    kernel: Option<InstanceReport>,
    /// The cgroups of workloads, enrolled or to be.
    cgroups: BTreeSet<PathBuf>,
    /// The network namespaces of workloads that are to be, by name.
    namespaces: Vec<(String, PathBuf)>,
    /// What is wrong with the enrolment file.
    problems: Vec<Finding>,
}

impl Scene {
    fn set(subject: &Subject) -> Self {
        let bpffs = Path::new(BPFFS);
        let pinned = pinned::all(bpffs).unwrap_or_default();
        let own_programs = pinned.iter().flat_map(|instance| {
            let links = instance.links.iter();
            links.map(|link| (link.program_id, instance.name.clone()))
        });
        let kernel = inspect(bpffs, &subject.instance).ok().flatten();
        let enrolled = kernel.iter().flat_map(|kernel| &kernel.workloads);
        let (wanted, problems) = match &subject.workloads {
            None => (Vec::new(), Vec::new()),
            Some(file) => match enrolment::read(file) {
                Ok(wanted) => (wanted, Vec::new()),
                Err(problems) => (Vec::new(), problems.iter().map(bad_enrolment).collect()),
            },
        };
        let namespaces = wanted.iter().filter_map(|one| {
            let netns = one.netns.clone()?;
            Some((one.name.clone(), netns))
        });
        Self {
            namespaces: namespaces.collect(),
            problems,
            instance: subject.instance.clone(),
            names: Names::read(),
            own_programs: own_programs.collect(),
            cgroups: enrolled
                .map(|workload| workload.cgroup.clone())
                .chain(subject.workload_cgroup.clone())
                .chain(wanted.into_iter().map(|one| one.cgroup))
                .collect(),
            kernel,
        }
    }

    /// The instance that a program belongs to.
    fn owner(&self, program: u32) -> Option<&str> {
        let found = self.own_programs.iter().find(|(id, _)| *id == program);
        found.map(|(_, instance)| instance.as_str())
    }
}

/// Looks at everything.
pub(crate) fn look(subject: &Subject) -> Report {
    let scene = Scene::set(subject);
    let mut findings = kernel::look();
    findings.extend(mounts::look());
    findings.extend(scene.problems.iter().cloned());
    for directory in &scene.cgroups {
        findings.push(place(directory));
        findings.extend(hooks::look(&scene, directory));
    }
    findings.extend(namespaces::look(&scene));
    findings.extend(instances::look(&scene));
    findings.extend(neighbours::look());
    Report::new(findings)
}

fn bad_enrolment(problem: &Problem) -> Finding {
    Finding::error(
        "workload",
        problem.to_string(),
        "mend the file at the place that is named",
    )
}

/// Whether a cgroup can be a workload's.
fn place(directory: &Path) -> Finding {
    match cgroup::attachable(directory) {
        Ok(real) => Finding::ok(
            "workload",
            format!(
                "{} is a cgroup that programs can be attached to, with {} processes",
                real.display(),
                cgroup::processes(&real).len()
            ),
        ),
        Err(error) => Finding::error(
            "workload",
            format!("{:#}", anyhow::Error::new(error)),
            "make the cgroup, start the workload in it, and name its directory",
        ),
    }
}
