//! The collector's thread: drain, order, hand on, sleep.

use super::batch::Batch;
use super::open_trace::OpenTrace;
use super::stream_file::Streams;
use super::{ASLEEP, BACKLOG, Completion, Flagged, Inbox, LateFlags, Opening, Request, Wish, inbox};
use crate::context::local::{self, Place};
use crate::record::{RingReader, release_payload};
use crate::tracer::Tracer;
use fastant::Instant as Tick;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// How often rings are drained while a trace is open. Together with the time a round takes it stays below the 20 ms within which
/// a stage's end must be in the stream.
const ROUND: Duration = Duration::from_millis(10);

/// How often late events are looked for, while code still holds the context of a trace that has ended.
const LINGER: Duration = Duration::from_millis(50);

/// Records taken from one ring in one round.
const AT_ONCE: usize = 8192;

/// After how many records of one round it is asked whether what they became has waited for long enough.
const LOOK_EVERY: usize = 32;

pub(super) fn run() {
    // Code called from here (a user's redaction rule) may be instrumented; it must not wait for this very thread.
    local::with(|local| local.swap(&mut Place { muted: true, ..Place::default() }));
    let mut worker = Worker::default();
    loop {
        let busy = worker.round();
        worker.sleep(busy);
    }
}

#[derive(Default)]
struct Worker {
    rings: Vec<RingReader>,
    traces: HashMap<u64, OpenTrace>,
    streams: Streams,
    /// What this round works on; between rounds, records younger than the cut of the round that found them.
    batch: Batch,
    /// Where these are put aside during a round; empty between rounds.
    carried: Batch,
    requests: Vec<Request>,
    deadlines: Vec<(Arc<Completion>, Instant)>,
}

impl Worker {
    /// One round; tells whether there is more to do at once.
    fn round(&mut self) -> bool {
        // Whatever caused a record older than the cut was handed over before the cut, so it is found in this round.
        let cut = Tick::now();
        let Inbox { rings, opened, reserved, requests, started: _ } = inbox(|inbox| {
            let started = inbox.started;
            std::mem::replace(inbox, Inbox { started, ..Inbox::default() })
        });
        self.rings.extend(rings);
        self.requests.extend(requests);
        for Opening { shared, wall, start } in opened {
            self.traces.insert(shared.key, OpenTrace::new(shared, wall, *start, &mut self.streams));
        }
        reserved.into_iter().for_each(|record| self.batch.add(record));
        let more = self.drain();
        self.batch.sort_and_split(cut, &mut self.carried);
        self.accept_batch();
        std::mem::swap(&mut self.batch, &mut self.carried);
        self.answer_requests(cut);
        self.streams.write_all();
        self.look_after_traces(cut);
        self.look_after_deadlines();
        more
    }

    /// Takes what is in the rings, and forgets the rings of threads that are gone.
    fn drain(&mut self) -> bool {
        let mut more = false;
        self.rings.retain_mut(|ring| {
            more |= self.batch.take(ring, AT_ONCE) == AT_ONCE;
            !ring.is_over()
        });
        more
    }

    /// Hands every record of the batch to its trace; what they become is written now and then when that takes long.
    fn accept_batch(&mut self) {
        let Self { batch, traces, streams, carried, .. } = self;
        let mut written = Instant::now();
        let mut left = batch.len() + carried.len();
        batch.drain(|recorded, captured| {
            if let Some(load) = &recorded.load {
                release_payload(load);
            }
            if let Some(trace) = traces.get_mut(&recorded.record.trace) {
                trace.accept(recorded, captured, streams);
            }
            left -= 1;
            BACKLOG.store(left, Ordering::Relaxed);
            if left % LOOK_EVERY == 0 && written.elapsed() >= ROUND {
                streams.write_all();
                written = Instant::now();
            }
        });
    }

    /// Requests are due when everything recorded before them was accepted.
    fn answer_requests(&mut self, cut: Tick) {
        let due = |request: &Request| request.at <= cut;
        let (ready, later): (Vec<_>, Vec<_>) = std::mem::take(&mut self.requests).into_iter().partition(due);
        self.requests = later;
        for request in ready {
            match request.what {
                Wish::Flush(done) => {
                    self.streams.write_all();
                    self.send_changed();
                    let _ = done.send(());
                }
                Wish::Close(tracer, done) => {
                    self.close(&tracer);
                    let _ = done.send(());
                }
                Wish::Release(tracer, done) => {
                    self.release(&tracer);
                    let _ = done.send(());
                }
                Wish::Deadline(completion, at) => self.deadlines.push((completion, at)),
                Wish::Flags(Flagged { key, flags, document, completion }) => {
                    if let Some(trace) = self.traces.get_mut(&key) {
                        trace.raise(flags, Some(&document), &mut self.streams);
                    }
                    completion.done_with_one();
                }
                Wish::LateFlags(flags, unknown) => {
                    let _ = unknown.send(self.raise_late(flags));
                }
            }
        }
    }

