//! Names from outside, made safe for folders, files and rows.
//!
//! Comes in: whatever a program, an environment or a foreign document calls things. Goes out: names that are bounded, that cannot
//! leave a directory, and that stay apart: whenever cleaning changed a name, 8 hex digits of its blake3 are appended.

use crate::model::Timestamp;
use crate::text::{head, short_hash};
use std::borrow::Cow;
use std::fmt;

/// The longest name that is kept, in bytes.
pub const NAME_MAX: usize = 256;

/// The longest project folder, in bytes, hash suffix included.
pub const FOLDER_MAX: usize = 80;

/// The longest part of a file name, in bytes, hash suffix included. Two of them, a prefix, a number and the suffix of a
/// temporary file stay under the 255 bytes of common file systems.
pub const FILE_COMPONENT_MAX: usize = 80;

/// `-` and 8 hex digits.
const SUFFIX: usize = 9;

/// The folder of a project: lower-case `[a-z0-9_-]`, never empty, never reserved, at most [`FOLDER_MAX`] bytes.
///
/// A name that is already a folder name stays; any other one gets a hash, so that two names do not share a folder.
///
/// ```
/// use trace_core::names::project_folder;
/// assert_eq!(project_folder("cobot"), "cobot");
/// assert!(project_folder("../../etc/passwd").starts_with("etc-passwd-"));
/// assert_ne!(project_folder("Cobot"), project_folder("COBOT"));
/// ```
#[must_use]
pub fn project_folder(name: &str) -> String {
    // A run keeps its project's name cleaned: both names have the same folder.
    let name = &*clean_name(name);
    let mut clean = String::with_capacity(name.len().min(FOLDER_MAX));
    for c in name.chars().take(FOLDER_MAX + 1) {
        match c.to_ascii_lowercase() {
            c @ ('a'..='z' | '0'..='9' | '_' | '-') => clean.push(c),
            _ if clean.ends_with('-') => {}
            _ => clean.push('-'),
        }
    }
    let stem = clean.trim_start_matches('-'); // a leading `-` reads as an option on command lines
    let fits = stem == name && !stem.is_empty() && stem.len() <= FOLDER_MAX && !is_reserved(stem);
    if fits { clean } else { hashed(stem.trim_end_matches('-'), "project", name, FOLDER_MAX) }
}

/// A name as it is kept in documents and rows: NUL becomes `␀`; a name of more than [`NAME_MAX`] bytes is cut at a character boundary
/// and ends in `-` and 8 hex digits. Otherwise it is kept as it is.
///
/// ```
/// use trace_core::names::clean_name;
/// assert_eq!(clean_name("Synthesis (é)"), "Synthesis (é)");
/// assert_eq!(clean_name(&"x".repeat(300)).len(), 256);
/// ```
#[must_use]
pub fn clean_name(name: &str) -> Cow<'_, str> {
    let name: Cow<'_, str> = if name.contains('\0') { name.replace('\0', "␀").into() } else { name.into() };
    if name.len() <= NAME_MAX {
        return name;
    }
    Cow::Owned(format!("{}-{}", head(&name, NAME_MAX - SUFFIX), short_hash(&name)))
}

/// A part of a file name, such as the session in `session_<id>.jsonl`: `[A-Za-z0-9._-]`, begins with a letter, a digit or
/// `_`, does not end in a dot, at most [`FILE_COMPONENT_MAX`] bytes, never a name that Windows reserves.
///
/// It cannot leave its directory; two different names give two different parts. (Two parts joined by `_` can still
/// meet: open files that must be new with `create_new`.)
///
/// ```
/// use trace_core::names::file_component;
/// assert_eq!(file_component("Rubric_loader.v2"), "Rubric_loader.v2");
/// assert!(file_component("../x").starts_with("x-"));
/// ```
#[must_use]
pub fn file_component(name: &str) -> String {
    let is_kept = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    let clean: String = name.chars().take(FILE_COMPONENT_MAX + 1).map(|c| if is_kept(c) { c } else { '-' }).collect();
    let stem = clean.trim_start_matches(['-', '.']).trim_end_matches('.');
    let fits = stem == name && !stem.is_empty() && stem.len() <= FILE_COMPONENT_MAX && !is_reserved(stem);
    if fits { clean } else { hashed(stem, "unnamed", name, FILE_COMPONENT_MAX) }
}

