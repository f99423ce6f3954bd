//! `Duration` and the timeouts. The API lets both parts of a duration be absent; no meaning of a
//! half one is known, so both are required, as the Kubernetes controller requires them.

use mesh_model::spec::duration::{Duration, DurationUnit, RequestTimeout, TcpTimeout};

use super::{object, words};

object!(Duration { unit: required "unit", value: required "value" });
words!(DurationUnit { Seconds "s", Milliseconds "ms" });
object!(RequestTimeout { idle: optional "idle", per_request: optional "perRequest" });
object!(TcpTimeout { idle: optional "idle" });
