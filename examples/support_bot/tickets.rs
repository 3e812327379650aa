//! What customers write: a hundred tickets a day, the same on every day.

use std::fmt;

/// Tickets of a day.
pub(crate) const A_DAY: usize = PRODUCTS.len() * PROBLEMS.len();

const PRODUCTS: [&str; 10] = [
    "Kettle K2",
    "Lamp L1",
    "Router R5",
    "Scale S3",
    "Toaster T4",
    "Vacuum V9",
    "Watch W7",
    "Speaker P6",
    "Heater H8",
    "Camera C0",
];

/// What is wrong, why, and what helps.
pub(crate) const PROBLEMS: [(&str, &str, &str); 10] = [
    ("it does not switch on", "the fuse in the plug has blown", "replace the fuse with one of 3 A"),
    ("it switches off after a minute", "the overheating guard trips", "clean the air vents with a dry brush"),
    ("the app cannot find it", "it is paired with another phone", "hold the button for ten seconds to unpair it"),
    ("the display stays dark", "the backlight is set to zero", "press both arrows until the display lights up"),
    ("it makes a grinding noise", "a foreign body is in the gear", "open the base and take the foreign body out"),
    (
        "I was charged twice",
        "the first payment was only reserved",
        "wait three working days for the reservation to lapse",
    ),
    ("the update does not install", "the memory is full", "delete the old recordings and try the update again"),
    ("it loses the connection every night", "the network changes its channel", "fix the channel of the network to 6"),
    ("the battery lasts an hour only", "the battery is worn out", "order the battery kit and exchange it"),
    ("I cannot log in", "the password has expired", "ask for a new password on the sign-in page"),
];

const TRIED: [&str; 4] = ["I have restarted it twice", "I have changed the socket", "I have read the manual", ""];

/// What one customer writes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ticket {
    /// What it is about.
    pub(crate) product: &'static str,
    /// What is wrong.
    pub(crate) problem: &'static str,
    /// What the customer has done about it; empty if nothing.
    pub(crate) tried: &'static str,
}

/// The tickets of a day.
pub(crate) fn of_a_day() -> impl Iterator<Item = Ticket> {
    PRODUCTS.iter().enumerate().flat_map(|(row, product)| {
        PROBLEMS.iter().enumerate().map(move |(column, (problem, ..))| Ticket {
            product,
            problem,
            tried: TRIED[(row + column) % TRIED.len()],
        })
    })
}

impl fmt::Display for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "My {}: {}.", self.product, self.problem)?;
        if self.tried.is_empty() { Ok(()) } else { write!(f, " {}.", self.tried) }
    }
}
