use super::ComponentDecl;

/// What stands at a call site.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SiteKind {
    /// `#[traced_run]`.
    Run,
    /// `#[traced_stage]`.
    Stage,
    /// `#[observable]`.
    Observation,
    /// `decision!`.
    Decision,
}

impl SiteKind {
    /// The word used when listing sites.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Run => "run",
            Self::Stage => "stage",
            Self::Observation => "observation",
            Self::Decision => "decision",
        }
    }
}

/// An instrumented place in the program: what the macros leave in a `static`.
#[derive(Debug)]
pub struct Site {
    /// What stands there.
    pub kind: SiteKind,
    /// The name of the run's project, of the stage, of the observation or of the decision point.
    pub name: &'static str,
    /// For an observation, what sort of call it is (`function`, `llm`, …).
    pub observes: &'static str,
    /// The function it is on or in; empty where the macro cannot know it.
    pub function: &'static str,
    /// `module_path!()`.
    pub module: &'static str,
    /// `file!()`.
    pub file: &'static str,
    /// `line!()`.
    pub line: u32,
    /// `column!()`.
    pub column: u32,
    /// The declared component, if `component = …` names one.
    pub component: Option<ComponentDecl>,
    /// The decision points written inside the annotated function.
    pub decisions: &'static [&'static str],
}

impl Site {
    /// A site; the macros call this.
    #[must_use]
    #[doc(hidden)]
    pub const fn new(
        kind: SiteKind,
        name: &'static str,
        function: &'static str,
        module: &'static str,
        file: &'static str,
        line: u32,
        column: u32,
    ) -> Self {
        Self { kind, name, observes: "function", function, module, file, line, column, component: None, decisions: &[] }
    }

    /// Sets what sort of call an observation is of.
    #[must_use]
    #[doc(hidden)]
    pub const fn observes(mut self, kind: &'static str) -> Self {
        self.observes = kind;
        self
    }

    /// Sets the component.
    #[must_use]
    #[doc(hidden)]
    pub const fn component(mut self, component: ComponentDecl) -> Self {
        self.component = Some(component);
        self
    }

    /// Sets the decision points written inside.
    #[must_use]
    #[doc(hidden)]
    pub const fn decisions(mut self, decisions: &'static [&'static str]) -> Self {
        self.decisions = decisions;
        self
    }

    /// `file:line:column`.
    #[must_use]
    pub fn location(&self) -> String {
        format!("{}:{}:{}", self.file, self.line, self.column)
    }
}

/// A site as `inventory` collects it.
#[doc(hidden)]
#[derive(Debug)]
pub struct SiteRef(pub &'static Site);

inventory::collect!(SiteRef);
