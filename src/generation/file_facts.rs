//! What there is to know of a file before and after it is written: permissions, owner, folder, free space.

use super::finding::Report;
use super::validate::verdict;
use std::fs::{self, File, Metadata};
use std::io;
use std::path::Path;
use trace_core::model::Object;

/// A file as it is found; `None` where it is not.
pub(super) struct Look(Option<Metadata>);

impl Look {
    /// Looks at what the path leads to.
    pub(super) fn at(path: &Path) -> Self {
        Self(fs::metadata(path).ok())
    }

    /// Whether it is there, what it is, how large, and for whom.
    pub(super) fn checks(&self) -> Object {
        let mut checks = Object::from_iter([("exists".to_owned(), self.0.is_some().into())]);
        if let Some(meta) = &self.0 {
            checks.insert("kind".to_owned(), kind(meta).into());
            checks.insert("bytes".to_owned(), meta.len().into());
            checks.insert("permissions".to_owned(), permissions(meta).into());
            checks.insert("owner".to_owned(), owner(meta).into());
        }
        checks
    }

    pub(super) fn permissions(&self) -> Option<String> {
        self.0.as_ref().map(permissions)
    }

    pub(super) fn owner(&self) -> Option<String> {
        self.0.as_ref().and_then(owner)
    }
}

/// The checks before writing.
pub(super) fn before(path: &Path, validated: Option<&Report>) -> Object {
    let mut checks = Look::at(path).checks();
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let meta = fs::metadata(folder).ok();
    checks.insert("folder_exists".to_owned(), meta.as_ref().is_some_and(Metadata::is_dir).into());
    checks.insert("folder_permissions".to_owned(), meta.as_ref().map(permissions).into());
    checks.insert("free_bytes".to_owned(), free_bytes(folder).into());
    if let Some(report) = validated {
        checks.insert("validation".to_owned(), verdict(report));
    }
    checks
}

fn kind(meta: &Metadata) -> &'static str {
    if meta.is_file() {
        "file"
    } else if meta.is_dir() {
        "folder"
    } else {
        "special"
    }
}

/// As `ls` prints them, without the kind: `rw-r--r--`.
#[cfg(unix)]
fn permissions(meta: &Metadata) -> String {
    use std::os::unix::fs::PermissionsExt;
    let mode = meta.permissions().mode();
    let bits = (0..9).rev().map(|bit| (mode >> bit & 1 == 1, ["x", "w", "r"][bit % 3]));
    bits.map(|(is_set, letter)| if is_set { letter } else { "-" }).collect()
}

#[cfg(not(unix))]
fn permissions(meta: &Metadata) -> String {
    if meta.permissions().readonly() { "read-only" } else { "read-write" }.to_owned()
}

/// `user:group`, by name where the system's files know it, else by number.
#[cfg(unix)]
fn owner(meta: &Metadata) -> Option<String> {
    use std::os::unix::fs::MetadataExt;
    let user = name_of("/etc/passwd", meta.uid()).unwrap_or_else(|| meta.uid().to_string());
    let group = name_of("/etc/group", meta.gid()).unwrap_or_else(|| meta.gid().to_string());
    Some(format!("{user}:{group}"))
}

#[cfg(not(unix))]
fn owner(_: &Metadata) -> Option<String> {
    None
}

/// The name in a file of lines `name:password:id:…`, see passwd(5) and group(5).
#[cfg(unix)]
fn name_of(file: &str, id: u32) -> Option<String> {
    let text = fs::read_to_string(file).ok()?;
    let mut entries = text.lines().map(|line| line.split(':'));
    entries.find_map(|mut fields| {
        let name = fields.next()?;
        (fields.nth(1)?.parse() == Ok(id)).then(|| name.to_owned())
    })
}

/// Bytes that this user may still write there.
#[cfg(unix)]
fn free_bytes(folder: &Path) -> Option<u64> {
    let about = rustix::fs::statvfs(folder).ok()?;
    about.f_bavail.checked_mul(about.f_frsize)
}

#[cfg(not(unix))]
fn free_bytes(_: &Path) -> Option<u64> {
    None
}

/// Gives a new file the owner of the one that it replaces.
#[cfg(unix)]
pub(super) fn take_owner(file: &File, former: &Metadata) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt, fchown};
    let own = file.metadata()?;
    if (own.uid(), own.gid()) == (former.uid(), former.gid()) {
        return Ok(());
    }
    fchown(file, Some(former.uid()), Some(former.gid()))
}

#[cfg(not(unix))]
pub(super) fn take_owner(_: &File, _: &Metadata) -> io::Result<()> {
    Ok(())
}
