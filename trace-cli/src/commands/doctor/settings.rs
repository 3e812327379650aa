//! What is configured, and from where.

use super::Check;
use crate::place::Place;
use crate::words::one_line;
use trace_store::settings::{CONFIG_VARIABLE, OPTIONS, Settings, Surroundings};

pub(super) fn checks(place: &Place) -> Vec<Check> {
    let surroundings = Surroundings::of_process();
    let file = Settings::file(&surroundings)
        .map_or_else(|| "no whytrace.toml".to_owned(), |file| one_line(&file.display().to_string(), 500));
    let mut variables: Vec<&str> = OPTIONS
        .iter()
        .filter_map(|option| option.variable)
        .chain([CONFIG_VARIABLE])
        .filter(|variable| surroundings.variables.get(*variable).is_some_and(|value| !value.is_empty()))
        .collect();
    variables.sort_unstable();
    let set =
        if variables.is_empty() { "no variable is set".to_owned() } else { format!("set: {}", variables.join(", ")) };
    let found = format!("{file}; {set}");
    let mut checks = vec![if place.problems.is_empty() {
        Check::ok("settings", found)
    } else {
        let problems = place.problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
        Check::failed("settings", found, problems)
    }];
    if !place.settings.enabled {
        let advice = "set WHYTRACE_ENABLED=true, or `enabled = true` in whytrace.toml, to record again";
        checks.push(Check::warning("recording", "switched off: nothing is recorded", advice));
    }
    checks
}
