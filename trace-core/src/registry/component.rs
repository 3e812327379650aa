/// A participant of the pipeline that declares which decisions and outputs it may emit.
///
/// Derive it (`#[derive(TracingComponent)]`), or write it by hand and register it with `whytrace::register_component!`.
pub trait TracingComponent {
    /// The component's name.
    const NAME: &'static str;
    /// The decision points it may use.
    const DECISIONS: &'static [&'static str] = &[];
    /// The outputs it may report.
    const OUTPUTS: &'static [&'static str] = &[];
}

/// What a component declares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ComponentDecl {
    /// The component's name.
    pub name: &'static str,
    /// The decision points it may use.
    pub decisions: &'static [&'static str],
    /// The outputs it may report.
    pub outputs: &'static [&'static str],
    /// The Rust type that declares it.
    pub type_name: &'static str,
    /// `file:line` of the declaration; empty where it is not known.
    pub location: &'static str,
}

impl ComponentDecl {
    /// What `T` declares.
    #[must_use]
    pub const fn of<T: TracingComponent + ?Sized>() -> Self {
        Self { name: T::NAME, decisions: T::DECISIONS, outputs: T::OUTPUTS, type_name: "", location: "" }
    }

    /// Adds where it is declared; the macros call this.
    #[must_use]
    #[doc(hidden)]
    pub const fn declared_at(mut self, type_name: &'static str, location: &'static str) -> Self {
        self.type_name = type_name;
        self.location = location;
        self
    }
}

inventory::collect!(ComponentDecl);
