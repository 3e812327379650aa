//! From arguments to questions: windows, pages, filters, ids.

use crate::args::{PageArgs, WindowArgs};
use crate::failure::Failure;
use crate::out::say;
use crate::place::Place;
use crate::words::one_line;
use trace_core::model::Timestamp;
use trace_store::query::{Filter, FilterError, Page, QueryError, Store, Window, moment};

/// What stands for the newest run in place of an id.
const LAST: &str = "last";

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

/// The id of a run: as given, the only one that begins so, or that of the newest run for `last`.
pub(crate) async fn id(store: &Store, given: &str) -> Result<String, Failure> {
    if given == LAST {
        let newest = newest(store, 1).await?.pop();
        return newest.ok_or_else(|| Failure::Failed(format!("there is no run in {}", store.place())));
    }
    match store.trace(given).await {
        Ok(run) => Ok(run.trace_id),
        Err(QueryError::NoSuchTrace { id, place }) => {
            // Its rows may still wait in the outbox: then its document is there.
            if let Ok(found) = store.full_trace(given).await {
                return Ok(found.trace.trace_id);
            }
            let near = near(&id, &newest(store, Page::MAX).await?);
            Err(Failure::Failed(format!("there is no trace `{}` in {place}; {near}", one_line(&id, 128))))
        }
        Err(error) => Err(failure(&error)),
    }
}

/// The ids of the newest runs.
async fn newest(store: &Store, count: u32) -> Result<Vec<String>, Failure> {
    let listing = store.search(&Filter::all(), Window::all_time(), &Page::new(count)).await;
    let listing = listing.map_err(|error| failure(&error))?;
    Ok(listing.items.into_iter().map(|run| run.trace_id).collect())
}

/// What an id that nobody has could have meant.
fn near(id: &str, newest: &[String]) -> String {
    const SLIP: usize = 3;
    let given = id.chars().count();
    // A shortened id is held against beginnings of the same length.
    let distance = |other: &String| strsim::osa_distance(id, &other.chars().take(given).collect::<String>());
    let nearest = newest.iter().map(|other| (distance(other), other)).min_by_key(|(distance, _)| *distance);
    match nearest {
        None => "there is none at all".to_owned(),
        Some((distance, other)) if distance <= SLIP && given > 2 * SLIP => {
            format!("did you mean {}?", one_line(other, 128))
        }
        Some(_) => {
            let some: Vec<String> = newest.iter().take(3).map(|id| one_line(id, 128)).collect();
            format!("the newest are {}; `whytrace list` has more", some.join(", "))
        }
    }
}

/// Which time is asked about.
pub(crate) fn window(args: &WindowArgs) -> Result<Window, Failure> {
    if args.all {
        return Ok(Window::all_time());
    }
    between(Some(&args.since), args.until.as_deref())
}

/// The time between two moments, either of which may be open.
pub(crate) fn between(since: Option<&str>, until: Option<&str>) -> Result<Window, Failure> {
    let now = Timestamp::now();
    let read = |text: Option<&str>| text.map(|text| moment(text, now)).transpose().map_err(|error| failure(&error));
    Ok(Window { since: read(since)?, until: read(until)? })
}

/// A moment given as an age (`90d`) or as a moment.
pub(crate) fn age(text: &str) -> Result<Timestamp, Failure> {
    let now = Timestamp::now();
    let read = moment(&format!("-{text}"), now).or_else(|_| moment(text, now));
    read.map_err(|_| {
        let given = one_line(text, 64);
        Failure::Usage(format!("`{given}` is no age; expected 90d (also h, m, s, w), or a moment such as 2026-02-13"))
    })
}

/// Which part of a list is asked for.
pub(crate) fn page(args: &PageArgs) -> Page {
    let page = Page::new(args.limit);
    args.cursor.as_ref().map_or(page.clone(), |cursor| page.after(cursor))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_that_nobody_has_is_told_the_nearest() {
        let newest = ["trc_20260213_143022_00f067aa0ba902b7", "trc_20260101_000000_a1b2c3d4"].map(str::to_owned);
        assert_eq!(
            near("trc_20260213_143022_00f067aa0ba902b8", &newest),
            "did you mean trc_20260213_143022_00f067aa0ba902b7?"
        );
        assert_eq!(near("trc_20260102", &newest), "did you mean trc_20260101_000000_a1b2c3d4?");
        assert!(near("nothing like it", &newest).starts_with("the newest are trc_20260213"));
        assert_eq!(near("trc_1", &[]), "there is none at all");
    }

    #[test]
    fn a_prompt_may_have_a_version() {
        assert_eq!(prompt("a@b@2").unwrap(), ("a@b", Some(2)));
        assert_eq!(prompt("support_bot").unwrap(), ("support_bot", None));
        assert!(prompt("support_bot@latest").is_err());
    }
}
