//! Whether the program does what its components declare.
//!
//! Comes in: what the binary declares, or a recorded trace. Goes out: problems that say where, and what to do.

use super::{ComponentDecl, Prompt, Registry, Site, registry};
use crate::model::{Stage, Trace};
use std::fmt;

/// Something that does not fit what is declared.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Problem {
    /// Two components have one name.
    ComponentTwice {
        /// One of them.
        first: &'static ComponentDecl,
        /// The other.
        second: &'static ComponentDecl,
    },
    /// Two prompts with different texts are registered under one name, each as a new version of the other.
    PromptTwice {
        /// One of them.
        first: &'static Prompt,
        /// The other.
        second: &'static Prompt,
    },
    /// A function of a component decides what the component does not declare.
    UndeclaredDecision {
        /// The annotated function.
        site: &'static Site,
        /// Its component.
        component: &'static ComponentDecl,
        /// What is decided in it.
        decision: &'static str,
    },
    /// A component declares a decision that no `decision!` of this binary records.
    UnusedDecision {
        /// The component.
        component: &'static ComponentDecl,
        /// What it declares.
        decision: &'static str,
    },
    /// Several components declare one decision point, so that queries for it mix them.
    SharedDecision {
        /// The decision point.
        decision: &'static str,
        /// The components.
        components: Vec<&'static str>,
    },
    /// A recorded decision that its component does not declare.
    RecordedDecision {
        /// The stage it was made in.
        stage: String,
        /// The decision point.
        decision: String,
        /// Where it was made, if known.
        location: Option<String>,
        /// The component it was made by.
        component: &'static ComponentDecl,
    },
    /// A recorded output that its component does not declare.
    RecordedOutput {
        /// The stage it is an output of.
        stage: String,
        /// The output's name.
        output: String,
        /// The component that runs the stage.
        component: &'static ComponentDecl,
    },
}

impl Problem {
    /// Whether a program with this problem does not conform. What is not an error informs only: a component says what
    /// it *may* decide, and a decision can be recorded without a macro.
    #[must_use]
    pub fn is_error(&self) -> bool {
        !matches!(self, Self::UnusedDecision { .. } | Self::SharedDecision { .. })
    }
}

impl Registry {
    /// What does not fit together in what the binary declares.
    #[must_use]
    pub fn problems(&self) -> Vec<Problem> {
        let twice = self.components.windows(2).filter(|pair| pair[0].name == pair[1].name);
        let mut problems: Vec<_> =
            twice.map(|pair| Problem::ComponentTwice { first: pair[0], second: pair[1] }).collect();
        problems.extend(self.prompts_twice());
        problems.extend(self.sites.iter().flat_map(|site| self.undeclared_at(site)));
        for component in &self.components {
            let unused = component.decisions.iter().filter(|decision| !self.decides(decision));
            problems.extend(unused.map(|decision| Problem::UnusedDecision { component, decision }));
        }
        let shared = self.decision_points.iter().filter(|point| point.components.len() > 1);
        problems.extend(
            shared.map(|point| Problem::SharedDecision { decision: point.name, components: point.components.clone() }),
        );
        problems
    }

    /// What a recorded trace holds that its components do not declare. A component without declared outputs may have any.
    #[must_use]
    pub fn undeclared(&self, trace: &Trace) -> Vec<Problem> {
        trace.stages.iter().flat_map(|(name, stage)| self.undeclared_in(name, stage)).collect()
    }

    /// Prompts declared twice with one text are one prompt.
    fn prompts_twice(&self) -> impl Iterator<Item = Problem> {
        let is_twice = |pair: &&[&Prompt]| {
            pair[0].registry_name() == pair[1].registry_name() && pair[0].template_hash() != pair[1].template_hash()
        };
        self.prompts.windows(2).filter(is_twice).map(|pair| Problem::PromptTwice { first: pair[0], second: pair[1] })
    }

    /// The decisions written inside an annotated function that its component does not declare.
    fn undeclared_at(&self, site: &'static Site) -> Vec<Problem> {
        let Some(component) = site.component.as_ref() else { return Vec::new() };
        // A site does not know where its component is declared; the registered declaration does.
        let registered = self.components.iter().copied().find(|known| known.declares_the_same(component));
        let component = registered.unwrap_or(component);
        let undeclared = site.decisions.iter().filter(|decision| !component.decisions.contains(decision));
        undeclared.map(|decision| Problem::UndeclaredDecision { site, component, decision }).collect()
    }

