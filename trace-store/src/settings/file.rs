//! Finds and reads `whytrace.toml`.

use super::options::{self, OPTIONS};
use super::value::{Given, Value};
use super::{CONFIG_VARIABLE, FILE_NAME, Problem, Settings, Surroundings};
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use toml::de::DeTable;

/// A settings file is a page of text; a larger one is something else.
const MAX_BYTES: u64 = 1024 * 1024;

/// Applies the settings file, if there is one.
pub(crate) fn apply(settings: &mut Settings, surroundings: &Surroundings, problems: &mut Vec<Problem>) {
    let Some(file) = find(surroundings, problems) else { return };
    match read(&file) {
        Ok(text) => apply_text(settings, &file, &text, problems),
        Err(cause) => problems.push(Problem::of_file(&file, None, &format!("cannot be read: {cause}"))),
    }
}

/// The file named by the variable, else the nearest one from the current directory up to home or root.
pub(crate) fn find(surroundings: &Surroundings, problems: &mut Vec<Problem>) -> Option<PathBuf> {
    if let Some(named) = surroundings.variables.get(CONFIG_VARIABLE).filter(|named| !named.is_empty()) {
        return Some(PathBuf::from(named));
    }
    for folder in surroundings.current_dir.as_deref()?.ancestors() {
        let file = folder.join(FILE_NAME);
        if file.is_file() {
            if is_shared(folder) {
                problems.push(Problem::general(format!(
                    "{} is left alone: anybody can write to that folder; name it in {CONFIG_VARIABLE} to use it",
                    file.display()
                )));
                return None;
            }
            return Some(file);
        }
        if surroundings.home.as_deref() == Some(folder) {
            break;
        }
    }
    None
}

/// Whether a folder is one that all users share, as `/tmp` is: a file there could send traces to somebody else's database.
#[cfg(unix)]
fn is_shared(folder: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    const STICKY_AND_WRITABLE_BY_ALL: u32 = 0o1002;
    fs::metadata(folder).is_ok_and(|meta| meta.mode() & STICKY_AND_WRITABLE_BY_ALL == STICKY_AND_WRITABLE_BY_ALL)
}

#[cfg(not(unix))]
fn is_shared(_: &Path) -> bool {
    false
}

fn read(file: &Path) -> std::io::Result<String> {
    // Asked before it is opened: opening a named pipe would wait for its writer.
    if !fs::metadata(file)?.is_file() {
        return Err(std::io::Error::other("it is not a regular file"));
    }
    let mut text = String::new();
    fs::File::open(file)?.take(MAX_BYTES + 1).read_to_string(&mut text)?;
    if text.len() as u64 > MAX_BYTES {
        return Err(std::io::Error::other("it is larger than 1 MiB"));
    }
    Ok(text)
}

fn apply_text(settings: &mut Settings, file: &Path, text: &str, problems: &mut Vec<Problem>) {
    let line_of = |at: usize| text.as_bytes().iter().take(at).filter(|byte| **byte == b'\n').count() + 1;
    match DeTable::parse(text) {
        Ok(table) => {
            let mut reader = Reader { settings, file, line_of: &line_of, problems };
            reader.table("", table.get_ref());
        }
        Err(error) => {
            // The error's own text would quote the line, which may hold a password.
            let line = error.span().map(|span| line_of(span.start));
            problems.push(Problem::of_file(file, line, &format!("is no TOML: {}", error.message())));
        }
    }
}

struct Reader<'a> {
    settings: &'a mut Settings,
    file: &'a Path,
    line_of: &'a dyn Fn(usize) -> usize,
    problems: &'a mut Vec<Problem>,
}

impl Reader<'_> {
    fn table(&mut self, prefix: &str, table: &DeTable<'_>) {
        for (name, value) in table {
            let key = format!("{prefix}{}", name.get_ref());
            let line = (self.line_of)(name.span().start);
            let group = format!("{key}.");
            if let Some(option) = OPTIONS.iter().find(|option| option.key == key) {
                let given = Given { value: Value::of_toml(value.get_ref()), base: self.file.parent() };
                if let Err(expected) = (option.apply)(self.settings, &given) {
                    self.problems.push(Problem::of_key(option, self.file, line, &given.value, &expected));
                }
            } else if OPTIONS.iter().any(|option| option.key.starts_with(&group)) {
                match value.get_ref().as_table() {
                    Some(inner) => self.table(&group, inner),
                    None => self.unknown(line, &key, &options::hint_in(&group)),
                }
            } else {
                self.unknown(line, &key, &options::hint(&key));
            }
        }
    }

    fn unknown(&mut self, line: usize, key: &str, hint: &str) {
        self.problems.push(Problem::unknown_key(self.file, line, key, hint));
    }
}
