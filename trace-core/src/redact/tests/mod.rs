//! What must not come through, what must, and how long it may take.

mod bodies;
mod content_off;
mod harmless;
mod hostile;
mod planted;
mod rules;

use super::{RedactConfig, Redactor};
use serde_json::Value;

fn redacted(text: &str) -> String {
    let mut text = text.to_owned();
    Redactor::default().text(&mut text);
    text
}

fn redacted_value(mut value: Value) -> Value {
    Redactor::default().value(&mut value);
    value
}

fn with(change: impl FnOnce(&mut RedactConfig)) -> Redactor {
    let mut config = RedactConfig::default();
    change(&mut config);
    Redactor::new(&config).unwrap()
}

/// Numbers that look random and are the same in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        // xorshift64*
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let sides = u64::try_from(sides).unwrap();
        usize::try_from((self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) % sides).unwrap()
    }

    fn pick<'a, T: ?Sized>(&mut self, from: &[&'a T]) -> &'a T {
        from[self.roll(from.len())]
    }

    fn word(&mut self, alphabet: &str, len: usize) -> String {
        let alphabet: Vec<char> = alphabet.chars().collect();
        (0..len).map(|_| alphabet[self.roll(alphabet.len())]).collect()
    }
}
