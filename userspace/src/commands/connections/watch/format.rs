//! Numbers in few cells.

/// A number of bytes in at most five cells: `999`, `1.2k`, `34M`, `567G`.
pub(super) fn amount(bytes: u64) -> String {
    let mut rest = bytes;
    let mut below = 0;
    for unit in ["", "k", "M", "G", "T", "P", "E"] {
        if rest < 1000 {
            return if unit.is_empty() || rest >= 10 {
                format!("{rest}{unit}")
            } else {
                format!("{rest}.{}{unit}", below / 100)
            };
        }
        below = rest % 1000;
        rest /= 1000;
    }
    format!("{rest}E")
}

/// A time in at most six cells: `950ms`, `12s`, `3m05s`, `7h09m`, `12d`.
pub(super) fn time(milliseconds: u64) -> String {
    let seconds = milliseconds / 1000;
    match seconds {
        0 => format!("{milliseconds}ms"),
        1..60 => format!("{seconds}s"),
        60..3_600 => format!("{}m{:02}s", seconds / 60, seconds % 60),
        3_600..86_400 => format!("{}h{:02}m", seconds / 3_600, seconds / 60 % 60),
        _ => format!("{}d", seconds / 86_400),
    }
}

/// A round trip in at most six cells: `950us`, `1.2ms`, `34ms`, `5s`.
pub(super) fn round_trip(microseconds: u64) -> String {
    match microseconds {
        0..1_000 => format!("{microseconds}us"),
        1_000..10_000 => {
            let tenths = microseconds / 100;
            format!("{}.{}ms", tenths / 10, tenths % 10)
        }
        10_000..1_000_000 => format!("{}ms", microseconds / 1_000),
        _ => format!("{}s", microseconds / 1_000_000),
    }
}
