//! Turns Nagle's algorithm off for the connections that the driver opens, which sqlx 0.9.0 forgets
//! ([its issue 4335](https://github.com/transact-rs/sqlx/issues/4335), mended after that release: with the next one this room can go).
//!
//! Comes in: the sockets that this process had before it connected, and the server's port. Goes out: whether a small packet is now sent at
//! once, or waits for the acknowledgement of what went before. The end of a `COPY` is such a packet: two of five copies took 40 ms longer
//! for it. Only Linux lets a process ask for its own sockets by number; elsewhere all stays as it was, and wherever system calls are filtered
//! (containers, hardened services), for there a call that is not on the list may end the program.

#[cfg(target_os = "linux")]
pub(super) use linux::Sockets;

#[cfg(target_os = "linux")]
mod linux {
    use rustix::fd::RawFd;
    use rustix::net::{getpeername, sockopt};
    use rustix::process::{PidfdFlags, PidfdGetfdFlags, getpid, pidfd_getfd, pidfd_open};
    use std::collections::HashSet;
    use std::io;
    use std::net::SocketAddr;
    use std::path::PathBuf;

    /// The sockets of this process at one moment, by their numbers and what the system calls them. Numbers are used again, names are not.
    #[derive(Debug)]
    pub(crate) struct Sockets(HashSet<(RawFd, PathBuf)>);

    impl Sockets {
        /// Those that are open now.
        pub(crate) fn open() -> Self {
            let Ok(folder) = std::fs::read_dir("/proc/self/fd") else { return Self(HashSet::new()) };
            let socket = |entry: std::fs::DirEntry| {
                let name = std::fs::read_link(entry.path()).ok()?;
                let is_socket = name.as_os_str().as_encoded_bytes().starts_with(b"socket:");
                is_socket.then_some((entry.file_name().to_str()?.parse().ok()?, name))
            };
            Self(folder.flatten().filter_map(socket).collect())
        }

        /// Turns it off for those that were opened since and are connected to such a port; how many there are. Another thread may have
        /// connected to the same port meanwhile: it loses nothing by it.
        pub(crate) fn send_at_once(self, port: u16) -> io::Result<usize> {
            if is_filtered() {
                return Err(io::ErrorKind::PermissionDenied.into());
            }
            let process = pidfd_open(getpid(), PidfdFlags::empty())?;
            let mut done = 0;
            for (number, _) in Self::open().0.difference(&self.0) {
                // A second owner of the same socket, for as long as this takes. Others may have closed theirs meanwhile.
                let Ok(socket) = pidfd_getfd(&process, *number, PidfdGetfdFlags::empty()) else { continue };
                let peer = getpeername(&socket).ok().flatten().and_then(|peer| SocketAddr::try_from(peer).ok());
                if peer.is_some_and(|peer| peer.port() == port) {
                    sockopt::set_tcp_nodelay(&socket, true)?;
                    done += 1;
                }
            }
            Ok(done)
        }
    }

    /// Whether the system calls of this thread are filtered, as far as that can be told: `Seccomp:` is 0 where none is.
    fn is_filtered() -> bool {
        let status = std::fs::read_to_string("/proc/thread-self/status").unwrap_or_default();
        let mode = status.lines().find_map(|line| line.strip_prefix("Seccomp:"));
        mode.is_none_or(|mode| mode.trim() != "0")
    }

    #[cfg(test)]
    mod tests {
        use super::{Sockets, is_filtered};
        use std::net::{TcpListener, TcpStream};

        #[test]
        fn only_new_connections_to_the_port_are_changed() -> std::io::Result<()> {
            let (server, other) = (TcpListener::bind("127.0.0.1:0")?, TcpListener::bind("127.0.0.1:0")?);
            let address = server.local_addr()?;
            let old = TcpStream::connect(address)?;
            let before = Sockets::open();
            let new = TcpStream::connect(address)?;
            let elsewhere = TcpStream::connect(other.local_addr()?)?;
            match before.send_at_once(address.port()) {
                Ok(done) => assert_eq!(done, 1),
                Err(_) if is_filtered() => {
                    eprintln!("system calls are filtered here: nothing may be changed, and nothing was");
                    assert!(!new.nodelay()?);
                    return Ok(());
                }
                Err(error) => return Err(error),
            }
            assert!(new.nodelay()?);
            assert!(!old.nodelay()? && !elsewhere.nodelay()?);
            Ok(())
        }
    }
}

/// Nothing is known of them.
#[cfg(not(target_os = "linux"))]
#[derive(Debug)]
pub(super) struct Sockets;

#[cfg(not(target_os = "linux"))]
impl Sockets {
    pub(super) fn open() -> Self {
        Self
    }

    pub(super) fn send_at_once(self, _: u16) -> std::io::Result<usize> {
        Ok(0)
    }
}
