//! Names that someone may have meant.

/// How alike two names must be (Jaro-Winkler, 0 to 1) for one to be a likely slip for the other.
const ALIKE: f64 = 0.85;
/// How many names are worth listing.
const SHOWN: usize = 4;

/// The known name that was most likely meant, if any is near.
pub(crate) fn closest<'a>(
    given: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    ranked(given, known)
        .into_iter()
        .next()
        .filter(|(alike, _)| *alike >= ALIKE)
        .map(|(_, name)| name)
}

/// The known names, nearest first, as they stand in a sentence: `a`, `a or b`, `a, b or c`.
pub(crate) fn listed<'a>(given: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let ranked = ranked(given, known);
    let names: Vec<String> = ranked
        .iter()
        .take(SHOWN)
        .map(|(_, name)| format!("`{name}`"))
        .collect();
    alternatives(&names)
}

/// Alternatives as they stand in a sentence.
pub(crate) fn alternatives<S: AsRef<str>>(names: &[S]) -> Option<String> {
    let (last, rest) = names.split_last()?;
    if rest.is_empty() {
        return Some(last.as_ref().to_owned());
    }
    let rest: Vec<&str> = rest.iter().map(AsRef::as_ref).collect();
    Some(format!("{} or {}", rest.join(", "), last.as_ref()))
}

fn ranked<'a>(given: &str, known: impl IntoIterator<Item = &'a str>) -> Vec<(f64, &'a str)> {
    let given = given.to_lowercase();
    let mut ranked: Vec<(f64, &str)> = known
        .into_iter()
        .map(|name| (strsim::jaro_winkler(&given, &name.to_lowercase()), name))
        .collect();
    ranked.sort_by(|(a, left), (b, right)| b.total_cmp(a).then_with(|| left.cmp(right)));
    ranked
}

#[cfg(test)]
mod tests;
