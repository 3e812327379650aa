//! Keeps an older version of a trace from replacing a newer one.
//!
//! A trace to which events came late, or for which flags were raised, is sent again. Two threads of a sink can then hold two versions at once, and the older
//! could be written last. Versions of one trace are therefore written one after the other, and an older one not at all.

use std::collections::VecDeque;
use std::hash::BuildHasher;
use std::sync::{Mutex, PoisonError};
use trace_core::sink::FinishedTrace;

/// Enough that the few threads of a sink seldom wait for each other.
const STRIPES: usize = 64;

/// How many rewritten traces of a stripe are remembered: far more than can be under way at once.
const REMEMBERED: usize = 32;

/// Late events, and flags.
type Version = (u64, usize);

/// The newest version written of each trace that was sent again lately.
#[derive(Debug)]
pub(crate) struct Latest {
    hasher: std::hash::RandomState,
    stripes: Vec<Mutex<VecDeque<(String, Version)>>>,
}

impl Default for Latest {
    fn default() -> Self {
        Self {
            hasher: std::hash::RandomState::new(),
            stripes: (0..STRIPES).map(|_| Mutex::new(VecDeque::new())).collect(),
        }
    }
}

impl Latest {
    /// Runs `write` unless a newer version of this trace was written; nobody else writes the same trace meanwhile.
    pub(crate) fn write_unless_newer<E>(
        &self,
        finished: &FinishedTrace,
        write: impl FnOnce() -> Result<(), E>,
    ) -> Result<(), E> {
        let id = &finished.trace.trace_id;
        let version = (finished.trace.metadata.late_events, finished.trace.calibration_flags.len());
        #[allow(clippy::cast_possible_truncation)] // any bits will do
        let stripe = self.hasher.hash_one(id) as usize % STRIPES;
        let mut rewritten = self.stripes[stripe].lock().unwrap_or_else(PoisonError::into_inner);
        if rewritten.iter().any(|(other, newest)| other == id && *newest > version) {
            return Ok(());
        }
        write()?;
        if finished.again {
            rewritten.retain(|(other, _)| other != id);
            rewritten.push_back((id.clone(), version));
            if rewritten.len() > REMEMBERED {
                rewritten.pop_front();
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use trace_core::model::Trace;

    fn version(late_events: u64) -> FinishedTrace {
        let mut trace = Trace { trace_id: "trc_a".into(), ..Trace::default() };
        trace.metadata.late_events = late_events;
        FinishedTrace { trace: Arc::new(trace), project_dir: None, sampled: true, again: late_events > 0 }
    }

    #[test]
    fn an_older_version_that_comes_later_is_not_written() {
        let latest = Latest::default();
        let mut written = Vec::new();
        for late_events in [2, 0, 1, 2, 3] {
            latest
                .write_unless_newer(&version(late_events), || {
                    written.push(late_events);
                    Ok::<(), ()>(())
                })
                .unwrap();
        }
        assert_eq!(written, [2, 2, 3]);
    }

    #[test]
    fn a_version_that_could_not_be_written_does_not_count() {
        let latest = Latest::default();
        assert!(latest.write_unless_newer(&version(2), || Err("disk full")).is_err());
        let mut written = false;
        latest
            .write_unless_newer(&version(0), || {
                written = true;
                Ok::<(), ()>(())
            })
            .unwrap();
        assert!(written);
    }

    #[test]
    fn memory_is_bounded() {
        let latest = Latest::default();
        for n in 0..10_000 {
            let mut finished = version(1);
            Arc::make_mut(&mut finished.trace).trace_id = format!("trc_{n}");
            latest.write_unless_newer(&finished, || Ok::<(), ()>(())).unwrap();
        }
        let held: usize = latest.stripes.iter().map(|stripe| stripe.lock().unwrap().len()).sum();
        assert!(held <= STRIPES * REMEMBERED);
    }
}