    fn undeclared_in(&self, name: &str, stage: &Stage) -> Vec<Problem> {
        let mut problems = Vec::new();
        let by_stage = stage.component.as_deref();
        for decision in &stage.decisions {
            let component = decision.component.as_deref().or(by_stage).and_then(|component| self.component(component));
            if let Some(component) = component
                && !component.decisions.contains(&decision.decision.as_str())
            {
                problems.push(Problem::RecordedDecision {
                    stage: name.to_owned(),
                    decision: decision.decision.clone(),
                    location: decision.location.clone(),
                    component,
                });
            }
        }
        let component = by_stage.and_then(|component| self.component(component));
        if let (Some(component), Some(outputs)) = (component, stage.outputs.as_object())
            && !component.outputs.is_empty()
        {
            let undeclared = outputs.keys().filter(|output| !component.outputs.contains(&output.as_str()));
            problems.extend(undeclared.map(|output| Problem::RecordedOutput {
                stage: name.to_owned(),
                output: output.clone(),
                component,
            }));
        }
        problems
    }

    /// Whether any code records this decision.
    fn decides(&self, decision: &str) -> bool {
        let recorded = self.decision_points.iter().any(|point| point.name == decision && !point.sites.is_empty());
        recorded || self.sites.iter().any(|site| site.decisions.contains(&decision))
    }

    /// Panics with a list of what does not conform.
    ///
    /// # Panics
    /// When there is any [`Problem`] that is an error.
    #[track_caller]
    pub fn assert_conformance(&self) {
        let problems = self.problems();
        let errors: Vec<_> = problems.iter().filter(|problem| problem.is_error()).collect();
        if !errors.is_empty() {
            let list: String = errors.iter().map(|problem| format!("\n- {problem}")).collect();
            panic!("{} of what this program declares does not conform:{list}", errors.len());
        }
    }
}

/// Checks what the binary under test declares: the one line of a conformance test.
///
/// ```
/// # // in a #[test]
/// trace_core::testing::assert_conformance();
/// ```
///
/// # Panics
/// With a list of what does not conform, and what to do about each.
#[track_caller]
pub fn assert_conformance() {
    registry().assert_conformance();
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ComponentTwice { first, second } => write!(
                f,
                "{}: component `{}` is declared again at {}; give one of them another name",
                place(second),
                second.name,
                place(first)
            ),
            Self::PromptTwice { first, second } => write!(
                f,
                "{}: prompt `{}` is registered as `{}`, as is that of {} with another text; give one of them another name",
                second.location(),
                second.name(),
                second.registry_name(),
                first.location()
            ),
            Self::UndeclaredDecision { site, component, decision } => write!(
                f,
                "{}: `{}` decides `{decision}`, which its component `{}` does not declare; add it to `decisions(…)` of {}, \
                 or use one of: {}",
                site.location(),
                site.function,
                component.name,
                place(component),
                list(component.decisions)
            ),
            Self::UnusedDecision { component, decision } => write!(
                f,
                "{}: component `{}` declares `{decision}`, but no `decision!` of this binary records it; \
                 record it, or take it out of the declaration",
                place(component),
                component.name
            ),
            Self::SharedDecision { decision, components } => write!(
                f,
                "decision point `{decision}` is declared by {}; queries for it will mix them, unless each has a name of its own",
                list(components)
            ),
            Self::RecordedDecision { stage, decision, location, component } => write!(
                f,
                "{}: stage `{stage}` recorded decision `{decision}`, which component `{}` does not declare; \
                 add it to `decisions(…)` of {}",
                location.as_deref().unwrap_or("(place unknown)"),
                component.name,
                place(component)
            ),
            Self::RecordedOutput { stage, output, component } => write!(
                f,
                "{}: stage `{stage}` reported output `{output}`, which component `{}` does not declare; \
                 add it to `outputs(…)`, or use one of: {}",
                place(component),
                component.name,
                list(component.outputs)
            ),
        }
    }
}

/// Where a component is declared, as well as it is known.
fn place(component: &ComponentDecl) -> &str {
    match (component.location, component.type_name) {
        ("", "") => "(place unknown: derive or register the component)",
        ("", type_name) => type_name,
        (location, _) => location,
    }
}

