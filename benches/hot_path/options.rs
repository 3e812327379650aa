//! The command line: `[--quick] [--rounds N] [--records N] [--list] [NAME]`.

use lexopt::prelude::*;

/// What to measure, and how long.
#[derive(Debug)]
pub(crate) struct Options {
    /// How often each case is measured.
    pub(crate) rounds: usize,
    /// How many records are made where it is counted what was lost.
    pub(crate) records: u64,
    /// The case of this name alone, or, where none has it, the cases with this in their names.
    pub(crate) filter: Option<String>,
    /// Print the names of all cases, and do nothing else.
    pub(crate) list: bool,
}

impl Options {
    pub(crate) fn from_args() -> Result<Self, String> {
        Self::parse(lexopt::Parser::from_env()).map_err(|error| error.to_string())
    }

    fn parse(mut parser: lexopt::Parser) -> Result<Self, lexopt::Error> {
        let mut options = Self { rounds: 201, records: 5_000_000, filter: None, list: false };
        while let Some(arg) = parser.next()? {
            match arg {
                Long("quick") => (options.rounds, options.records) = (11, 200_000),
                Long("rounds") => options.rounds = parser.value()?.parse()?,
                Long("records") => options.records = parser.value()?.parse()?,
                Long("list") => options.list = true,
                Long("bench") => {} // cargo says this
                Value(name) if options.filter.is_none() => options.filter = Some(name.string()?),
                other => return Err(other.unexpected()),
            }
        }
        Ok(options)
    }
}
