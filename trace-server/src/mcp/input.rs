//! What the tools take.

use schemars::JsonSchema;
use serde::Deserialize;

/// Which page of a list of runs.
pub(crate) struct Wanted {
    pub(crate) days: Option<u32>,
    pub(crate) limit: Option<u32>,
    pub(crate) cursor: Option<String>,
}

/// Parameters of a tool that lists runs: those of its own, and which page. (Flattening a struct would let misspelt names pass.)
macro_rules! paged {
    ($(#[$meta:meta])* $name:ident { $($(#[$field_meta:meta])* $field:ident: $type:ty),* }) => {
        $(#[$meta])*
        #[derive(Debug, Deserialize, JsonSchema)]
        #[serde(deny_unknown_fields)]
        pub(crate) struct $name {
            $($(#[$field_meta])* pub(crate) $field: $type,)*
            /// How many days to look back; 30 without it, 0 for all time.
            days: Option<u32>,
            /// How many runs at most, 1 to 50; 20 without it.
            #[schemars(range(min = 1, max = 50))]
            limit: Option<u32>,
            /// The `next_cursor` of the page before.
            cursor: Option<String>,
        }

        impl From<$name> for Wanted {
            fn from(page: $name) -> Self {
                Self { days: page.days, limit: page.limit, cursor: page.cursor }
            }
        }
    };
}

paged! {
    /// Runs.
    Recent {}
}

paged! {
    /// The runs with an intent.
    ByIntent {
        /// The intent, such as `validating`.
        intent: String
    }
}

paged! {
    /// The runs of a subject area.
    ByDomain {
        /// The subject area, such as `robotics`.
        domain: String
    }
}

paged! {
    /// The runs that satisfy a filter.
    Search {
        /// The filter, such as `status = failed and decision.source_selected.confidence < 0.5`. Operators: = != < <= > >= ~ in has,
        /// `is null`, and or not ( ). Fields: the columns of a run, tag.X, score.X, stage.X.duration_seconds, decision.X.what, prompt.
        filter: String
    }
}

/// A part of a run's document.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Get {
    /// The run: its id, or a beginning that only one run has.
    pub(crate) trace_id: String,
    /// Which part: a JSON pointer (RFC 6901) such as `/stages/synthesis/decisions`; empty for the
    /// whole document, with long texts and lists cut and empty fields left out.
    #[serde(default)]
    pub(crate) pointer: String,
    /// Where in a text (bytes) or list (items) to begin: the `next_offset` of the piece before.
    #[serde(default)]
    pub(crate) offset: usize,
}

/// One run.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct One {
    /// The run: its id, or a beginning that only one run has.
    pub(crate) trace_id: String,
}

/// Two runs.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Two {
    /// The first run: its id, or a beginning that only one run has.
    pub(crate) a: String,
    /// The second run.
    pub(crate) b: String,
}

/// Which time.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Days {
    /// How many days to look back; 30 without it, 0 for all time.
    pub(crate) days: Option<u32>,
}

/// A prompt.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Prompt {
    /// The prompt's name, such as `support_bot`; without it, all prompts are listed.
    pub(crate) name: Option<String>,
}
