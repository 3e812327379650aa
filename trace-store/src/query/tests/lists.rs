//! Lists: what is in them, in which order, page after page.

use super::*;
use crate::query::{Page, QueryError, Window};
use crate::sql::tests::on_every_database;

/// Six runs: two without a beginning, one of last year.
fn several() -> Vec<Trace> {
    let mut runs: Vec<Trace> = (1..=4).map(|n| recent(n, i128::from(n))).collect();
    runs[0].run.intent = Some("validating".into());
    runs[1].run.status = Status::Failed;
    runs[2].session_id = "s-1".into();
    runs[3].run.started_at = runs[2].run.started_at;
    let mut old = recent(5, 60 * 24 * 365);
    old.run.intent = Some("validating".into());
    runs.extend([old, small(7), small(6)]);
    runs
}

/// The runs that a filter finds, page after page.
async fn ids_of(store: &Store, filter: &str, window: Window) -> Vec<String> {
    let (filter, mut page, mut found) = (filter.parse().unwrap(), Page::default(), Vec::new());
    loop {
        let listing = store.search(&filter, window, &page).await.unwrap();
        found.extend(listing.items.into_iter().map(|item| item.trace_id));
        match listing.next_cursor {
            Some(cursor) => page = page.after(cursor),
            None => return found,
        }
    }
}

on_every_database! {
    fn lists_are_newest_first_and_look_thirty_days_back(database: Database) {
        save(database, &several());
        ask(database, async |store| {
            let recent = store.search(&"".parse().unwrap(), Window::default(), &Page::default()).await.unwrap();
            assert_eq!(ids(&recent), [id(1), id(2), id(4), id(3)]);
            assert_eq!(recent.next_cursor, None);
            let all = store.search(&"".parse().unwrap(), Window::all_time(), &Page::default()).await.unwrap();
            assert_eq!(ids(&all), [id(1), id(2), id(4), id(3), id(5), id(7), id(6)]);
            let validating = store.by_intent("validating", Window::default(), &Page::default()).await.unwrap();
            assert_eq!(ids(&validating), [id(1)]);
            let failed = store.by_status(Status::Failed, Window::default(), &Page::default()).await.unwrap();
            assert_eq!(ids(&failed), [id(2)]);
            let session = store.by_session("s-1", Window::default(), &Page::default()).await.unwrap();
            assert_eq!(ids(&session), [id(3)]);
            let project = store.by_project("cobot", Window::default(), &Page::default()).await.unwrap();
            assert_eq!(project.items.len(), 4);
        });
    }

    fn a_part_of_a_query_is_found_wherever_it_stands(database: Database) {
        let mut runs = several();
        // Beyond the two hundred characters that the index holds, across their end, and within them.
        runs[0].run.query = Some(format!("{} Needle", "é".repeat(300)));
        runs[1].run.query = Some(format!("{}needle", "x".repeat(197)));
        runs[2].run.query = Some("a NEEDLE".into());
        runs[3].run.query = Some("y".repeat(199));
        // More than are looked up one by one.
        let many = (100..700).map(|n| {
            let mut run = recent(n, i128::from(n));
            run.run.query = Some(format!("common {n}"));
            run
        });
        runs.extend(many);
        save(database, &runs);
        ask(database, async |store| {
            let found = async |filter: &str, window| ids_of(store, filter, window).await;
            assert_eq!(found("query ~ needle", Window::default()).await, [id(1), id(2), id(3)]);
            assert_eq!(found("query ~ needle and status = failed", Window::all_time()).await, [id(2)]);
            assert_eq!(found("query ~ 'no such'", Window::default()).await, [""; 0]);
            assert_eq!(found("query ~ common", Window::default()).await.len(), 600);
            assert_eq!(found("query ~ 'mmon 69'", Window::default()).await.len(), 10);
        });
    }

    fn pages_join_to_the_whole_list(database: Database) {
        save(database, &several());
        ask(database, async |store| {
            for limit in 1..8 {
                let mut page = Page::new(limit);
                let mut seen = Vec::new();
                loop {
                    let listing = store.search(&"".parse().unwrap(), Window::all_time(), &page).await.unwrap();
                    seen.extend(listing.items.into_iter().map(|item| item.trace_id));
                    match listing.next_cursor {
                        Some(cursor) => page = page.after(cursor),
                        None => break,
                    }
                }
                assert_eq!(seen, [id(1), id(2), id(4), id(3), id(5), id(7), id(6)], "pages of {limit}");
            }
            let page = Page::default().after("'; DROP TABLE traces");
            let error = store.search(&"".parse().unwrap(), Window::all_time(), &page).await.unwrap_err();
            assert!(matches!(error, QueryError::Cursor(_)), "{error}");
        });
    }

    fn an_item_says_what_the_row_does(database: Database) {
        save(database, &[full(1)]);
        ask(database, async |store| {
            let all = store.search(&"".parse().unwrap(), Window::all_time(), &Page::default()).await.unwrap();
            let item = &all.items[0];
            assert_eq!((item.status, item.quality_gate_passed, item.overall_quality_score), (Status::Complete, Some(true), Some(2.4)));
            assert_eq!(item.total_cost_usd.unwrap().to_string(), "0.300000000007");
            assert_eq!(item.tags["team"], "search");
            assert_eq!(item.gap_principles, ["META-12"]);
            assert_eq!(item.started_at.unwrap().to_string(), "2026-02-13T14:30:22.123456Z");
            let json = serde_json::to_string(item).unwrap();
            assert_eq!(&serde_json::from_str::<TraceItem>(&json).unwrap(), item);
        });
    }

    fn what_is_asked_by_name_is_found(database: Database) {
        let mut failed = full(2);
        failed.stages["quality_gate#2"].passing = Some(false);
        save(database, &[full(1), failed]);
        ask(database, async |store| {
            let (window, page) = (Window::all_time(), Page::default());
            assert_eq!(ids(&store.quality_gate_failures(window, &page).await.unwrap()), [id(2)]);
            assert_eq!(store.low_scoring_principle("META-12", 1.1, window, &page).await.unwrap().items.len(), 2);
            assert_eq!(store.low_scoring_principle("META-12", 1.0, window, &page).await.unwrap().items.len(), 0);
            assert_eq!(store.low_scoring_principle("META-1'2", 1.0, window, &page).await.unwrap().items.len(), 0);
            assert_eq!(store.by_prompt("report", Some(2), window, &page).await.unwrap().items.len(), 2);
            assert_eq!(store.by_prompt("report", None, window, &page).await.unwrap().items.len(), 2);
            assert_eq!(store.by_prompt("report", Some(1), window, &page).await.unwrap().items.len(), 0);
            assert_eq!(store.flagged_for_review(window, &page).await.unwrap().items.len(), 2);
            assert_eq!(store.by_domain("robotics", window, &page).await.unwrap().items.len(), 2);
        });
    }
}
