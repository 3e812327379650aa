//! One trace, as the collector knows it while records of it can come.

use super::convert::{Convert, Named};
use super::pricing::Pricing;
use super::recover;
use super::side_file::SideFiles;
use super::sinks::{Job, SinkHandle};
use super::stream_file::{StreamId, Streams};
use crate::context::shared::Shared;
use crate::event::{Body, Event, FlagRaised, TraceAccount, TraceEnd, TraceStart, TraceUpdate};
use crate::fold::{Fold, FoldLimits};
use crate::model::{CalibrationFlag, Status, Timestamp, Trace};
use crate::observe;
use crate::record::Recorded;
use crate::sink::{FinishedTrace, SinkError};
use crate::tracer::Tracer;
use fastant::Instant as Tick;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::Duration;

pub(super) struct OpenTrace {
    shared: Arc<Shared>,
    start: Timestamp,
    seq: u64,
    convert: Convert,
    pricing: Pricing,
    /// The document so far; `None` when it was let go and has to be folded from the stream.
    fold: Option<Fold>,
    stream: Option<StreamId>,
    side_files: SideFiles,
    /// The collector's work on this trace.
    work: Duration,
    line: Vec<u8>,
    ended: bool,
    /// There is something that the sinks have not seen.
    changed: bool,
    sent: bool,
    /// The document that the sinks have, while one of them holds it, and the flags for which it has room.
    document: Weak<Trace>,
    room_for_flags: usize,
    /// Drops are told again when there are more than this: each time they have doubled.
    drops_told: u64,
    /// When it was first seen that no code holds the context any more.
    released: Option<Tick>,
}

impl OpenTrace {
    pub(super) fn new(shared: Arc<Shared>, wall: Timestamp, mut start: TraceStart, streams: &mut Streams) -> Self {
        let options = shared.tracer.options();
        let traces_dir = options.dir.as_ref().map(|dir| dir.join(&shared.project_id).join("_traces"));
        let shared_session = shared.session_id != shared.trace_id;
        let stream = traces_dir.as_ref().map(|dir| StreamId::new(dir, &shared.session_id, shared_session));
        start.live = stream.as_ref().and_then(|stream| streams.note_live(stream, &shared));
        let mut trace = Self {
            seq: 0,
            start: wall,
            convert: Convert::new(&shared, wall),
            pricing: Pricing::default(),
            fold: Some(Fold::new(FoldLimits { max_items: usize::try_from(options.max_items).unwrap_or(usize::MAX) })),
            stream,
            side_files: SideFiles::new(traces_dir, &shared.session_id, options.side_file_bytes),
            work: Duration::ZERO,
            line: Vec::new(),
            ended: false,
            changed: false,
            sent: false,
            document: Weak::new(),
            room_for_flags: 0,
            drops_told: 0,
            released: None,
            shared,
        };
        let at = trace.shared.started;
        trace.emit(at, Named::default(), None, Body::TraceStart(start), streams);
        trace
    }

    pub(super) fn is_of(&self, tracer: &Tracer) -> bool {
        self.shared.tracer.is(tracer)
    }

    pub(super) fn is_called(&self, trace_id: &str) -> bool {
        self.shared.trace_id == trace_id
    }

    pub(super) fn has_ended(&self) -> bool {
        self.ended
    }

    pub(super) fn tracer(&self) -> &Tracer {
        &self.shared.tracer
    }

    /// Turns a record into an event, and takes that in.
    pub(super) fn accept(&mut self, recorded: Recorded, captured: &[u8], streams: &mut Streams) {
        let began = Tick::now();
        let at = recorded.record.at;
        let Some(converted) = self.convert.record(recorded, captured) else { return };
        let mut body = converted.body;
        let unpriced = self.pricing.price(&mut body, self.moment(at), &self.shared.tracer);
        for warning in converted.warnings.into_iter().chain(unpriced) {
            self.emit(at, converted.named.clone(), None, Body::Warning(warning), streams);
        }
        if let Body::TraceEnd(end) = &mut body {
            self.fill_versions(at, streams);
            end.metadata = self.account();
        }
        let is_end = matches!(body, Body::TraceEnd(_));
        let duration = if is_end { Some(at.duration_since(self.shared.started)) } else { converted.duration };
        self.emit(at, converted.named, duration, body, streams);
        self.ended |= is_end;
        self.report_drops(at, streams);
        self.work += began.elapsed();
    }

    /// A tick of the trace on the wall clock.
    fn moment(&self, at: Tick) -> Timestamp {
        self.start.plus(at.duration_since(self.shared.started))
    }

    /// Says which versions of prompts became known since their calls began.
    fn fill_versions(&mut self, at: Tick, streams: &mut Streams) {
        for (named, body) in self.convert.late_versions() {
            self.emit(at, named, None, body, streams);
        }
    }

