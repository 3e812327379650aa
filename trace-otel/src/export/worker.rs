//! The thread that empties the outbox.
//!
//! It takes several entries at a time, sends their spans as one request, and removes the files after the backend's yes. While the backend is
//! away it waits longer each time; what a backend breaks over does not keep the others waiting.

use super::answer::Backoff;
use super::deliver::{Delivery, Stop, deliver};
use super::options::ExportOptions;
use super::outbox::{Entry, Outbox, Waiting};
use super::sink::{Counts, Message};
use super::transport::Transport;
use crate::convert::OtlpRequest;
use crate::mlflow::{LinkError, Linker, PromptLinks};
use std::collections::{HashMap, HashSet, VecDeque};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender};
use std::time::{Duration, Instant};
use trace_core::diagnostics::say;

/// How long to wait when another program empties the outbox.
const OTHERS: Duration = Duration::from_secs(1);

/// How often a backend may break over an entry, while it takes others, before the entry is taken for what breaks it.
const BREAKS: u32 = 3;

pub(super) struct Worker {
    transport: Box<dyn Transport>,
    linker: Option<Linker>,
    outbox: Arc<Outbox>,
    counts: Arc<Counts>,
    max_spans: usize,
    max_bytes: u64,
    endpoint: String,
    backoff: Backoff,
    /// When to look again without being told; `None` while nothing is known to wait.
    look_at: Option<Instant>,
    /// Entries that the backend broke over.
    breaks: HashMap<PathBuf, Break>,
    /// Entries that have arrived but could not be removed; they are not sent again.
    sent: HashSet<PathBuf>,
    /// Requests that the backend has taken.
    taken: u64,
}

/// A backend broke over an entry.
#[derive(Clone, Copy)]
struct Break {
    times: u32,
    /// What it had taken before the first time.
    taken: u64,
}

/// Whether to go on with what waits.
enum Next {
    GoOn,
    /// The backend is away; not before this time.
    Pause(Duration),
}

impl Worker {
    pub(super) fn new(
        transport: Box<dyn Transport>,
        linker: Option<Linker>,
        outbox: Arc<Outbox>,
        counts: Arc<Counts>,
        options: &ExportOptions,
    ) -> Self {
        Self {
            transport,
            linker,
            outbox,
            counts,
            max_spans: options.max_spans,
            max_bytes: options.max_bytes as u64,
            endpoint: options.shown_endpoint(),
            backoff: Backoff::new(),
            look_at: None,
            breaks: HashMap::new(),
            sent: HashSet::new(),
            taken: 0,
        }
    }

