//! Turns Nagle's algorithm off for a connection that the driver opens, which sqlx 0.9.0 forgets
//! ([its issue 4335](https://github.com/transact-rs/sqlx/issues/4335), mended after that release: with the next one this room can go).
//!
//! Comes in: the sockets that this process had before it connected. Goes out: whether a small packet is now sent at once, or waits for the
//! acknowledgement of what went before. The end of a `COPY` is such a packet: two of five copies took 40 ms longer for it.
//!
//! The driver does not hand its socket out. On Linux a process can get a second handle of a socket by its number, in safe code; elsewhere all
//! stays as it was. So it does wherever system calls are filtered (containers, hardened services), for there a call that is not on the list may
//! end the program, and wherever there is a doubt which socket it is: those of the program are never touched.

#[cfg(target_os = "linux")]
pub(super) use linux::Sockets;

#[cfg(target_os = "linux")]
mod linux {
    use rustix::fd::RawFd;
    use rustix::net::sockopt;
    use rustix::process::{PidfdFlags, PidfdGetfdFlags, getpid, pidfd_getfd, pidfd_open};
    use std::collections::HashSet;
    use std::io;
    use std::path::{Path, PathBuf};

    /// So many open files are looked at: that takes some milliseconds.
    const MOST: usize = 4_096;

    /// The sockets of this process at one moment, by their numbers and what the system calls them.
    #[derive(Debug)]
    pub(crate) struct Sockets(HashSet<(RawFd, PathBuf)>);

    impl Sockets {
        /// Those that are open now; `None` where that cannot be said, or nothing could be done with it.
        pub(crate) fn open() -> Option<Self> {
            let status = std::fs::read_to_string("/proc/thread-self/status").ok()?;
            if is_filtered(&status) { None } else { Self::list().ok().flatten() }
        }

        /// `None` where there are too many files.
        fn list() -> io::Result<Option<Self>> {
            let mut sockets = HashSet::new();
            for (count, entry) in std::fs::read_dir("/proc/self/fd")?.enumerate() {
                if count == MOST {
                    return Ok(None);
                }
                let path = entry?.path();
                // One that is gone again is none of ours.
                let Ok(name) = std::fs::read_link(&path) else { continue };
                if let Some(number) =
                    number(&path).filter(|_| name.as_os_str().as_encoded_bytes().starts_with(b"socket:"))
                {
                    sockets.insert((number, name));
                }
            }
            Ok(Some(Self(sockets)))
        }

        /// Turns it off for the one socket that was opened since, which is that of the connection the caller has made and holds; so nobody
        /// closes it meanwhile, and its number means nothing else. Where others were opened too, nothing is done.
        pub(crate) fn send_at_once(&self) -> bool {
            let Ok(Some(now)) = Self::list() else { return false };
            let mut new = now.0.difference(&self.0);
            match (new.next(), new.next()) {
                (Some((number, _)), None) => turn_off(*number).is_ok(),
                _ => false,
            }
        }
    }

    fn number(path: &Path) -> Option<RawFd> {
        path.file_name()?.to_str()?.parse().ok()
    }

    fn turn_off(number: RawFd) -> io::Result<()> {
        let process = pidfd_open(getpid(), PidfdFlags::empty())?;
        let socket = pidfd_getfd(&process, number, PidfdGetfdFlags::empty())?;
        Ok(sockopt::set_tcp_nodelay(&socket, true)?)
    }

    /// Whether the system calls of a thread are filtered, as far as its status tells: `Seccomp:` is 0 where none is.
    fn is_filtered(status: &str) -> bool {
        let mode = status.lines().find_map(|line| line.strip_prefix("Seccomp:"));
        mode.is_none_or(|mode| mode.trim() != "0")
    }

    #[cfg(test)]
    mod tests {
        use super::*;
        use std::net::{TcpListener, TcpStream};

        #[test]
        fn only_a_thread_without_a_filter_asks_for_a_socket() {
            assert!(!is_filtered("Name:\ta\nSeccomp:\t0\nSeccomp_filters:\t0\n"));
            assert!(is_filtered("Name:\ta\nSeccomp:\t2\nSeccomp_filters:\t1\n"));
            assert!(is_filtered("Name:\ta\nSeccomp_filters:\t0\n"));
        }

        #[test]
        fn the_one_new_socket_is_changed_and_no_other() -> io::Result<()> {
            let server = TcpListener::bind("127.0.0.1:0")?;
            let old = TcpStream::connect(server.local_addr()?)?;
            let Some(_) = Sockets::open() else {
                eprintln!("system calls are filtered here, or nobody may list open files: nothing can be changed");
                return Ok(());
            };
            if let Err(error) = turn_off(std::os::fd::AsRawFd::as_raw_fd(&TcpStream::connect(server.local_addr()?)?)) {
                eprintln!("this system gives nobody a second handle of a socket ({error}): nothing can be changed");
                return Ok(());
            }
            // Other tests open sockets meanwhile: until there is a moment without.
            for _ in 0..10_000 {
                let before = Sockets::open().expect("it could be said just now");
                let new = TcpStream::connect(server.local_addr()?)?;
                let is_at_once = before.send_at_once();
                assert!(!old.nodelay()?);
                assert_eq!(new.nodelay()?, is_at_once);
                if is_at_once {
                    // Two are one too many.
                    let before = Sockets::open().expect("it could be said just now");
                    let both = [TcpStream::connect(server.local_addr()?)?, TcpStream::connect(server.local_addr()?)?];
                    assert!(!before.send_at_once() && !both[0].nodelay()? && !both[1].nodelay()?);
                    return Ok(());
                }
            }
            panic!("it was never changed");
        }
    }
}

/// Nothing is known of them.
#[cfg(not(target_os = "linux"))]
#[derive(Debug)]
pub(super) struct Sockets;

#[cfg(not(target_os = "linux"))]
impl Sockets {
    pub(super) fn open() -> Option<Self> {
        None
    }

    #[allow(clippy::unused_self)] // the same shape as on Linux
    pub(super) fn send_at_once(&self) -> bool {
        false
    }
}
