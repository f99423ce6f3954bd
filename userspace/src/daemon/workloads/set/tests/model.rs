//! Whatever comes in whatever order, the set says of the kernel what the kernel has.

use std::collections::{BTreeMap, BTreeSet};

use proptest::{collection::vec, prelude::*, sample::select};

use super::{Begun, EnrolledBy, MORE_PORTS, Numbers, OTHER_PORTS, Release, Wanted, site, wanted};

const NAMES: [&str; 3] = ["a", "b", "c"];

#[derive(Clone, Copy, Debug)]
enum Event {
    Add,
    Want,
    Unwant,
    Begin,
    BeginAnew,
    Started,
    /// With or without programs that stay.
    StartFailed(bool),
    BeginRelease,
    Released(bool),
    LetGo(bool),
    /// The daemon is killed, and another begins.
    Restart,
}

/// Whose programs are attached under each number.
type Kernel = BTreeMap<u32, String>;

fn of_name(name: &str, by: EnrolledBy) -> Wanted {
    let ports: &[(&str, &str)] = match name {
        "a" => &[],
        "b" => &OTHER_PORTS,
        _ => &MORE_PORTS,
    };
    Wanted {
        by,
        ..wanted(name, &format!("/c/{name}"), ports)
    }
}

fn attach(kernel: &mut Kernel, set: &Numbers, name: &str) {
    let id = set.number(name).expect("who starts has a number");
    let before = kernel.insert(id, name.to_owned());
    assert!(
        before.is_none_or(|before| before == name),
        "{name} has the number of another"
    );
}

fn detach(kernel: &mut Kernel, id: u32, name: &str) {
    let before = kernel.remove(&id);
    assert!(
        before.is_none_or(|before| before == name),
        "{name} lets another go"
    );
}

fn happen(set: &mut Numbers, kernel: &mut Kernel, event: Event, name: &str) {
    let site = site(&format!("/c/{name}"));
    let is_at = |set: &Numbers, phase: &str| {
        let member = set.members.get(name);
        member.is_some_and(|member| member.phase.as_str() == phase)
    };
    let arm = |begun: anyhow::Result<Begun>, set: &Numbers, kernel: &mut Kernel| {
        if begun.is_ok_and(|begun| begun.is_armed) {
            attach(kernel, set, name);
        }
    };
    match event {
        Event::Add => {
            let begun = set.add(&of_name(name, EnrolledBy::Request), &site);
            arm(begun, set, kernel);
        }
        Event::Want => {
            let wanted = of_name(name, EnrolledBy::File);
            set.wanted.entry(name.to_owned()).or_insert(wanted);
        }
        Event::Unwant => drop(set.wanted.remove(name)),
        Event::Begin => {
            if let Some(wanted) = set.wanted.get(name).cloned() {
                let begun = set.begin(&wanted, &site);
                arm(begun, set, kernel);
            }
        }
        Event::BeginAnew => {
            if let Some(wanted) = set.wanted.get(name).cloned() {
                let begun = set.begin_anew(&wanted, &site).map(|(begun, _)| begun);
                arm(begun, set, kernel);
            }
        }
        Event::Started if is_at(set, "STARTING") => {
            attach(kernel, set, name);
            set.started(name, Ok(0.into()));
        }
        Event::StartFailed(is_attached) if is_at(set, "STARTING") => {
            if is_attached {
                attach(kernel, set, name);
            }
            super::fail(set, name);
        }
        Event::BeginRelease => {
            if let Ok(Some(Release::Absent)) = set.begin_release(name, false) {
                happen(set, kernel, Event::LetGo(true), name);
                set.forget(name);
            }
        }
        Event::Released(true) if is_at(set, "DRAINING") => {
            detach(kernel, set.number(name).expect("a number"), name);
            set.released(name, &Ok(()));
        }
        Event::Released(false) if is_at(set, "DRAINING") => {
            set.released(name, &Err(anyhow::anyhow!("no")));
        }
        Event::LetGo(can) => {
            let release = |id| {
                if can {
                    detach(kernel, id, name);
                }
                can.then_some(()).ok_or(())
            };
            let _ = set.let_go(name, release);
        }
        Event::Restart => {
            let mut fresh = Numbers {
                wanted: std::mem::take(&mut set.wanted),
                ..Numbers::default()
            };
            for (id, name) in &*kernel {
                fresh.remember(name.clone(), *id, format!("/c/{name}").into(), None);
            }
            *set = fresh;
        }
        _ => {}
    }
}

proptest! {
    #[test]
    fn a_number_is_of_one_name_until_the_kernel_has_let_it_go(
        events in vec(
            (
                select(vec![
                    Event::Add, Event::Want, Event::Unwant, Event::Begin, Event::BeginAnew,
                    Event::Started, Event::StartFailed(true), Event::StartFailed(false),
                    Event::BeginRelease, Event::Released(true), Event::Released(false),
                    Event::LetGo(true), Event::LetGo(false), Event::Restart,
                ]),
                select(NAMES.to_vec()),
            ),
            0..60,
        ),
    ) {
        let mut set = Numbers::default();
        let mut kernel = Kernel::new();
        for (event, name) in events {
            happen(&mut set, &mut kernel, event, name);
            for (id, name) in &kernel {
                prop_assert_eq!(set.number(name), Some(*id), "after {:?}", event);
            }
            let numbers: Vec<_> = NAMES.iter().filter_map(|name| set.number(name)).collect();
            let apart: BTreeSet<_> = numbers.iter().collect();
            prop_assert_eq!(apart.len(), numbers.len());
            for name in set.unwanted() {
                prop_assert!(!set.wanted.contains_key(&name));
            }
        }
        for name in NAMES {
            happen(&mut set, &mut kernel, Event::Started, name);
            set.wanted.remove(name);
            happen(&mut set, &mut kernel, Event::BeginRelease, name);
            happen(&mut set, &mut kernel, Event::Released(true), name);
            happen(&mut set, &mut kernel, Event::LetGo(true), name);
        }
        prop_assert!(kernel.is_empty(), "left behind: {:?}", kernel);
    }
}
