//! The folder of traces: whether it is there and can be written, how much room there is, what lies in it, and what dead processes left.

use super::Check;
use crate::words::{bytes, counted, one_line, when};
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use trace_store::files::TRACES_DIR;
use trace_store::sql::{Outbox, OutboxLimits};

/// Less free space than this is worth a look: some thousand traces.
const LITTLE_ROOM: u64 = 1 << 30;

/// Less than this is none: a trace with large interactions may not fit.
const NO_ROOM: u64 = 64 << 20;

pub(super) fn checks(dir: &Path) -> Vec<Check> {
    let shown = one_line(&std::path::absolute(dir).unwrap_or_else(|_| dir.to_owned()).display().to_string(), 500);
    match fs::metadata(dir) {
        Ok(meta) if !meta.is_dir() => {
            let advice = "a file is where a folder should be: move it away, or set WHYTRACE_DIR to another folder";
            vec![Check::failed("folder", shown, advice)]
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => missing(dir, &shown),
        Err(error) => vec![Check::failed(
            "folder",
            format!("{shown}: {error}"),
            "allow this user to read it, or set WHYTRACE_DIR to another folder",
        )],
        Ok(_) => {
            let mut checks = vec![contents(dir, &shown), writing(dir)];
            checks.extend(room(dir));
            checks.extend([orphans(dir), outbox(dir)]);
            checks
        }
    }
}

/// The first trace makes the folder, if it can.
fn missing(dir: &Path, shown: &str) -> Vec<Check> {
    let absolute = std::path::absolute(dir).unwrap_or_else(|_| dir.to_owned());
    let above =
        absolute.ancestors().skip(1).find(|above| above.exists()).map_or_else(|| PathBuf::from("/"), Path::to_owned);
    let mut checks = vec![Check::ok("folder", format!("{shown} is not there yet; the first trace makes it"))];
    checks.push(writing(&above));
    checks.extend(room(&above));
    checks
}

fn contents(dir: &Path, shown: &str) -> Check {
    let (mut projects, mut documents) = (0, 0);
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) => {
            return Check::failed(
                "folder",
                format!("{shown}: {error}"),
                "allow this user to read it, or set WHYTRACE_DIR to another folder",
            );
        }
    };
    for project in entries.flatten() {
        let Ok(files) = fs::read_dir(project.path().join(TRACES_DIR)) else { continue };
        projects += 1;
        let is_document = |name: &str| name.starts_with("trc_") && name.ends_with(".json");
        documents += files.flatten().filter(|file| is_document(&file.file_name().to_string_lossy())).count() as u64;
    }
    Check::ok("folder", format!("{shown}: {}, {}", counted(projects, "project"), counted(documents, "document")))
}

/// Makes a file as the traced program would, and removes it.
fn writing(dir: &Path) -> Check {
    let file = dir.join(format!(".whytrace-doctor-{}.tmp", std::process::id()));
    let written = fs::OpenOptions::new().write(true).create_new(true).open(&file).and_then(|mut open| {
        open.write_all(b"whytrace doctor")?;
        open.sync_all()
    });
    let removed = fs::remove_file(&file);
    match written.and(removed) {
        Ok(()) => Check::ok("writing", "files can be made and removed"),
        Err(error) => Check::failed(
            "writing",
            one_line(&format!("cannot write in {}: {error}", dir.display()), 500),
            "allow the user that runs the traced program to write there, or set WHYTRACE_DIR to a folder where it may",
        ),
    }
}

#[cfg(unix)]
fn room(dir: &Path) -> Option<Check> {
    let disk = rustix::fs::statvfs(dir).ok()?;
    let free = disk.f_bavail.saturating_mul(disk.f_frsize);
    let found = format!("{} free", bytes(free));
    let advice = "free some space there; `whytrace prune` removes old traces";
    Some(match free {
        ..NO_ROOM => Check::failed("disk", found, advice),
        NO_ROOM..LITTLE_ROOM => Check::warning("disk", found, advice),
        _ => Check::ok("disk", found),
    })
}

#[cfg(not(unix))]
fn room(_: &Path) -> Option<Check> {
    None
}

/// Traces that dead processes left open.
fn orphans(dir: &Path) -> Check {
    let (open, errors) = trace_core::collect::left_open(dir);
    if let Some(error) = errors.first() {
        return Check::failed("orphans", one_line(&error.to_string(), 500), "allow this user to read and write there");
    }
    if open.is_empty() {
        return Check::ok("orphans", "no process left a trace open");
    }
    let found = format!("dead processes left {} open", counted(open.len() as u64, "trace"));
    Check::warning(
        "orphans",
        found,
        "`whytrace recover` ends them as incomplete; so does the next start of the traced program",
    )
}

/// Rows that could not be written.
fn outbox(dir: &Path) -> Check {
    let status = Outbox::new(dir, OutboxLimits::default()).status();
    let because = status.last_error.as_deref().map_or_else(String::new, |error| format!(": {}", one_line(error, 300)));
    if status.poisoned > 0 {
        let found = format!("the database refused {}{because}", counted(status.poisoned, "trace"));
        return Check::failed("outbox", found, "their documents are whole; mend what the database says");
    }
    if status.entries == 0 {
        return Check::ok("outbox", "empty");
    }
    let since = status.oldest.map_or_else(String::new, |oldest| format!(" since {}", when(oldest)));
    let found = format!("rows of {} wait{since}{because}", counted(status.entries, "trace"));
    Check::warning(
        "outbox",
        found,
        "make the database reachable; then `whytrace sync` writes them, or the traced program",
    )
}
