//! The registry of prompts for a running program: a thread of its own.
//!
//! Comes in: the prompts that the program declares, executions that belong to no trace. Goes out: prompts registered at start-up, a cache kept
//! fresh, executions in stream and database. The program waits for none of it.

use super::cache::Cache;
use super::{Catalog, NewVersion, Registry, RegistryError};
use crate::prices::Prices;
use crate::sql::{DatabaseUrl, RowsSink};
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use trace_core::diagnostics::say;
use trace_core::event::{Body, Event, PromptExecution};
use trace_core::fold::{Fold, FoldLimits};
use trace_core::model::Timestamp;
use trace_core::redact::Redactor;
use trace_core::registry::{Choice, LinkedPrompt, Prompt, PromptSource};
use trace_core::sink::{DatabaseStatus, FinishedTrace, Sink};

/// How many executions outside any trace wait for the thread at most.
const QUEUE: usize = 10_000;

/// How many executions are written at once.
const BATCH: usize = 256;

/// How long the database is left alone after a first failure; doubled after each further one, up to the time to live.
const FIRST_PAUSE: Duration = Duration::from_millis(200);

/// The file in the folder of traces that executions outside any trace are written to as they happen.
const STREAM: &str = "prompt_executions.jsonl";

/// How a [`PromptService`] works.
#[derive(Debug)]
#[non_exhaustive]
pub struct PromptServiceOptions {
    /// The database of the registry.
    pub url: DatabaseUrl,
    /// The catalog that registry names begin with.
    pub catalog: Option<Catalog>,
    /// After how long a change that another process made is known here.
    pub ttl: Duration,
    /// The folder of all traces.
    pub dir: PathBuf,
    /// The prompts that the program declares.
    pub declared: Vec<&'static Prompt>,
    /// Where the prices in the database go.
    pub prices: Option<Arc<Prices>>,
}

impl PromptServiceOptions {
    /// The declared prompts of a program, half a minute of time to live.
    #[must_use]
    pub fn new(url: DatabaseUrl, dir: impl Into<PathBuf>) -> Self {
        let declared = trace_core::registry::registry().prompts;
        Self { url, catalog: None, ttl: Duration::from_secs(30), dir: dir.into(), declared, prices: None }
    }
}

/// Registers what a program declares, and says which versions its renderings use. Dropping it ends its thread.
#[derive(Debug)]
pub struct PromptService {
    url: DatabaseUrl,
    catalog: Option<Catalog>,
    shared: Arc<Shared>,
    inbox: SyncSender<Message>,
    ended: Mutex<Receiver<()>>,
}

/// What the thread and those who ask share.
#[derive(Debug)]
struct Shared {
    cache: Arc<Cache>,
    /// Executions that found no room.
    dropped: AtomicU64,
}

enum Message {
    Log(Box<PromptExecution>, Timestamp),
    /// Go on where nothing was to be done so far.
    Wake,
    Flush(SyncSender<()>),
    End,
}

/// What renderings ask.
struct Source {
    shared: Arc<Shared>,
    inbox: SyncSender<Message>,
}

impl PromptService {
    /// Starts the thread. It takes executions to the database through `rows`, and redacts them as everything is.
    ///
    /// # Errors
    /// When the system gives no thread for it. That the database is away is no error.
    pub fn start(options: PromptServiceOptions, rows: Arc<RowsSink>, redactor: Redactor) -> std::io::Result<Self> {
        let PromptServiceOptions { url, catalog, ttl, dir, declared, prices } = options;
        let cache = Cache::install(url.clone(), catalog.clone(), &declared);
        let shared = Arc::new(Shared { cache, dropped: AtomicU64::new(0) });
        let (inbox, messages) = sync_channel(QUEUE);
        let (end, ended) = sync_channel(1);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        if let Some(prices) = &prices {
            let inbox = inbox.clone();
            prices.when_first_used(move || drop(inbox.try_send(Message::Wake)));
        }
        let worker = Worker {
            runtime,
            url: url.clone(),
            catalog: catalog.clone(),
            ttl,
            stream: Stream { path: dir.join(STREAM), file: None },
            declared,
            prices,
            shared: Arc::clone(&shared),
            rows,
            redactor,
            registry: None,
            to_link: 0,
            failures: 0,
            next: None,
        };
        let run = move || {
            worker.run(&messages);
            // Nobody waits for it when the service is leaked.
            let _ = end.send(());
        };
        std::thread::Builder::new().name("whytrace-prompts".to_owned()).spawn(run)?;
        Ok(Self { url, catalog, shared, inbox, ended: Mutex::new(ended) })
    }