    /// Writes how many records were dropped while that grows, so that the trace of a process that dies tells it too.
    fn report_drops(&mut self, at: Tick, streams: &mut Streams) {
        let dropped = self.shared.dropped.load(Ordering::Relaxed);
        if dropped > self.drops_told && !self.ended {
            self.drops_told = dropped.saturating_mul(2);
            let update = TraceUpdate { metadata: Some(self.account()), ..TraceUpdate::default() };
            self.emit(at, Named::default(), None, Body::TraceUpdate(update), streams);
        }
    }

    /// What recording has cost and lost so far.
    fn account(&self) -> TraceAccount {
        TraceAccount {
            dropped_events: self.shared.dropped.load(Ordering::Relaxed),
            tracing_overhead_ms: (self.shared.waited() + self.work).as_secs_f64() * 1e3,
        }
    }

    /// Redacts, numbers, writes and folds an event. The only way into stream and document.
    fn emit(&mut self, at: Tick, named: Named, duration: Option<Duration>, body: Body, streams: &mut Streams) {
        let event = self.write(at, named, duration, body, streams);
        if let Some(fold) = &mut self.fold {
            fold.apply(event);
        }
        self.changed = true;
    }

    /// Redacts, numbers and writes an event.
    fn write(
        &mut self,
        at: Tick,
        named: Named,
        duration: Option<Duration>,
        mut body: Body,
        streams: &mut Streams,
    ) -> Event {
        let redactor = &self.shared.tracer.inner().redactor;
        redactor.body(&mut body);
        if let Some(problem) = self.side_files.move_large(&mut body, named.component.as_deref()) {
            self.shared.tracer.failed(&problem);
        }
        let event = Event {
            seq: self.seq,
            ts: self.moment(at),
            session_id: self.shared.session_id.clone(),
            trace_id: self.shared.trace_id.clone(),
            stage: named.stage,
            component: named.component,
            duration_ms: duration.map(|duration| duration.as_secs_f64() * 1e3),
            body,
        };
        self.seq += 1;
        observe::broadcast(&self.shared.tracer.inner().observers, &event);
        if let Some(stream) = &self.stream {
            self.line.clear();
            event.write_line(&mut self.line);
            streams.append(stream, &self.line, &self.shared.tracer);
        }
        event
    }

    /// The program ends, or the tracer is closed.
    pub(super) fn end_as_incomplete(&mut self, streams: &mut Streams) {
        if self.ended {
            return;
        }
        self.shared.ended.store(true, Ordering::Release);
        self.ended = true;
        let at = Tick::now();
        self.fill_versions(at, streams);
        let metadata = self.account();
        let status = self.shared.marked().unwrap_or(Status::Incomplete);
        let end = TraceEnd { status, metadata, error: self.shared.take_error(), ..TraceEnd::default() };
        let duration = Some(at.duration_since(self.shared.started));
        self.emit(at, Named::default(), duration, Body::TraceEnd(end), streams);
    }

    /// Sends the document to the sinks if it has ended, or changed after its end.
    pub(super) fn send_if_changed(&mut self, streams: &mut Streams) {
        if !(self.ended && self.changed) {
            return;
        }
        if self.sent {
            let update = TraceUpdate { metadata: Some(self.account()), ..TraceUpdate::default() };
            self.emit(Tick::now(), Named::default(), None, Body::TraceUpdate(update), streams);
            streams.write_all();
        }
        self.changed = false;
        let again = std::mem::replace(&mut self.sent, true);
        let Some(trace) = self.document(streams) else { return };
        self.dispatch(trace, again, |_| true);
    }

    /// Raises the flags that a sink detected in `document`, and sends the document with them to the sinks that keep no rows: the rows
    /// have them already.
    pub(super) fn raise(&mut self, flags: Vec<CalibrationFlag>, document: Option<&Arc<Trace>>, streams: &mut Streams) {
        let newest = document.filter(|document| Weak::as_ptr(&self.document) == Arc::as_ptr(document));
        // What came late goes to all sinks anyway, with the flags.
        let pending = self.changed;
        let has_room = self.room_for_flags >= flags.len();
        let mut flagged = newest.filter(|_| self.fold.is_none() && has_room).map(|document| Trace::clone(document));
        for flag in flags {
            let body = Body::FlagRaised(FlagRaised { flag, ..FlagRaised::default() });
            let event = self.write(Tick::now(), Named::default(), None, body, streams);
            match (&mut self.fold, &mut flagged, &event.body) {
                (Some(fold), _, _) => fold.apply(event),
                (None, Some(document), Body::FlagRaised(raised)) => {
                    document.calibration_flags.push(raised.flag.clone());
                }
                (None, _, _) => {}
            }
        }
        if pending {
            return;
        }
        if let Some(stream) = &self.stream {
            streams.write(stream);
        }
        let document = flagged.map(Arc::new).or_else(|| self.document(streams));
        if let Some(document) = document {
            self.dispatch(document, true, |sink| !sink.is_database());
        }
    }

