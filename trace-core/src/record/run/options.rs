//! What a run is about: project, question, intent, session, labels, and the parent in another process.

use crate::context::{Carried, RemoteParent, TraceparentError, parse_traceparent};
use crate::model::Object;
use crate::record::capture;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt::Display;

/// What a run is about, to start a trace with.
///
/// ```
/// use trace_core::record::Run;
/// let run = Run::new("cobot").query("Which competitors sell collaborative robots?").intent("validating").tag("tier", "free");
/// ```
#[derive(Clone, Debug, Default)]
pub struct Run {
    pub(super) project: String,
    pub(super) query: Option<String>,
    pub(super) intent: Option<String>,
    pub(super) domain: Option<String>,
    pub(super) report_type: Option<String>,
    pub(super) research_type: Option<String>,
    pub(super) session: Option<String>,
    pub(super) user: Option<String>,
    pub(super) tags: BTreeMap<String, String>,
    pub(super) fields: Object,
    pub(super) remote: Option<RemoteParent>,
    pub(super) carried: Option<Carried>,
    pub(super) warning: Option<String>,
}

impl Run {
    /// A run of a project.
    #[must_use]
    pub fn new(project: impl Into<String>) -> Self {
        Self { project: project.into(), ..Self::default() }
    }

    /// What the run was asked.
    #[must_use]
    pub fn query(mut self, query: impl Display) -> Self {
        self.query = Some(capture::display(&query));
        self
    }

    /// What the asker wants to do with it, such as `validating`.
    #[must_use]
    pub fn intent(mut self, intent: impl Display) -> Self {
        self.intent = Some(capture::display(&intent));
        self
    }

    /// The subject area.
    #[must_use]
    pub fn domain(mut self, domain: impl Display) -> Self {
        self.domain = Some(capture::display(&domain));
        self
    }

    /// The sort of report wanted.
    #[must_use]
    pub fn report_type(mut self, report_type: impl Display) -> Self {
        self.report_type = Some(capture::display(&report_type));
        self
    }

    /// The sort of research done.
    #[must_use]
    pub fn research_type(mut self, research_type: impl Display) -> Self {
        self.research_type = Some(capture::display(&research_type));
        self
    }

    /// The conversation or job it belongs to; without one the trace is its own session.
    #[must_use]
    pub fn session(mut self, session: impl Display) -> Self {
        self.session = Some(capture::display(&session)).filter(|session| !session.is_empty());
        self
    }

    /// Who it is run for.
    #[must_use]
    pub fn user(mut self, user: impl Display) -> Self {
        self.user = Some(capture::display(&user));
        self
    }

    /// A free label.
    #[must_use]
    pub fn tag(mut self, key: impl Into<String>, value: impl Display) -> Self {
        self.tags.insert(key.into(), capture::display(&value));
        self
    }

    /// A field of the run, such as `tier_config`.
    #[must_use]
    pub fn field(mut self, key: impl Into<String>, value: impl Serialize) -> Self {
        self.fields.insert(key.into(), capture::to_value(&value));
        self
    }

    /// The parent in another process, from its `traceparent` header. A malformed header is recorded as a warning.
    #[must_use]
    pub fn traceparent(mut self, header: &str) -> Self {
        match parse_traceparent(header, None) {
            Ok(parent) => {
                let trace_id = self.remote.take().and_then(|remote| remote.trace_id);
                self.remote = Some(RemoteParent { trace_id, ..parent });
            }
            Err(error) => self.warning = Some(TraceparentError::to_string(&error)),
        }
        self
    }

    /// The parent's `tracestate` header, which carries its trace id; call it after [`Run::traceparent`]. Entries of other vendors are
    /// passed on with the calls that this run makes.
    #[must_use]
    pub fn tracestate(mut self, header: &str) -> Self {
        self.carried.get_or_insert_default().take_tracestate(header);
        if let Some(remote) = &mut self.remote {
            let traceparent = format!("00-{}-{}-01", remote.otel_trace_id, remote.span_id);
            remote.trace_id = parse_traceparent(&traceparent, Some(header)).ok().and_then(|parent| parent.trace_id);
        }
        self
    }

    /// The parent's W3C `baggage` header, which is passed on with the calls that this run makes. Its members `session.id` and
    /// `user.id` are taken where the run names no session or user of its own.
    #[must_use]
    pub fn baggage(mut self, header: &str) -> Self {
        let carried = self.carried.get_or_insert_default();
        carried.take_baggage(header);
        let (session, user) = (carried.baggage_value("session.id"), carried.baggage_value("user.id"));
        self.session = self.session.or(session);
        self.user = self.user.or(user);
        self
    }
}
