//! How much memory the process uses.

/// The resident bytes of this process, for [`whytrace::memory`](crate::memory); `None` where the system does not say so in a file.
///
/// Source: `VmRSS` in `/proc/self/status`, see proc_pid_status(5).
///
/// ```
/// if let Some(bytes) = whytrace::generation::resident_memory() {
///     whytrace::memory(bytes);
/// }
/// ```
#[must_use]
pub fn resident_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kibibytes.checked_mul(1024)
}