/// `stem` (or `fallback`), bounded to `max` bytes with the hash of the whole `name`.
fn hashed(stem: &str, fallback: &str, name: &str, max: usize) -> String {
    let stem = if stem.is_empty() { fallback } else { head(stem, max - SUFFIX - 1) };
    let mark = if is_reserved(stem) { "_" } else { "" }; // `nul.txt-…` would still be a device
    format!("{mark}{stem}-{}", short_hash(name))
}

/// Names that are devices on Windows, whatever follows their first dot.
fn is_reserved(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or(name).to_ascii_lowercase();
    match stem.as_str() {
        // Windows has devices of these names; the last is ours, inside of every project.
        "con" | "prn" | "aux" | "nul" | "_traces" => true,
        _ => {
            let port = stem.strip_prefix("com").or_else(|| stem.strip_prefix("lpt"));
            port.is_some_and(|number| number.len() == 1 && number.as_bytes()[0].is_ascii_digit())
        }
    }
}

/// The id of a trace: `trc_YYYYMMDD_HHMMSS_<16 hex>` in UTC, or 8 hex digits as the Python reference writes it.
///
/// ```
/// use trace_core::names::TraceId;
/// let id: TraceId = "trc_20260213_143022_00f067aa0ba902b7".parse().unwrap();
/// assert_eq!(id.started_at().to_string(), "2026-02-13T14:30:22Z");
/// assert!("trc_20261313_143022_00f067aa".parse::<TraceId>().is_err());
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TraceId {
    text: String,
    started_at: Timestamp,
}

/// Text that is not the id of a trace.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a trace id: expected trc_YYYYMMDD_HHMMSS_ and 16 (or 8) lower-case hex digits, such as trc_20260213_143022_00f067aa0ba902b7"
)]
pub struct TraceIdError(String);

impl TraceId {
    /// The id of a trace that begins at `started_at`; `random` keeps traces of the same second apart.
    #[must_use]
    pub fn new(started_at: Timestamp, random: u64) -> Self {
        Self { text: format!("trc_{}_{random:016x}", started_at.compact()), started_at: to_second(started_at) }
    }

    /// The second in which the trace began.
    #[must_use]
    pub fn started_at(&self) -> Timestamp {
        self.started_at
    }

    /// The id as it is written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl From<TraceId> for String {
    fn from(id: TraceId) -> Self {
        id.text
    }
}

impl std::str::FromStr for TraceId {
    type Err = TraceIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let started_at =
            second_of(text).ok_or_else(|| TraceIdError(crate::text::printable(head(text, 64)).into_owned()))?;
        Ok(Self { text: text.to_owned(), started_at })
    }
}

fn to_second(time: Timestamp) -> Timestamp {
    const SECOND: i128 = 1_000_000_000;
    Timestamp::from_nanos(time.as_nanos().div_euclid(SECOND) * SECOND)
}

