//! The many names of one model: `gpt-4o`, `gpt-4o-2024-08-06`, `openai/gpt-4o`, `models/gemini-2.5-pro`, `claude-opus-4-1@20250805`.

/// What a gateway serves costs what the provider in the model's name takes.
const GATEWAYS: [&str; 5] = ["openrouter", "litellm", "vercel", "portkey", "helicone"];

/// Models of other kinds have other prices, and a pattern is meant for those of texts.
const OTHER_KINDS: [&str; 8] =
    ["-image", "-audio", "-tts", "-live", "-realtime", "-transcribe", "-native", "-embedding"];

/// A model as it is looked for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    /// Who serves it, as it was said and as it is listed; nothing where nobody says.
    pub(super) providers: Vec<String>,
    /// Its names, the most exact first.
    pub(super) names: Vec<String>,
}

impl Wanted {
    /// `canonical` gives the name of a provider that is known, for any of its names.
    pub(super) fn new(provider: Option<&str>, model: &str, canonical: impl Fn(&str) -> Option<String>) -> Self {
        let full = model.trim().to_lowercase();
        let given = provider.map(|provider| provider.trim().to_lowercase()).filter(|name| !name.is_empty());
        let given = given.filter(|name| !GATEWAYS.contains(&name.as_str()));
        let prefixed = || full.rsplit('/').skip(1).find(|name| canonical(name).is_some()).map(str::to_owned);
        let mut providers: Vec<String> = given.or_else(prefixed).into_iter().collect();
        let listed = providers.first().and_then(|name| canonical(name));
        providers.extend(listed.filter(|name| !providers.contains(name)));
        let mut names = vec![full];
        // A model may itself have a slash in its name, so the prefixes go one after the other.
        while let Some((_, rest)) = names.last().and_then(|name| name.split_once('/')) {
            names.push(rest.to_owned());
        }
        let undated: Vec<String> = names.iter().filter_map(|name| undated(name)).map(str::to_owned).collect();
        names.extend(undated);
        Self { providers, names }
    }
}

/// The name of a snapshot without its date.
fn undated(name: &str) -> Option<&str> {
    if let Some(stem) = name.strip_suffix("-latest") {
        return Some(stem);
    }
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let (stem, last) = name.rsplit_once(['-', '@'])?;
    if last.len() == 8 && digits(last) && last.starts_with("20") {
        return Some(stem);
    }
    // -2024-08-06
    let (stem, month) = stem.rsplit_once('-')?;
    let (stem, year) = stem.rsplit_once(['-', '@'])?;
    let is_date = year.len() == 4 && year.starts_with("20") && month.len() == 2 && last.len() == 2;
    (is_date && digits(year) && digits(month) && digits(last)).then_some(stem)
}

/// Whether a name is of a model that a pattern with `*` may stand for.
pub(super) fn matches(pattern: &str, name: &str) -> bool {
    let is_other = |kind: &&str| name.contains(*kind) && !pattern.contains(*kind);
    !OTHER_KINDS.iter().any(is_other) && fits(pattern.as_bytes(), name.as_bytes())
}

/// `*` stands for any bytes, everything else for itself. Goes back to the last `*` only, so it takes at most length times length steps.
fn fits(pattern: &[u8], name: &[u8]) -> bool {
    let (mut at, mut in_name) = (0, 0);
    let mut retry = None;
    while in_name < name.len() {
        if pattern.get(at) == Some(&b'*') {
            at += 1;
            retry = Some((at, in_name));
        } else if pattern.get(at) == Some(&name[in_name]) {
            (at, in_name) = (at + 1, in_name + 1);
        } else if let Some((after_star, tried)) = retry {
            (at, in_name) = (after_star, tried + 1);
            retry = Some((after_star, tried + 1));
        } else {
            return false;
        }
    }
    pattern[at..].iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(provider: Option<&str>, model: &str) -> (Vec<String>, Vec<String>) {
        let canonical = |name: &str| match name {
            "openai" | "azure" => Some("openai".to_owned()),
            "anthropic" => Some("anthropic".to_owned()),
            _ => None,
        };
        let wanted = Wanted::new(provider, model, canonical);
        (wanted.providers, wanted.names)
    }

    #[test]
    fn prefixes_say_the_provider_and_dates_are_left_off() {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let (providers, found) = wanted(None, "OpenAI/gpt-4o-2024-08-06 ");
        assert_eq!(providers, ["openai"]);
        assert_eq!(found, names(&["openai/gpt-4o-2024-08-06", "gpt-4o-2024-08-06", "openai/gpt-4o", "gpt-4o"]));
        assert_eq!(wanted(Some("openrouter"), "anthropic/claude-opus-4.1").0, ["anthropic"]);
        assert_eq!(wanted(Some("Azure"), "gpt-4o").0, ["azure", "openai"]);
        assert_eq!(wanted(Some("home"), "openai/gpt-4o").0, ["home"]);
        assert!(wanted(None, "models/gemini-2.5-pro").0.is_empty());
        assert_eq!(undated("claude-opus-4-1@20250805"), Some("claude-opus-4-1"));
        assert_eq!(undated("mistral-large-2411"), None);
        assert_eq!(undated("gpt-4o-é"), None);
    }

    #[test]
    fn stars_stand_for_any_text_and_for_texts_only() {
        for (pattern, name) in
            [("gpt-5*", "gpt-5-x"), ("*nova-lite*", "us.amazon.nova-lite-v1:0"), ("a*b*c", "a-bb-b-c"), ("*", "")]
        {
            assert!(matches(pattern, name), "{pattern} {name}");
        }
        for (pattern, name) in
            [("gpt-5*", "gpt-4"), ("a*b*c", "abcd"), ("gemini-2.5-pro*", "gemini-2.5-pro-preview-tts"), ("", "x")]
        {
            assert!(!matches(pattern, name), "{pattern} {name}");
        }
        assert!(matches("*-image*", "gpt-5-image"));
        let long = "a".repeat(4_000);
        assert!(!matches("*a*a*a*a*a*a*b", &long));
    }
}
