use super::{ComponentDecl, Prompt, PromptRef, Site, SiteKind, SiteRef};
use std::collections::{BTreeMap, BTreeSet};

/// What the binary declares, sorted.
#[derive(Clone, Debug, Default)]
pub struct Registry {
    /// The instrumented places, by file and line.
    pub sites: Vec<&'static Site>,
    /// The components, by name: those that were registered, and those that only a `component = …` names.
    pub components: Vec<&'static ComponentDecl>,
    /// The prompts, by the name they are registered under.
    pub prompts: Vec<&'static Prompt>,
    /// The decision points, by name.
    pub decision_points: Vec<DecisionPoint>,
}

/// A place in the program where something is decided, as `decision!` names it.
#[derive(Clone, Debug)]
pub struct DecisionPoint {
    /// Its name, such as `source_selected`.
    pub name: &'static str,
    /// The `decision!` that record it; none when a component only declares it.
    pub sites: Vec<&'static Site>,
    /// The components that declare it, by name.
    pub components: Vec<&'static str>,
}

/// What the program declares: call sites, components, prompts, decision points, without running anything.
///
/// A crate that nobody names is not linked, and what it declares is not listed: `use that_crate as _;` links it.
///
/// ```
/// for component in trace_core::registry::registry().components {
///     println!("{} decides {:?} ({})", component.name, component.decisions, component.location);
/// }
/// ```
#[must_use]
pub fn registry() -> Registry {
    let sites = inventory::iter::<SiteRef>.into_iter().map(|site| site.0);
    let prompts = inventory::iter::<PromptRef>.into_iter().map(|prompt| prompt.0);
    Registry::new(sites, inventory::iter::<ComponentDecl>, prompts)
}

impl Registry {
    pub(super) fn new(
        sites: impl IntoIterator<Item = &'static Site>,
        registered: impl IntoIterator<Item = &'static ComponentDecl>,
        prompts: impl IntoIterator<Item = &'static Prompt>,
    ) -> Self {
        let mut sites: Vec<_> = sites.into_iter().collect();
        sites.sort_by_key(|site| (site.file, site.line, site.column, site.kind, site.name));
        sites.dedup_by(|a, b| std::ptr::eq(*a, *b));
        let mut prompts: Vec<_> = prompts.into_iter().collect();
        prompts.sort_by_key(|prompt| (prompt.registry_name(), prompt.name(), prompt.location()));
        let components = components(registered, &sites);
        let decision_points = decision_points(&sites, &components);
        Self { sites, components, prompts, decision_points }
    }

    /// The component of this name.
    #[must_use]
    pub fn component(&self, name: &str) -> Option<&'static ComponentDecl> {
        self.components.iter().copied().find(|component| component.name == name)
    }
}

/// The registered components, and those that only sites name. A site knows what its component declares, but not where.
fn components(
    registered: impl IntoIterator<Item = &'static ComponentDecl>,
    sites: &[&'static Site],
) -> Vec<&'static ComponentDecl> {
    let mut components: Vec<_> = registered.into_iter().collect();
    for component in sites.iter().filter_map(|site| site.component.as_ref()) {
        if !components.iter().any(|known| known.declares_the_same(component)) {
            components.push(component);
        }
    }
    components.sort_by_key(|component| (component.name, component.location, component.type_name));
    components.dedup();
    components
}

fn decision_points(sites: &[&'static Site], components: &[&'static ComponentDecl]) -> Vec<DecisionPoint> {
    let mut points: BTreeMap<&'static str, (Vec<&'static Site>, BTreeSet<&'static str>)> = BTreeMap::new();
    for &site in sites.iter().filter(|site| site.kind == SiteKind::Decision) {
        points.entry(site.name).or_default().0.push(site);
    }
    for component in components {
        for decision in component.decisions {
            points.entry(decision).or_default().1.insert(component.name);
        }
    }
    let point = |(name, (sites, components)): (_, (_, BTreeSet<_>))| DecisionPoint {
        name,
        sites,
        components: components.into_iter().collect(),
    };
    points.into_iter().map(point).collect()
}

impl ComponentDecl {
    pub(super) fn declares_the_same(&self, other: &Self) -> bool {
        (self.name, self.decisions, self.outputs) == (other.name, other.decisions, other.outputs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    static LOADER: ComponentDecl = ComponentDecl {
        name: "loader",
        decisions: &["loaded", "never"],
        outputs: &[],
        type_name: "Loader",
        location: "src/loader.rs:1",
    };
    static UNREGISTERED: ComponentDecl =
        ComponentDecl { name: "judge", decisions: &["judged"], outputs: &[], type_name: "", location: "" };
    static STAGE: Site =
        Site::new(SiteKind::Stage, "intake", "intake", "m", "src/b.rs", 3, 1).component(ComponentDecl {
            name: "loader",
            decisions: &["loaded", "never"],
            outputs: &[],
            type_name: "",
            location: "",
        });
    static JUDGE: Site = Site::new(SiteKind::Stage, "gate", "gate", "m", "src/a.rs", 9, 1).component(UNREGISTERED);
    static DECISION: Site = Site::new(SiteKind::Decision, "loaded", "", "m", "src/b.rs", 7, 9);

    static ZEBRA: Prompt = Prompt::new("zebra", "z", None, "src/a.rs:1");
    static APE: Prompt = Prompt::new("Ape", "a", None, "src/a.rs:2");

    #[test]
    fn everything_is_listed_once_and_sorted() {
        let registry = Registry::new([&DECISION, &STAGE, &JUDGE, &STAGE], [&LOADER], [&ZEBRA, &APE]);
        assert_eq!(registry.sites.iter().map(|site| site.line).collect::<Vec<_>>(), [9, 3, 7]);
        assert_eq!(registry.prompts.iter().map(|prompt| prompt.name()).collect::<Vec<_>>(), ["Ape", "zebra"]);
        let names: Vec<_> = registry.components.iter().map(|component| (component.name, component.location)).collect();
        assert_eq!(names, [("judge", ""), ("loader", "src/loader.rs:1")]);
        let points: Vec<_> = registry
            .decision_points
            .iter()
            .map(|point| (point.name, point.sites.len(), &point.components[..]))
            .collect();
        assert_eq!(
            points,
            [("judged", 0, &["judge"][..]), ("loaded", 1, &["loader"][..]), ("never", 0, &["loader"][..])]
        );
        assert_eq!(registry.component("loader").unwrap().type_name, "Loader");
    }
}