/// The second that a well-formed trace id carries.
fn second_of(id: &str) -> Option<Timestamp> {
    let (date, rest) = id.strip_prefix("trc_")?.split_once('_')?;
    let (time, random) = rest.split_once('_')?;
    let is_digits = |text: &str, len| text.len() == len && text.bytes().all(|byte| byte.is_ascii_digit());
    let is_hex = |text: &str| text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    if !is_digits(date, 8) || !is_digits(time, 6) || !matches!(random.len(), 8 | 16) || !is_hex(random) {
        return None;
    }
    let [(year, month, day), (hour, minute, second)] =
        [(&date[..4], &date[4..6], &date[6..]), (&time[..2], &time[2..4], &time[4..])];
    format!("{year}-{month}-{day}T{hour}:{minute}:{second}Z").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOSTILE: [&str; 26] = [
        "",
        ".",
        "..",
        "../../etc/passwd",
        "/etc/passwd",
        "C:\\x",
        "CON",
        "con",
        "nul.txt",
        "COM1",
        "lpt9",
        "-rf",
        "a b",
        "A",
        "ä",
        "🦀",
        "🦀🦀",
        "a.",
        "a..",
        "trailing ",
        "\0",
        "a\0b",
        "a/b",
        "a\\b",
        "\u{202e}",
        "~",
    ];

    #[test]
    fn project_folders_stay_inside_and_apart() {
        let long = ["x".repeat(300), "x".repeat(301), "🦀".repeat(300), "x".repeat(81)];
        let names: Vec<&str> = HOSTILE.into_iter().chain(long.iter().map(String::as_str)).collect();
        let mut seen = std::collections::HashMap::new();
        for name in names {
            let folder = project_folder(name);
            assert!(!folder.is_empty() && folder.len() <= FOLDER_MAX, "{name:?} {folder}");
            assert!(folder.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-')), "{name:?} {folder}");
            assert!(!is_reserved(&folder) && !folder.starts_with('-'), "{name:?} {folder}");
            assert_eq!(project_folder(&folder), folder, "{name:?}");
            assert_eq!(seen.insert(folder, name), None, "{name:?}");
        }
    }

    #[test]
    fn a_folder_name_is_its_own_folder() {
        for name in ["cobot", "my_project-2", "_x", "com10", "console", "x-", &"x".repeat(FOLDER_MAX)] {
            assert_eq!(project_folder(name), name);
        }
    }

    #[test]
    fn file_components_stay_inside_and_apart() {
        let long = ["x".repeat(300), "x".repeat(301), "🦀".repeat(300)];
        let names: Vec<&str> = HOSTILE.into_iter().chain(long.iter().map(String::as_str)).collect();
        let mut seen = std::collections::HashMap::new();
        for name in names {
            let part = file_component(name);
            assert!(!part.is_empty() && part.len() <= FILE_COMPONENT_MAX, "{name:?} {part}");
            assert!(part.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b)), "{name:?} {part}");
            assert!(!part.starts_with(['.', '-']) && !part.ends_with('.') && !is_reserved(&part), "{name:?} {part}");
            assert_eq!(file_component(&part), part, "{name:?}");
            assert_eq!(seen.insert(part, name), None, "{name:?}");
        }
        for name in ["trc_20260213_143022_00f067aa0ba902b7", "A1.b", "6ba7b810-9dad-11d1-80b4-00c04fd430c8"] {
            assert_eq!(file_component(name), name);
        }
    }

    #[test]
    fn long_names_are_cut_between_characters_and_stay_apart() {
        let (a, b) = (format!("{}a", "é".repeat(200)), format!("{}b", "é".repeat(200)));
        assert!(clean_name(&a).len() <= NAME_MAX);
        assert_ne!(clean_name(&a), clean_name(&b));
        assert_eq!(clean_name(&clean_name(&a)), clean_name(&a));
        assert_eq!(clean_name("a\0b"), "a␀b");
        assert!(matches!(clean_name(&"x".repeat(NAME_MAX)), Cow::Borrowed(_)));
    }

    #[test]
    fn trace_ids_are_read_strictly() {
        let made = TraceId::new("2026-02-13T14:30:22.9Z".parse().unwrap(), 0xab);
        assert_eq!(made.as_str(), "trc_20260213_143022_00000000000000ab");
        assert_eq!(made.as_str().parse::<TraceId>().unwrap(), made);
        assert!("trc_20260213_143022_a1b2c3d4".parse::<TraceId>().is_ok());
        for wrong in [
            "",
            "trc_",
            "trc_20260213_143022_a1b2c3d",
            "trc_20260213_143022_A1B2C3D4",
            "trc_20260213_250000_a1b2c3d4",
            "trc_20260213_143022_a1b2c3d4/..",
            "trc_2026é13_143022_a1b2c3d4",
            "x_20260213_143022_a1b2c3d4",
        ] {
            assert!(wrong.parse::<TraceId>().is_err(), "{wrong}");
        }
    }
}
