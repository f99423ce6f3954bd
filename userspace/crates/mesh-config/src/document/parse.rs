//! Sets of files to documents; what came of a file is kept for as long as the file stays the same.

use std::{
    cell::LazyCell,
    collections::{HashMap, HashSet},
    num::NonZeroUsize,
    sync::Arc,
    thread, vec,
};

use super::{Documents, Open, Parsed, check, finding::Findings, gather, options};
use crate::{
    form::{self, FileRead, Inputs, cloudformation, kubernetes},
    problem::{Place, Rule, suggest},
    source::{DocumentSet, SourceFile},
};

/// Fewer new files than this are read by one thread.
const FEW: usize = 256;

/// Reads one set after another, as a directory changes.
#[derive(Debug)]
pub struct Parser {
    inputs: Inputs,
    /// In the order of the last set.
    known: Vec<Known>,
    kubernetes: kubernetes::Settler,
    stacks: cloudformation::Stacks,
}

#[derive(Clone, Debug)]
struct Known {
    source: Arc<SourceFile>,
    read: Arc<FileRead>,
}

impl Parser {
    /// A parser that knows no file yet.
    pub fn new(inputs: Inputs) -> Self {
        Self {
            inputs,
            known: Vec::new(),
            kubernetes: kubernetes::Settler::default(),
            stacks: cloudformation::Stacks::default(),
        }
    }

    /// Reads a set, settles which file is the state of which resource, and checks the documents
    /// against each other. A file that is the same `Arc` as in the set before is not read again.
    pub fn parse(&mut self, set: &DocumentSet) -> Parsed {
        self.read_new(&set.files);
        let mut findings = Findings::default();
        let mut entries = Vec::with_capacity(set.files.len());
        let mut listed = Vec::new();
        let mut objects = Vec::new();
        let mut templates = Vec::new();
        let mut options = Vec::new();
        let mut redirects = Vec::new();
        for Known { read, .. } in &self.known {
            entries.extend(read.entries.iter().cloned());
            listed.extend(read.listed.iter().cloned());
            objects.extend(read.objects.iter().cloned());
            templates.extend(read.templates.iter().cloned());
            options.extend(read.options.iter().cloned());
            redirects.extend(read.redirects.iter().cloned());
            findings.extend(read.findings.clone());
        }
        entries.extend(self.kubernetes.settle(&objects, &mut findings));
        let stacks = &mut self.stacks;
        let evaluated = stacks.evaluate(&templates, &self.inputs, &mut findings);
        entries.extend(evaluated.iter().cloned());
        findings.problems.extend(set.unreadable.iter().cloned());
        self.warn_of_names_without_file(set, &mut findings);
        let gather::Gathered {
            mut documents,
            declared,
        } = gather::gather(&entries, &listed, &mut findings);
        options::settle(&options, &mut documents, &mut findings);
        check::check(
            &documents,
            &declared,
            &mut findings.problems,
            &mut findings.warnings,
        );
        Parsed {
            redirects,
            ..parsed(documents, findings)
        }
    }

    fn warn_of_names_without_file(&self, set: &DocumentSet, findings: &mut Findings) {
        let names = self.inputs.names.keys();
        for name in names.filter(|name| set.files.iter().all(|file| file.name != **name)) {
            let files = set.files.iter().map(|file| file.name.as_str());
            let hint = suggest::closest(name, files)
                .map_or_else(String::new, |meant| format!("; did you mean `{meant}`?"));
            let place = Place {
                document: Some(format!("--document '{name}=…'")),
                ..Place::default()
            };
            let message = format!("no file is called so, so it has no effect{hint}");
            findings.warn(place, Rule::UnknownKind, message);
        }
    }

    /// Reads the files that are not known, and forgets those that are gone.
    fn read_new(&mut self, files: &[Arc<SourceFile>]) {
        let known = std::mem::take(&mut self.known);
        // Mostly each file is where it was; only where files came or went they are looked for.
        let by_address = LazyCell::new(|| -> HashMap<usize, &Known> {
            let by_address = known.iter().map(|known| (address(&known.source), known));
            by_address.collect()
        });
        let find = |(index, file): (usize, &Arc<SourceFile>)| {
            let here = known.get(index);
            here.filter(|here| Arc::ptr_eq(&here.source, file))
                .or_else(|| by_address.get(&address(file)).copied())
                .cloned()
        };
        let found: Vec<Option<Known>> = files.iter().enumerate().map(find).collect();
        let new = files.iter().zip(&found);
        let new = new.filter(|(_, found)| found.is_none());
        let mut new = read_all(
            new.map(|(file, _)| Arc::clone(file)).collect(),
            &self.inputs,
        );
        self.known = found
            .into_iter()
            .filter_map(|found| found.or_else(|| new.next()))
            .collect();
    }
}

/// A file is held for as long as it is known, so that no other has its address.
fn address(file: &Arc<SourceFile>) -> usize {
    Arc::as_ptr(file).addr()
}

/// Reads files, in their order.
fn read_all(files: Vec<Arc<SourceFile>>, inputs: &Inputs) -> vec::IntoIter<Known> {
    let read = |source: Arc<SourceFile>| Known {
        read: Arc::new(form::read(&source, inputs)),
        source,
    };
    let threads = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    if files.len() < FEW || threads == 1 {
        return files.into_iter().map(read).collect::<Vec<_>>().into_iter();
    }
    let share = files.len().div_ceil(threads);
    thread::scope(|scope| {
        let workers: Vec<_> = files
            .chunks(share)
            .map(|files| scope.spawn(move || files.iter().cloned().map(read).collect::<Vec<_>>()))
            .collect();
        workers
            .into_iter()
            .flat_map(|worker| worker.join().expect("reading a file does not panic"))
            .collect::<Vec<_>>()
    })
    .into_iter()
}

fn parsed(documents: Documents, findings: Findings) -> Parsed {
    let Findings {
        mut problems,
        mut warnings,
        open,
    } = findings;
    problems.sort();
    warnings.sort();
    Parsed {
        documents,
        redirects: Vec::new(),
        problems,
        warnings,
        open: each_once(open),
    }
}

/// Each expression of a file once, where it stands first.
fn each_once(mut open: Vec<Open>) -> Vec<Open> {
    open.sort();
    let mut seen = HashSet::new();
    open.retain(|open| seen.insert((open.place.file.clone(), open.expression.clone())));
    open
}