fn list(names: &[&str]) -> String {
    if names.is_empty() {
        return "(none)".to_owned();
    }
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Decision;
    use crate::registry::SiteKind;
    use serde_json::json;
    use std::panic::AssertUnwindSafe;

    const fn component(name: &'static str, location: &'static str) -> ComponentDecl {
        ComponentDecl { name, decisions: &["loaded"], outputs: &["total"], type_name: "Loader", location }
    }

    static LOADER: ComponentDecl = component("loader", "src/loader.rs:1");
    static TWIN: ComponentDecl = component("loader", "src/twin.rs:2");
    static OTHER: ComponentDecl = component("other", "src/other.rs:3");
    static STAGE: Site = Site::new(SiteKind::Stage, "rubric", "load_rubric", "m", "src/lib.rs", 7, 1)
        .component(component("loader", ""))
        .decisions(&["loaded", "invented"]);
    static DECISION: Site = Site::new(SiteKind::Decision, "loaded", "", "m", "src/lib.rs", 9, 5);

    static SUPPORT: Prompt = Prompt::new("support", "Help {{ who }}", None, "src/a.rs:1");
    static SAME: Prompt = Prompt::new("support", "Help {{ who }}", None, "src/b.rs:2");
    static OTHER_TEXT: Prompt = Prompt::new("Support", "Do not help", None, "src/c.rs:3");

    fn said(problems: &[Problem]) -> Vec<String> {
        problems.iter().map(Problem::to_string).collect()
    }

    #[test]
    fn what_fits_is_no_problem() {
        let registry = Registry::new([&DECISION], [&LOADER], [&SUPPORT, &SAME]);
        assert!(registry.problems().is_empty());
        registry.assert_conformance();
    }

    #[test]
    fn a_decision_that_its_component_does_not_declare_is_named_with_its_place() {
        let registry = Registry::new([&STAGE, &DECISION], [&LOADER], []);
        let problems = registry.problems();
        assert_eq!(
            said(&problems),
            [
                "src/lib.rs:7:1: `load_rubric` decides `invented`, which its component `loader` does not declare; add it to \
              `decisions(…)` of src/loader.rs:1, or use one of: `loaded`"
            ]
        );
        let panic = std::panic::catch_unwind(AssertUnwindSafe(|| registry.assert_conformance())).unwrap_err();
        assert!(panic.downcast_ref::<String>().unwrap().contains("\n- src/lib.rs:7:1"));
    }

    #[test]
    fn names_given_twice_are_problems_and_names_never_used_are_hints() {
        let registry = Registry::new([], [&LOADER, &TWIN, &OTHER], []);
        let problems = registry.problems();
        let text = said(&problems);
        assert_eq!(
            text[0],
            "src/twin.rs:2: component `loader` is declared again at src/loader.rs:1; give one of them another name"
        );
        assert!(text[1].starts_with("src/loader.rs:1: component `loader` declares `loaded`, but no `decision!`"));
        assert!(text[4].starts_with("decision point `loaded` is declared by `loader`, `other`"), "{text:?}");
        assert_eq!(problems.iter().filter(|problem| problem.is_error()).count(), 1);
    }

    #[test]
    fn prompts_that_would_be_versions_of_each_other_are_named() {
        let registry = Registry::new([], [], [&SUPPORT, &OTHER_TEXT]);
        assert_eq!(
            said(&registry.problems()),
            [
                "src/a.rs:1: prompt `support` is registered as `support_prompt`, as is that of src/c.rs:3 with another text; \
              give one of them another name"
            ]
        );
    }

    #[test]
    fn a_recorded_trace_is_held_against_the_declarations() {
        let registry = Registry::new([], [&LOADER], []);
        let mut trace = Trace::default();
        let decisions = ["loaded", "invented"].map(|point| Decision { decision: point.into(), ..Decision::default() });
        let stage = Stage {
            component: Some("loader".into()),
            decisions: decisions.to_vec(),
            outputs: json!({"total": 1, "extra": 2}),
            ..Stage::default()
        };
        trace.stages.insert("rubric".into(), stage.clone());
        trace.stages.insert("free".into(), Stage { component: Some("nobody".into()), ..stage });
        let text = said(&registry.undeclared(&trace));
        assert_eq!(text.len(), 2, "{text:?}");
        assert!(text[0].contains("stage `rubric` recorded decision `invented`"));
        assert!(text[1].contains("stage `rubric` reported output `extra`"));
    }
}
