//! Other programs on the hooks between a workload's cgroup and the root, and below it.

use std::path::Path;

use mesh_bpf::{
    cgroup,
    survey::attached::{self, Attached, LoadedProgram, Sharing},
};

use super::{Finding, Scene};

/// How many cgroups below a workload's are looked at.
const BELOW: usize = 1000;

pub(super) fn look(scene: &Scene, directory: &Path) -> Vec<Finding> {
    let Ok(directory) = cgroup::attachable(directory) else {
        // Why not is said where the cgroup is looked at.
        return Vec::new();
    };
    let above = attached::on_the_way_up(&directory, &scene.names);
    let below = attached::below(&directory, BELOW, &scene.names);
    let mut findings = Vec::new();
    for (found, position) in [(above, None), (below, Some(Position::Below))] {
        match found {
            Ok(found) => findings.extend(found.iter().filter_map(|attached| {
                let position = position.unwrap_or(if attached.place == directory {
                    Position::Same
                } else {
                    Position::Above
                });
                judge(scene, attached, position)
            })),
            Err(error) => findings.push(Finding::unseen("hooks", "other programs", error)),
        }
    }
    if findings.is_empty() {
        findings.push(Finding::ok(
            "hooks",
            format!(
                "no other program is on the way up from {}",
                directory.display()
            ),
        ));
    }
    findings
}

/// Where a program is, seen from the workload's cgroup.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Position {
    Above,
    Same,
    Below,
}

fn judge(scene: &Scene, attached: &Attached, position: Position) -> Option<Finding> {
    let others: Vec<&LoadedProgram> = attached
        .programs
        .iter()
        .filter(|program| scene.owner(program.id) != Some(&scene.instance))
        .collect();
    if others.is_empty() {
        return None;
    }
    let place = attached.place.display();
    let who = others
        .iter()
        .map(|program| named(scene, program))
        .collect::<Vec<_>>()
        .join(", ");
    let fact = format!("{who} at {} of {place}", attached.hook);
    let detach = format!(
        "have its owner attach it by a link or with BPF_F_ALLOW_MULTI, or: bpftool cgroup detach \
         {place} {} id {}",
        attached.hook, others[0].id
    );
    Some(match (attached.sharing, position) {
        (Sharing::Alone, Position::Above | Position::Same)
        | (Sharing::Overridable, Position::Same) => Finding::error(
            "hooks",
            format!(
                "{fact} has the place for itself: nothing else can be attached there or below (EPERM)"
            ),
            detach,
        ),
        (Sharing::Overridable, Position::Above) => Finding::warning(
            "hooks",
            format!(
                "{fact} was attached with BPF_F_ALLOW_OVERRIDE: it no longer runs for the workload once Ferromesh is attached"
            ),
            detach,
        ),
        _ if !changes_destinations(attached) => {
            Finding::ok("hooks", format!("{fact} runs beside Ferromesh's"))
        }
        (Sharing::Shared, Position::Above) => Finding::ok(
            "hooks",
            format!(
                "{fact} runs after Ferromesh's, and sees the loopback address of what is redirected"
            ),
        ),
        (_, Position::Same | Position::Below) => Finding::warning(
            "hooks",
            format!(
                "{fact} may run before Ferromesh's: where it changes a destination, Ferromesh sees the changed one alone"
            ),
            "attach it to a cgroup above the workload's, where it runs after",
        ),
    })
}

/// Whether a hook can change where a connection goes.
fn changes_destinations(attached: &Attached) -> bool {
    attached.hook.starts_with("connect")
}

fn named(scene: &Scene, program: &LoadedProgram) -> String {
    match scene.owner(program.id) {
        Some(instance) => format!("{program} of the instance {instance}"),
        None => program.to_string(),
    }
}
