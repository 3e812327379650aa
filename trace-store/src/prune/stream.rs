//! The lines of removed runs in an event stream, which other runs of the session may share.

use super::files::remove_file;
use super::{PruneError, Removed};
use crate::files::{self, Durability};
use serde::Deserialize;
use std::borrow::Cow;
use std::collections::HashSet;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;
use trace_core::collect::is_stream_in_use;

/// Takes the lines of these runs out of a stream, or removes it when nothing is left.
///
/// A stream that a running process writes to is left alone: the process appends to the file that it has open.
pub(super) fn drop_traces(
    traces_dir: &Path,
    name: &str,
    ids: &HashSet<&str>,
    removed: &mut Removed,
) -> Result<(), PruneError> {
    let path = traces_dir.join(name);
    // A link or a named pipe is no stream of ours.
    if !std::fs::symlink_metadata(&path).is_ok_and(|meta| meta.is_file()) {
        return Ok(());
    }
    let failed = |cause| PruneError::Remove { path: path.clone(), cause };
    let file = File::open(&path).map_err(failed)?;
    // Processes that share a stream lock it while they append; see `trace_core::collect`.
    file.lock().map_err(failed)?;
    if is_stream_in_use(traces_dir, name).map_err(failed)? {
        removed.streams_in_use.push(path);
        return Ok(());
    }
    let mut others = 0_u64;
    copy_others(&path, ids, &mut io::sink(), &mut others).map_err(failed)?;
    if others == 0 {
        removed.files += remove_file(&path)?;
        return Ok(());
    }
    files::replace(&path, Durability::Unsynced, |out| copy_others(&path, ids, out, &mut 0))?;
    Ok(())
}

/// Which run a line is about.
#[derive(Deserialize)]
struct Line<'a> {
    #[serde(borrow)]
    trace_id: Cow<'a, str>,
}

/// Copies the lines that are not about these runs, and counts those that are about any run.
fn copy_others(path: &Path, ids: &HashSet<&str>, out: &mut dyn Write, others: &mut u64) -> io::Result<()> {
    let mut reader = BufReader::new(File::open(path)?);
    let mut line = Vec::new();
    while reader.read_until(b'\n', &mut line)? > 0 {
        let about = serde_json::from_slice::<Line<'_>>(&line).map(|line| line.trace_id);
        if !about.as_ref().is_ok_and(|id| ids.contains(&**id)) {
            *others += u64::from(about.is_ok());
            out.write_all(&line)?;
        }
        line.clear();
    }
    Ok(())
}