    /// What to give to [`trace_core::registry::set_prompt_source`].
    #[must_use]
    pub fn source(&self) -> Arc<dyn PromptSource> {
        Arc::new(Source { shared: Arc::clone(&self.shared), inbox: self.inbox.clone() })
    }

    /// The database and catalog, for [`Registry::open`].
    #[must_use]
    pub fn place(&self) -> (&DatabaseUrl, Option<&Catalog>) {
        (&self.url, self.catalog.as_ref())
    }

    /// Waits until the declared prompts are registered and the registry is known; `within` at most. Whether they are.
    #[must_use]
    pub fn wait_ready(&self, within: Duration) -> bool {
        let _ = self.inbox.try_send(Message::Wake);
        self.shared.cache.wait_ready(within)
    }

    /// Waits until declared prompts are registered and the executions logged so far are with the database or in the outbox; `within` at
    /// most. Whether they are, and none was ever dropped.
    #[must_use]
    pub fn flush(&self, within: Duration) -> bool {
        let (done, answer) = sync_channel(1);
        let flushed = self.inbox.try_send(Message::Flush(done)).is_ok() && answer.recv_timeout(within).is_ok();
        flushed && self.dropped() == 0
    }

    /// How many executions outside any trace found no room, and are nowhere.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.shared.dropped.load(Ordering::Relaxed)
    }

    /// Ends the thread when it has done what it began; waits `within` at most.
    pub fn stop(&self, within: Duration) {
        let _ = self.inbox.try_send(Message::End);
        let ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        // One that hangs on a database that does not answer is left behind: what it was given is in the outbox or on disk.
        let _ = ended.recv_timeout(within);
    }
}

impl Drop for PromptService {
    fn drop(&mut self) {
        let _ = self.inbox.try_send(Message::End);
    }
}

impl PromptSource for Source {
    fn registry_name(&self, name: &str) -> String {
        self.shared.cache.registry_name(name)
    }

    fn choose(&self, prompt: &Prompt, key: Option<&str>) -> Option<Choice> {
        self.shared.cache.choose(prompt, key)
    }

    fn linked(&self, name: &str) -> Option<LinkedPrompt> {
        self.shared.cache.linked(name)
    }

    fn version_of(&self, name: &str, template_hash: &str) -> Option<u32> {
        self.shared.cache.version_of(name, template_hash)
    }

    fn is_reachable(&self) -> bool {
        self.shared.cache.is_reachable()
    }

    fn log(&self, execution: PromptExecution) {
        let sent = self.inbox.try_send(Message::Log(Box::new(execution), Timestamp::now()));
        if let Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) = sent {
            self.shared.dropped.fetch_add(1, Ordering::Relaxed);
            say("prompt executions outside any trace come faster than they can be kept: some were dropped");
        }
    }
}

/// What runs on the thread.
struct Worker {
    runtime: tokio::runtime::Runtime,
    url: DatabaseUrl,
    catalog: Option<Catalog>,
    ttl: Duration,
    stream: Stream,
    /// What is still to be registered.
    declared: Vec<&'static Prompt>,
    prices: Option<Arc<Prices>>,
    shared: Arc<Shared>,
    rows: Arc<RowsSink>,
    redactor: Redactor,
    registry: Option<Registry>,
    /// In how many further rounds executions are looked for that can be linked now: a writer may have looked before the registry changed,
    /// and committed after.
    to_link: u8,
    failures: u32,
    /// When to look after the registry; `None` as long as nobody needs it.
    next: Option<Instant>,
}

