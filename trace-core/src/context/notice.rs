//! The one line that a process prints when something is recorded outside any trace.

use super::shared::take_notice;
use crate::registry::Site;
use crate::tracer::Tracer;

/// Says once per process that `site` ran where nothing is recorded, and what to do about it.
#[cold]
pub(crate) fn outside_any_trace(site: &Site) {
    if take_notice() {
        let hint = if Tracer::global().is_some() {
            "put #[traced_run] on the function that is the whole run, or carry the context with whytrace::spawn or Ctx::current()"
        } else {
            "call whytrace::init() first, and put #[traced_run] on the function that is the whole run"
        };
        crate::diagnostics::say(&format!(
            "{} `{}` at {} ran outside any trace and is not recorded: {hint}. This is said once.",
            site.kind.as_str(),
            site.name,
            site.location(),
        ));
    }
}

/// The notice is not wanted: tracing was switched off on purpose.
pub(crate) fn silence() {
    take_notice();
}
