//! The flags of `ferromesh tap`.

use clap::{Args, ValueEnum, builder::PossibleValuesParser};
use mesh_telemetry::reason::Reason;

use super::InstanceArg;
use crate::commands::tap::wanted::{Field, Sample, StatusFilter};

#[derive(Args, Debug)]
pub(crate) struct TapArgs {
    #[command(flatten)]
    pub(crate) instance: InstanceArg,
    /// Requests of this workload alone
    #[arg(long, value_name = "NAME")]
    pub(crate) workload: Option<String>,
    /// Requests that go this way alone
    #[arg(long)]
    pub(crate) direction: Option<DirectionArg>,
    /// Requests to this virtual service, virtual node or cluster alone
    #[arg(long, value_name = "NAME")]
    pub(crate) service: Option<String>,
    /// Requests with this status alone: 503, 5xx, >=500, <400, or 0 for those without an answer; may be
    /// given several times, and then one has to fit
    #[arg(long = "status", value_name = "STATUS")]
    pub(crate) statuses: Vec<StatusFilter>,
    /// Requests that failed for this reason alone; may be given several times, and then one has to fit
    #[arg(
        long = "reason",
        value_name = "WORD",
        value_parser = PossibleValuesParser::new(Reason::ALL.map(Reason::word)),
        hide_possible_values = true
    )]
    pub(crate) reasons: Vec<String>,
    /// Requests with this header field alone; may be given several times, and then all have to fit
    #[arg(long = "header", value_name = "NAME=VALUE")]
    pub(crate) headers: Vec<Field>,
    /// Look at one request of so many
    #[arg(long, value_name = "1/N", default_value = "1/1")]
    pub(crate) sample: Sample,
    /// Show no more than so many a second
    #[arg(
        long,
        value_name = "N",
        default_value_t = 100,
        value_parser = clap::value_parser!(u64).range(1..=100_000)
    )]
    pub(crate) rate: u64,
    /// Take the value of this header field out, too; may be given several times. Taken out in any case is
    /// what lets somebody in: authorization, cookies, tokens, keys, secrets, signatures
    #[arg(long, value_name = "NAME")]
    pub(crate) redact: Vec<String>,
    /// Show the values of queries
    #[arg(long)]
    pub(crate) query: bool,
    /// End after so many requests [default: when it is interrupted]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) count: Option<u64>,
    /// End after so long
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub(crate) seconds: Option<u64>,
    /// Print one JSON object a line, with the header fields
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum DirectionArg {
    /// Those that applications of this host make
    Egress,
    /// Those that come to applications of this host
    Ingress,
}

impl DirectionArg {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Egress => "egress",
            Self::Ingress => "ingress",
        }
    }
}
