//! From arguments to questions: windows, pages, filters, ids.

use crate::args::{PageArgs, WindowArgs};
use crate::failure::Failure;
use crate::out::say;
use crate::place::Place;
use trace_core::model::Timestamp;
use trace_store::query::{Filter, FilterError, Page, QueryError, Store, Window, moment};

/// Opens what is to be asked, and says which files of a folder were passed over.
pub(crate) async fn open(place: &Place) -> Result<Store, Failure> {
    let store = Store::open(&place.settings).await.map_err(|error| failure(&error))?;
    let skipped = store.skipped();
    if let Some(first) = skipped.first() {
        let others = if skipped.len() > 1 {
            format!(" (and {} more; `whytrace doctor` counts them)", skipped.len() - 1)
        } else {
            String::new()
        };
        say(&format!("passed over {}{others}", first.message));
    }
    Ok(store)
}

/// What a failed question is on the command line: a mistake in the arguments, or something that could not be done.
pub(crate) fn failure(error: &QueryError) -> Failure {
    match error {
        QueryError::Filter(filter) => of_filter(filter),
        QueryError::Cursor(_) | QueryError::Moment(_) => Failure::Usage(error.to_string()),
        _ => Failure::of(error),
    }
}

fn of_filter(error: &FilterError) -> Failure {
    Failure::Usage(format!("filter, column {}: {}", error.column(), error.message()))
}

/// Reads a filter.
pub(crate) fn filter(text: &str) -> Result<Filter, Failure> {
    text.parse().map_err(|error| of_filter(&error))
}

/// A field that must have a value.
pub(crate) fn equals(field: &str, value: &str) -> Result<Filter, Failure> {
    Filter::equals(field, value).map_err(|error| Failure::Usage(error.message().to_owned()))
}

/// A prompt as it is written: `support_bot`, `support_bot@2`.
pub(crate) fn prompt(text: &str) -> Result<(&str, Option<u32>), Failure> {
    match text.rsplit_once('@') {
        None => Ok((text, None)),
        Some((name, version)) => match version.parse() {
            Ok(version) => Ok((name, Some(version))),
            Err(_) => Err(Failure::Usage(format!("`{version}` is not a version; expected NAME or NAME@2"))),
        },
    }
}

/// Which time is asked about.
pub(crate) fn window(args: &WindowArgs) -> Result<Window, Failure> {
    if args.all {
        return Ok(Window::all_time());
    }
    let now = Timestamp::now();
    let read = |text: &str| moment(text, now).map_err(|error| failure(&error));
    let since = Window::since(read(&args.since)?);
    args.until.as_deref().map_or(Ok(since), |until| Ok(since.until(read(until)?)))
}

/// Which part of a list is asked for.
pub(crate) fn page(args: &PageArgs) -> Page {
    let page = Page::new(args.limit);
    args.cursor.as_ref().map_or(page.clone(), |cursor| page.after(cursor))
}
