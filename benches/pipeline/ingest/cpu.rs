//! The CPU time of this process, and of a server on the same machine with all its processes.

use rustix::time::{ClockId, clock_gettime};
use sqlx::postgres::PgConnection;
use sqlx::{Connection, Row};
use std::time::Duration;

/// The kernel counts the time of processes in hundredths of a second, whatever its own clock.
const TICK: Duration = Duration::from_millis(10);

/// The processes of a server.
pub(crate) struct Server {
    /// The process that starts all others; `None` where the server is on another machine.
    first: Option<u32>,
}

impl Server {
    pub(crate) fn of(url: &str) -> Result<Self, String> {
        let pid: i32 = super::rows::block_on(async {
            let mut connection = PgConnection::connect(url).await?;
            let row = sqlx::query("SELECT pg_backend_pid()").fetch_one(&mut connection).await?;
            row.try_get(0)
        })?;
        let backend = u32::try_from(pid).ok().and_then(Process::read);
        Ok(Self { first: backend.filter(|process| process.name == "postgres").map(|process| process.parent) })
    }

    /// What its processes have used so far, those that have ended included.
    pub(crate) fn cpu_time(&self) -> Option<Duration> {
        let first = self.first?;
        let of_first = Process::read(first)?;
        let pids = std::fs::read_dir("/proc").ok()?;
        let pids = pids.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
        let children = pids.filter_map(Process::read).filter(|process| process.parent == first);
        Some(TICK * (of_first.own + of_first.of_ended_children + children.map(|child| child.own).sum::<u32>()))
    }
}

/// The CPU time of this process.
pub(crate) fn own_time() -> Duration {
    Duration::try_from(clock_gettime(ClockId::ProcessCPUTime)).unwrap_or_default()
}

/// What `/proc/PID/stat` says.
struct Process {
    name: String,
    parent: u32,
    /// In user space and in the kernel.
    own: u32,
    of_ended_children: u32,
}

impl Process {
    fn read(pid: u32) -> Option<Self> {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The name is in parentheses and may hold some.
        let (name, rest) = (stat.split_once('(')?.1).rsplit_once(')')?;
        let fields: Vec<&str> = rest.split_whitespace().collect();
        let field = |index: usize| fields.get(index)?.parse::<u32>().ok();
        Some(Self {
            name: name.to_owned(),
            parent: field(1)?,
            own: field(11)? + field(12)?,
            of_ended_children: field(13)? + field(14)?,
        })
    }
}