impl Worker {
    fn run(mut self, inbox: &Receiver<Message>) {
        if !self.declared.is_empty() {
            self.next = Some(Instant::now());
        }
        loop {
            if self.next.is_some_and(|at| at <= Instant::now()) {
                self.look_after_registry();
            }
            let message = match self.next {
                None => inbox.recv().map_err(|_| RecvTimeoutError::Disconnected),
                Some(at) => inbox.recv_timeout(at.saturating_duration_since(Instant::now())),
            };
            match message {
                Ok(Message::Log(execution, at)) => {
                    if let Some(other) = self.log(inbox, (*execution, at))
                        && self.answer(other)
                    {
                        break;
                    }
                }
                Ok(other) => {
                    if self.answer(other) {
                        break;
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        if let Some(registry) = self.registry.take() {
            self.runtime.block_on(registry.close());
        }
    }

    /// Answers what is no execution; whether to end.
    fn answer(&mut self, message: Message) -> bool {
        match message {
            Message::Wake => self.next = self.next.or_else(|| Some(Instant::now())),
            Message::Flush(done) => drop(done.send(())),
            Message::End => return true,
            Message::Log(..) => {}
        }
        false
    }

    /// Keeps an execution, and those that wait behind it; gives back the message that is none.
    fn log(&mut self, inbox: &Receiver<Message>, first: (PromptExecution, Timestamp)) -> Option<Message> {
        // Whoever logs needs the registry from now on.
        self.next = self.next.or_else(|| Some(Instant::now()));
        let mut batch = vec![first];
        let mut other = None;
        while batch.len() < BATCH {
            match inbox.try_recv() {
                Ok(Message::Log(execution, at)) => batch.push((*execution, at)),
                Ok(message) => {
                    other = Some(message);
                    break;
                }
                Err(_) => break,
            }
        }
        self.keep(batch);
        other
    }

    /// Writes executions to the stream and gives them to the database: as the observations of a trace without an id.
    fn keep(&mut self, batch: Vec<(PromptExecution, Timestamp)>) {
        let mut lines = Vec::new();
        let mut fold = Fold::new(FoldLimits::default());
        for (execution, ts) in batch {
            let duration_ms = Some(execution.response_time_ms).filter(|millis| millis.is_finite());
            let mut body = Body::PromptExecuted(execution);
            self.redactor.body(&mut body);
            let event = Event {
                seq: 0,
                ts,
                session_id: String::new(),
                trace_id: String::new(),
                stage: None,
                component: None,
                duration_ms,
                body,
            };
            event.write_line(&mut lines);
            fold.apply(event);
        }
        if let Err(error) = self.stream.append(&lines) {
            say(&format!("cannot write {}: {error}", self.stream.path.display()));
        }
        let finished =
            FinishedTrace { trace: Arc::new(fold.into_trace()), project_dir: None, sampled: true, again: false };
        for outcome in self.rows.store(std::slice::from_ref(&finished)) {
            if let Err(error) = outcome {
                self.shared.cache.set_reachable(false);
                if error.database != Some(DatabaseStatus::Queued) {
                    say(&error.to_string());
                }
            }
        }
    }

    /// Registers what is not registered yet, and reads what has changed.
    fn look_after_registry(&mut self) {
        let done = self.try_registry();
        let pause = match done {
            Ok(()) => {
                self.failures = 0;
                self.shared.cache.set_ready();
                self.ttl
            }
            Err(error) => {
                self.shared.cache.set_reachable(false);
                say(&format!("{error}; prompts are what was known last, else what the code says"));
                self.failures += 1;
                FIRST_PAUSE.saturating_mul(1 << (self.failures - 1).min(16)).min(self.ttl)
            }
        };
        self.next = Some(Instant::now() + pause);
    }

    fn try_registry(&mut self) -> Result<(), RegistryError> {
        let Self { runtime, url, catalog, declared, prices, shared, registry, to_link, .. } = self;
        runtime.block_on(async {
            let registry = match registry {
                Some(registry) => registry,
                None => registry.insert(Registry::open(url, catalog.clone()).await?),
            };
            while let Some(prompt) = declared.last() {
                match register(registry, prompt).await {
                    Err(error @ RegistryError::Database(_)) => return Err(error),
                    Err(refused) => say(&format!("{}: {refused}", prompt.location())),
                    Ok(()) => {}
                }
                declared.pop();
            }
            if let Some(prices) = prices {
                prices.set_database(registry.prices().await?);
            }
            if registry.refresh(&shared.cache).await? {
                *to_link = 2;
            }
            if *to_link > 0 {
                registry.link_executions().await?;
                *to_link -= 1;
            }
            Ok(())
        })
    }
}

async fn register(registry: &Registry, prompt: &Prompt) -> Result<(), RegistryError> {
    let mut version = NewVersion::new(prompt.template());
    if let Some(system) = prompt.system() {
        version = version.system(system);
    }
    registry.register(prompt.name(), version.metadata("location", prompt.location())).await.map(drop)
}

/// The file of executions outside any trace.
struct Stream {
    path: PathBuf,
    file: Option<File>,
}

impl Stream {
    /// Appends whole lines; several processes may do so at once.
    fn append(&mut self, lines: &[u8]) -> std::io::Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(open(&self.path)?),
        };
        file.lock()?;
        let written = file.write_all(lines);
        file.unlock()?;
        if written.is_err() {
            self.file = None;
        }
        written
    }
}

fn open(path: &Path) -> std::io::Result<File> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    OpenOptions::new().append(true).create(true).open(path)
}