    pub(super) fn run(mut self, inbox: &Receiver<Message>) {
        // What earlier programs left.
        self.look_at = (self.outbox.waiting() > 0).then(Instant::now);
        while !self.counts.ending.load(Ordering::Relaxed) {
            let message = match self.look_at {
                None => inbox.recv().map_err(|_| RecvTimeoutError::Disconnected),
                Some(at) => inbox.recv_timeout(at.saturating_duration_since(Instant::now())),
            };
            let mut waits_for_it: Option<SyncSender<()>> = None;
            match message {
                // During a pause, something new is no reason to end it.
                Ok(Message::Look) => self.look_at = self.look_at.or_else(|| Some(Instant::now())),
                Ok(Message::Flush(reply)) => {
                    self.look_at = Some(Instant::now());
                    waits_for_it = Some(reply);
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            if self.look_at.is_some_and(|at| at <= Instant::now()) {
                self.empty();
            }
            // Whoever asked may have stopped waiting.
            waits_for_it.map(|reply| reply.send(()));
        }
    }

    /// Sends what waits, until nothing does, the backend goes away, or the program ends.
    fn empty(&mut self) {
        let Some(lock) = self.outbox.lock() else {
            self.look_at = (self.outbox.waiting() > 0).then(|| Instant::now() + OTHERS);
            return;
        };
        self.look_at = None;
        let files = self.outbox.list(&lock);
        let (sent, mut files): (Vec<_>, Vec<_>) = files.into_iter().partition(|file| self.sent.contains(&file.path));
        sent.iter().for_each(|file| self.remove(file));
        // What the backend broke over waits for the others.
        files.sort_by_key(|file| self.breaks.get(&file.path).map_or(0, |broke| broke.times));
        let mut waiting: VecDeque<Waiting> = files.into();
        while !waiting.is_empty() && !self.counts.ending.load(Ordering::Relaxed) {
            let group = self.group(&mut waiting);
            if let Next::Pause(pause) = self.send_group(group) {
                self.look_at = Some(Instant::now() + pause);
                return;
            }
        }
        // What came meanwhile.
        if self.outbox.waiting() > 0 {
            let pause = if self.sent.is_empty() { Duration::ZERO } else { OTHERS };
            self.look_at = Some(Instant::now() + pause);
        }
    }

    /// Removes an entry that has arrived, now or, where the disk refuses, later.
    fn remove(&mut self, file: &Waiting) {
        self.breaks.remove(&file.path);
        if self.outbox.done(file) {
            self.sent.remove(&file.path);
        } else {
            self.sent.insert(file.path.clone());
        }
    }

    /// The next entries that fit into one request; one that the backend broke over goes alone.
    fn group(&self, waiting: &mut VecDeque<Waiting>) -> Vec<(Waiting, Entry)> {
        let mut group: Vec<(Waiting, Entry)> = Vec::new();
        let (mut spans, mut bytes) = (0, 0);
        while let Some(next) = waiting.pop_front() {
            let entry = match Entry::read(&next.path) {
                Ok(entry) => entry,
                Err(error) => {
                    self.counts.note(format!("{} cannot be read and is set aside: {error}", next.path.display()));
                    self.outbox.set_aside(&next);
                    continue;
                }
            };
            let count = entry.request.span_count();
            let alone = self.breaks.contains_key(&next.path);
            let fits = spans + count <= self.max_spans && bytes + next.bytes <= self.max_bytes;
            if !group.is_empty() && (alone || !fits) {
                waiting.push_front(next);
                break;
            }
            (spans, bytes) = (spans + count, bytes + next.bytes);
            group.push((next, entry));
            if alone {
                break;
            }
        }
        group
    }

    fn send_group(&mut self, group: Vec<(Waiting, Entry)>) -> Next {
        let is_to_blame = |broke: &Break| broke.times >= BREAKS && self.taken > broke.taken;
        let breaks_it = group.iter().any(|(file, _)| self.breaks.get(&file.path).is_some_and(is_to_blame));
        let (files, entries): (Vec<Waiting>, Vec<Entry>) = group.into_iter().unzip();
        let mut together = OtlpRequest::default();
        let mut links = Vec::new();
        for entry in entries {
            together.append(entry.request);
            links.extend(entry.links);
        }
        let delivery = deliver(&mut *self.transport, together, breaks_it);
        self.count(&delivery);
        let took = delivery.delivered + delivery.left_out > 0;
        self.taken += u64::from(took);
        let Some((rest, stop)) = delivery.rest else {
            self.backoff = Backoff::new();
            return self.settle(&files, &links);
        };
        // What arrived must not be sent again: the rest takes the place of all.
        let sent_some = took || !delivery.refused.is_empty();
        if sent_some && self.outbox.add(&Entry { request: rest, links }).is_ok() {
            files.iter().for_each(|file| self.remove(file));
            return self.stopped(&[], &stop);
        }
        self.stopped(&files, &stop)
    }

    /// The spans of these files have arrived; now their links.
    fn settle(&mut self, files: &[Waiting], links: &[PromptLinks]) -> Next {
        let mut left = Vec::new();
        for links in links {
            match self.linker.as_ref().map_or(Ok(()), |linker| linker.link(links)) {
                Ok(()) => {}
                Err(LinkError::Later(message)) => {
                    self.counts.note(message);
                    left.push(links.clone());
                }
                Err(LinkError::Never(message)) => {
                    say(&format!("a trace is not linked to its prompts: {message}"));
                    self.counts.note(message);
                }
            }
        }
        // Without room for them the files stay, and their spans are sent once more.
        let all_linked = left.is_empty();
        let kept = all_linked || self.outbox.add(&Entry { links: left, ..Entry::default() }).is_ok();
        files.iter().filter(|_| kept).for_each(|file| self.remove(file));
        if all_linked { Next::GoOn } else { Next::Pause(self.backoff.wait(None)) }
    }

    fn stopped(&mut self, files: &[Waiting], stop: &Stop) -> Next {
        self.counts.note(stop.reason());
        let folder = self.outbox.folder().display();
        let (endpoint, reason) = (&self.endpoint, stop.reason());
        say(&format!("{endpoint} does not take spans: {reason}; they wait in {folder} until it does"));
        match stop {
            Stop::Later(_, asked) => Next::Pause(self.backoff.wait(*asked)),
            Stop::Denied(_) => Next::Pause(self.backoff.wait(Some(Duration::from_secs(30)))),
            Stop::Broken(_) => {
                // Whether the backend is broken, or one of these breaks it, will show when each goes alone.
                for file in files {
                    let taken = self.taken;
                    self.breaks.entry(file.path.clone()).or_insert(Break { times: 0, taken }).times += 1;
                }
                Next::Pause(self.backoff.wait(None))
            }
        }
    }

    fn count(&self, delivery: &Delivery) {
        let add = |counter: &std::sync::atomic::AtomicU64, by: u64| counter.fetch_add(by, Ordering::Relaxed);
        add(&self.counts.delivered, delivery.delivered);
        add(&self.counts.left_out, delivery.left_out);
        add(&self.counts.refused, delivery.refused.len() as u64);
        for words in &delivery.words {
            self.counts.note(words.as_str());
            say(&format!("{} left spans out: {words}", self.endpoint));
        }
        if let Some(first) = delivery.refused.first() {
            self.outbox.keep_refused(&delivery.refused);
            let (count, name, reason) = (delivery.refused.len(), &first.name, &first.reason);
            let folder = self.outbox.refused();
            self.counts.note(format!("{count} spans were refused, the first is `{name}`: {reason}"));
            say(&format!("{} refused {count} spans ({reason}); they are in {}", self.endpoint, folder.display()));
        }
    }
}
