//! A workload that there should be or is, and how far it is.

use std::{sync::Arc, time::Instant};

use mesh_config::enrolment::Enrolment;
use tokio::sync::watch;

use super::super::super::workload::Workload;
use crate::settings::WorkloadSettings;

/// What enrolled a workload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EnrolledBy {
    /// The flags and variables of the daemon.
    CommandLine,
    /// The enrolment file.
    File,
    /// `ferromesh workload add`.
    Request,
}

impl EnrolledBy {
    /// The word of status.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::CommandLine => "command-line",
            Self::File => "file",
            Self::Request => "request",
        }
    }

    /// For a sentence: "… by `what`".
    pub(crate) fn what(self) -> &'static str {
        match self {
            Self::CommandLine => "the command line of the daemon",
            Self::File => "the enrolment file",
            Self::Request => "`ferromesh workload add`",
        }
    }
}

/// A workload that there should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wanted {
    pub(crate) settings: WorkloadSettings,
    pub(crate) by: EnrolledBy,
    /// None for the workload of the command line.
    pub(crate) enrolment: Option<Enrolment>,
}

/// A workload that there is, or that was tried.
pub(crate) struct Member<W = Workload> {
    /// What it was begun by.
    pub(crate) wanted: Wanted,
    pub(crate) phase: Phase<W>,
}

/// How far a workload is.
pub(crate) enum Phase<W = Workload> {
    Starting,
    Running(Arc<W>),
    Draining {
        workload: Arc<W>,
        /// True ends all waiting.
        hurry: watch::Sender<bool>,
    },
    /// It is tried again when its cgroup is there.
    Waiting,
    Failed {
        error: String,
        since: Instant,
    },
}

impl<W> Phase<W> {
    pub(crate) fn failed(error: &anyhow::Error) -> Self {
        Self::Failed {
            error: format!("{error:#}"),
            since: Instant::now(),
        }
    }

    /// The word of status.
    pub(crate) fn as_str(&self) -> &'static str {
        match self {
            Self::Starting => "STARTING",
            Self::Running(_) => "LIVE",
            Self::Draining { .. } => "DRAINING",
            Self::Waiting => "WAITING",
            Self::Failed { .. } => "FAILED",
        }
    }

    /// The workload, if one runs.
    pub(crate) fn workload(&self) -> Option<&Arc<W>> {
        match self {
            Self::Running(workload) | Self::Draining { workload, .. } => Some(workload),
            Self::Starting | Self::Waiting | Self::Failed { .. } => None,
        }
    }

    /// Whether something of it is made or runs.
    pub(super) fn is_present(&self) -> bool {
        match self {
            Self::Starting | Self::Running(_) | Self::Draining { .. } => true,
            Self::Waiting | Self::Failed { .. } => false,
        }
    }
}