    /// Raises flags for the traces that are still known; gives back the rest.
    fn raise_late(&mut self, flags: Vec<LateFlags>) -> Vec<LateFlags> {
        let mut unknown = Vec::new();
        for late in flags {
            match self.traces.values_mut().find(|trace| trace.is_called(&late.trace_id)) {
                Some(trace) => trace.raise(late.flags, None, &mut self.streams),
                None => unknown.push(late),
            }
        }
        unknown
    }

    fn close(&mut self, tracer: &Tracer) {
        for trace in self.traces.values_mut().filter(|trace| trace.is_of(tracer)) {
            trace.end_as_incomplete(&mut self.streams);
        }
        self.streams.write_all();
        self.send_changed();
    }

    fn release(&mut self, tracer: &Tracer) {
        let streams = &mut self.streams;
        self.traces.retain(|_, trace| !(trace.is_of(tracer) && trace.forget(streams)));
        if let Some(dir) = &tracer.options().dir {
            self.streams.close_below(dir);
        }
    }

    /// Sends on what has ended or changed since, and forgets what can get no more records.
    fn look_after_traces(&mut self, cut: Tick) {
        self.send_changed();
        let streams = &mut self.streams;
        self.traces.retain(|_, trace| !trace.is_over(cut) || !trace.forget(streams));
        self.limit_memory();
    }

    fn send_changed(&mut self) {
        for trace in self.traces.values_mut() {
            trace.send_if_changed(&mut self.streams);
        }
    }

    /// Lets go, tracer by tracer, the largest documents in memory until what is left fits; they are folded from their streams when their
    /// traces end.
    fn limit_memory(&mut self) {
        let mut tracers: Vec<Tracer> = Vec::new();
        for trace in self.traces.values() {
            if !tracers.iter().any(|tracer| trace.is_of(tracer)) {
                tracers.push(trace.tracer().clone());
            }
        }
        for tracer in tracers {
            self.limit_memory_of(&tracer);
        }
    }

    fn limit_memory_of(&mut self, tracer: &Tracer) {
        let limit = tracer.options().open_bytes;
        let own = |trace: &&mut OpenTrace| trace.is_of(tracer) && trace.bytes() > 0;
        let mut largest: Vec<&mut OpenTrace> = self.traces.values_mut().filter(own).collect();
        let mut held: usize = largest.iter().map(|trace| trace.bytes()).sum();
        if held <= limit {
            return;
        }
        largest.sort_by_key(|trace| std::cmp::Reverse(trace.bytes()));
        for trace in largest {
            if held <= limit {
                break;
            }
            held -= trace.let_go(&mut self.streams);
        }
    }

    fn look_after_deadlines(&mut self) {
        let now = Instant::now();
        self.deadlines.retain(|(completion, at)| {
            let over = *at <= now;
            if over {
                completion.give_up();
            }
            !over
        });
    }

    /// Sleeps until the next round is due, or somebody knocks.
    fn sleep(&self, busy: bool) {
        if busy || !self.batch.is_empty() || !self.requests.is_empty() {
            return;
        }
        let open = self.traces.values().any(|trace| !trace.has_ended());
        let rest = match (open || self.streams.has_unwritten(), self.traces.is_empty()) {
            (true, _) => Some(ROUND),
            (false, false) => Some(LINGER),
            (false, true) => self.deadlines.iter().map(|(_, at)| at.saturating_duration_since(Instant::now())).min(),
        };
        ASLEEP.store(true, Ordering::SeqCst);
        let knocked = inbox(|inbox| {
            !(inbox.opened.is_empty()
                && inbox.reserved.is_empty()
                && inbox.requests.is_empty()
                && inbox.rings.is_empty())
        });
        if !knocked {
            match rest {
                Some(rest) => std::thread::park_timeout(rest),
                None => std::thread::park(),
            }
        }
        ASLEEP.store(false, Ordering::SeqCst);
    }
}
