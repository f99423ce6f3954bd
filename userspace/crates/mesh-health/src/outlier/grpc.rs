//! What an answer of gRPC counts as.

/// The status of HTTP that a status of gRPC counts as, where an answer begins with one (Envoy's
/// `grpcToHttpStatus`; the codes are those of gRPC's "Status codes and their use").
pub fn status_of_grpc(status: u64) -> u16 {
    match status {
        0 => 200,
        1 => 499,
        3 | 9 | 11 => 400,
        4 => 504,
        5 => 404,
        6 | 10 => 409,
        7 => 403,
        8 => 429,
        12 => 501,
        14 => 503,
        16 => 401,
        _ => 500,
    }
}
