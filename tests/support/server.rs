//! A PostgreSQL server of a test's own, for what the shared one must not suffer: being killed, and speaking TLS only.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// A server with its data in a folder; both go when it is dropped.
pub(crate) struct Server {
    folder: TempDir,
    programs: PathBuf,
    port: u16,
    /// What the server is started with, such as `-c ssl=on`.
    options: String,
}

impl Server {
    /// Starts a server; `None` where its programs are not installed, which is said past the capture of test output.
    pub(crate) fn start(set_up: impl FnOnce(&Path) -> String) -> Option<Self> {
        let Some(programs) = programs() else {
            use std::io::Write;
            let _ = writeln!(std::io::stderr(), "NOT TESTED: no PostgreSQL server programs found (initdb, pg_ctl)");
            return None;
        };
        // The path of a Unix socket holds 107 bytes at most.
        let folder = tempfile::Builder::new().prefix("whytrace-server-").tempdir_in("/tmp").unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut server = Self { folder, programs, port, options: String::new() };
        server.own();
        server.run("initdb", &["-D", "data", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale"]);
        server.options = set_up(&server.data());
        server.own();
        server.start_again();
        Some(server)
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    pub(crate) fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }

    /// Kills the server's processes without letting them finish anything.
    pub(crate) fn stop_hard(&self) {
        self.run("pg_ctl", &["-D", "data", "-m", "immediate", "-w", "-s", "stop"]);
    }

    pub(crate) fn start_again(&self) {
        let options = format!(
            "-p {} -k {} -c listen_addresses=127.0.0.1 {}",
            self.port,
            self.folder.path().display(),
            self.options
        );
        self.run("pg_ctl", &["-D", "data", "-l", "log", "-w", "-t", "60", "-s", "-o", &options, "start"]);
    }

    /// The server refuses to run as root, so root gives the folder to a user without rights.
    fn own(&self) {
        if let Some(user) = server_user() {
            let status = Command::new("chown").arg("-R").arg(user).arg(self.folder.path()).status().unwrap();
            assert!(status.success());
        }
    }

    fn run(&self, program: &str, arguments: &[&str]) {
        let program = self.programs.join(program);
        let mut command = match server_user() {
            Some(user) => {
                let mut command = Command::new("runuser");
                command.args(["-u", user, "--"]).arg(program);
                command
            }
            None => Command::new(program),
        };
        // What a server inherits it keeps open: output goes to a file, or whoever reads a pipe would wait for the server's end.
        let said = self.folder.path().join("said");
        let file = std::fs::File::create(&said).unwrap();
        let status = command
            .args(arguments)
            .current_dir(self.folder.path())
            .stdin(std::process::Stdio::null())
            .stdout(file.try_clone().unwrap())
            .stderr(file)
            .status()
            .unwrap();
        assert!(status.success(), "{command:?}: {}", std::fs::read_to_string(said).unwrap_or_default());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if self.data().join("postmaster.pid").exists() {
            self.stop_hard();
        }
    }
}

fn server_user() -> Option<&'static str> {
    let id =
        |arguments: &[&str]| Command::new("id").args(arguments).output().ok().filter(|output| output.status.success());
    let is_root = id(&["-u"]).is_some_and(|output| output.stdout.starts_with(b"0\n"));
    let name = if id(&["postgres"]).is_some() { "postgres" } else { "nobody" };
    is_root.then_some(name)
}

/// The folder of the newest server programs. Debian keeps them out of PATH, one folder for each version.
fn programs() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut folders: Vec<PathBuf> = versions.map(|version| version.path().join("bin")).collect();
    folders.sort_by_key(|folder| {
        let version = folder.parent().and_then(Path::file_name).and_then(|name| name.to_str());
        std::cmp::Reverse(version.and_then(|version| version.parse::<u32>().ok()))
    });
    let configured = Command::new("pg_config").arg("--bindir").output().ok();
    folders.extend(configured.map(|output| PathBuf::from(String::from_utf8_lossy(&output.stdout).trim())));
    folders.into_iter().find(|folder| folder.join("initdb").exists() && folder.join("pg_ctl").exists())
}