    /// The document. Where it can be folded from the stream again it is not kept: events after the end are rare.
    fn document(&mut self, streams: &mut Streams) -> Option<Arc<Trace>> {
        match (self.fold.take(), &self.stream) {
            (Some(fold), Some(stream)) if streams.write(stream) => {
                self.room_for_flags = fold.room_for_flags();
                Some(Arc::new(fold.into_trace()))
            }
            (Some(fold), _) => Some(Arc::new(self.fold.insert(fold).trace().clone())),
            (None, None) => None,
            (None, Some(stream)) => {
                let path = stream.path();
                match recover::fold_one(&path, &self.shared.trace_id) {
                    Ok(Some(fold)) => Some(Arc::new(self.fold.insert(fold).trace().clone())),
                    Ok(None) => {
                        self.shared.tracer.failed(&format!("{} has lost its trace", path.display()));
                        None
                    }
                    Err(error) => {
                        self.shared.tracer.failed(&format!("cannot read {}: {error}", path.display()));
                        None
                    }
                }
            }
        }
    }

    /// Sends the document to those sinks.
    fn dispatch(&mut self, trace: Arc<Trace>, again: bool, to: impl Fn(&SinkHandle) -> bool) {
        self.document = Arc::downgrade(&trace);
        let tracer = &self.shared.tracer;
        let stream = self.stream.as_ref().map(StreamId::path);
        let finished = FinishedTrace {
            sampled: self.is_sampled(&trace),
            project_dir: tracer.options().dir.as_ref().map(|dir| dir.join(&self.shared.project_id)),
            trace,
            again,
        };
        let sinks: Vec<&SinkHandle> = tracer.inner().sinks.iter().filter(|sink| to(sink)).collect();
        let dropped = self.shared.dropped.load(Ordering::Relaxed);
        self.shared.completion.sent(sinks.len(), sinks.iter().any(|sink| sink.is_database()), dropped);
        let reporter = tracer.clone();
        let report: Arc<dyn Fn(&SinkError) + Send + Sync> = Arc::new(move |error| reporter.failed(&error.to_string()));
        for sink in sinks {
            sink.send(Job {
                finished: finished.clone(),
                stream: stream.clone(),
                completion: Arc::clone(&self.shared.completion),
                key: Some(self.shared.key),
                report: Arc::clone(&report),
            });
        }
    }

    /// Whether document and child rows are kept: what failed, fell through the gate or was flagged always, else by the ratio. The trace
    /// id decides, so a trace that is sent again is decided alike.
    fn is_sampled(&self, trace: &Trace) -> bool {
        let ratio = self.shared.tracer.options().sample;
        let worth = trace.run.status != Status::Complete
            || trace.quality_gate_failures > 0
            || !trace.calibration_flags.is_empty()
            || trace.metadata.dropped_events > 0;
        let position =
            f64::from(u32::from_str_radix(&self.shared.otel_trace_id[24..], 16).unwrap_or(0)) / f64::from(u32::MAX);
        worth || ratio >= 1.0 || position < ratio
    }

    /// Whether no record of it can come any more: it has ended, nobody but the collector holds its context, and a round has passed since.
    pub(super) fn is_over(&mut self, cut: Tick) -> bool {
        let held = Arc::strong_count(&self.shared) > 1;
        if held || !self.ended || self.changed || !self.shared.completion.is_settled() {
            self.released = None;
            return false;
        }
        let since = *self.released.get_or_insert_with(Tick::now);
        since < cut
    }

    /// Leaves it to recovery if a sink did not keep it, else to nobody; always true.
    pub(super) fn forget(&self, streams: &mut Streams) -> bool {
        if let (Some(stream), true) = (&self.stream, self.shared.completion.is_kept()) {
            streams.forget_live(stream, &self.shared.trace_id);
        }
        true
    }

    pub(super) fn bytes(&self) -> usize {
        self.fold.as_ref().map_or(0, Fold::approximate_bytes)
    }

    /// Frees the document; what it held. Not possible without a stream to fold it from again.
    pub(super) fn let_go(&mut self, streams: &mut Streams) -> usize {
        let bytes = self.bytes();
        match &self.stream {
            Some(stream) if streams.write(stream) => {
                self.fold = None;
                bytes
            }
            _ => 0,
        }
    }
}
