//! The variables that every OpenTelemetry exporter reads, as its specification says.

use super::options::{ExportOptions, OptionsError, Protocol};
use std::path::PathBuf;
use std::time::Duration;

/// Looks a variable up; `None` when it is not set, or empty, which means the same.
type Lookup<'a> = &'a dyn Fn(&str) -> Option<String>;

pub(super) fn read(lookup: Lookup<'_>) -> Result<ExportOptions, OptionsError> {
    // The variable for traces wins over the one for all signals.
    let get = |name: &str| {
        [format!("OTEL_EXPORTER_OTLP_TRACES_{name}"), format!("OTEL_EXPORTER_OTLP_{name}")]
            .into_iter()
            .find_map(|name| Some((lookup(&name)?, name)))
    };
    let protocol = match get("PROTOCOL") {
        Some((value, name)) => value.parse::<Protocol>().map_err(|error| bad(&name, &error))?,
        None => Protocol::default(),
    };
    let default = if protocol == Protocol::Grpc { "http://localhost:4317" } else { "http://localhost:4318" };
    let endpoint = get("ENDPOINT").map_or_else(|| default.to_owned(), |(value, _)| value);
    let mut options = ExportOptions::new(endpoint).protocol(protocol);
    // The variable for all signals holds a base; that for traces the whole URL.
    options.as_is = lookup("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT").is_some();
    if let Some((value, name)) = get("HEADERS") {
        for (key, value) in pairs(&value).map_err(|message| bad(&name, &message))? {
            options = options.header(key, value);
        }
    }
    if let Some((value, name)) = get("TIMEOUT") {
        let millis = value.trim().parse().map_err(|_| bad(&name, &"expected a number of milliseconds"))?;
        options = options.timeout(Duration::from_millis(millis));
    }
    if let Some((value, name)) = get("COMPRESSION") {
        options = options.gzip(match value.trim() {
            "gzip" => true,
            "none" => false,
            _ => return Err(bad(&name, &"expected gzip or none")),
        });
    }
    options.certificate = get("CERTIFICATE").map(|(path, _)| PathBuf::from(path));
    match (get("CLIENT_CERTIFICATE"), get("CLIENT_KEY")) {
        (Some((certificate, _)), Some((key, _))) => options = options.client_certificate(certificate, key),
        (Some((_, name)), None) => return Err(bad(&name, &"set without the variable for its key, …_CLIENT_KEY")),
        (None, Some((_, name))) => return Err(bad(&name, &"set without …_CLIENT_CERTIFICATE")),
        (None, None) => {}
    }
    resource(options, lookup)
}

fn resource(mut options: ExportOptions, lookup: Lookup<'_>) -> Result<ExportOptions, OptionsError> {
    let name = "OTEL_RESOURCE_ATTRIBUTES";
    let given = lookup(name).map(|value| pairs(&value)).transpose().map_err(|message| bad(name, &message))?;
    let service = lookup("OTEL_SERVICE_NAME").map(|service| ("service.name".to_owned(), service));
    for (key, value) in given.into_iter().flatten().chain(service) {
        options.convert = options.convert.resource(key, value);
    }
    Ok(options)
}

fn bad(name: &str, message: &dyn ToString) -> OptionsError {
    OptionsError::Variable { name: name.to_owned(), message: message.to_string() }
}

/// `key=value,key=value`, values percent-encoded, as headers and resource attributes are written.
fn pairs(text: &str) -> Result<Vec<(String, String)>, &'static str> {
    let members = text.split(',').map(str::trim).filter(|member| !member.is_empty());
    members
        .map(|member| {
            let (key, value) = member.split_once('=').ok_or("expected key=value,key=value")?;
            Ok((key.trim().to_owned(), trace_core::context::percent_decoded(value.trim())))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(variables: &[(&str, &str)]) -> Result<ExportOptions, OptionsError> {
        read(&|name| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn nothing_set_is_the_collector_beside() {
        let options = from(&[]).unwrap();
        assert_eq!(options.endpoint(), "http://localhost:4318/v1/traces");
        assert_eq!(options.timeout, Duration::from_secs(10));
        let grpc = from(&[("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")]).unwrap();
        assert_eq!(grpc.endpoint(), "http://localhost:4317");
    }

    #[test]
    fn the_variable_for_traces_wins() {
        let options = from(&[
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://all:1"),
            ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "https://traces/x"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "Authorization=Basic%20abc, x-tenant = 7"),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "2500"),
            ("OTEL_EXPORTER_OTLP_COMPRESSION", "none"),
        ])
        .unwrap();
        assert_eq!(options.endpoint(), "https://traces/x");
        let headers = [("authorization", "Basic abc"), ("x-tenant", "7")];
        assert_eq!(options.headers(), headers.map(|(name, value)| (name.to_owned(), value.to_owned())));
        assert_eq!((options.timeout, options.gzip), (Duration::from_millis(2500), false));
        assert!(!format!("{options:?}").contains("abc"), "headers may be secrets");
    }

    #[test]
    fn what_cannot_be_taken_is_named_without_its_value() {
        for (name, value) in [
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "thrift"),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "10s"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "s3cret"),
            ("OTEL_EXPORTER_OTLP_COMPRESSION", "zstd"),
            ("OTEL_RESOURCE_ATTRIBUTES", "s3cret"),
            ("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", "s3cret"),
            ("OTEL_EXPORTER_OTLP_CLIENT_KEY", "s3cret"),
        ] {
            let message = from(&[(name, value)]).unwrap_err().to_string();
            assert!(message.starts_with(name) && !message.contains("s3cret"), "{message}");
        }
    }

    #[test]
    fn a_password_in_the_url_is_not_shown() {
        let shown = |url: &str| ExportOptions::new(url).shown_endpoint();
        assert_eq!(shown("https://user:s3cret@host:1/a?key=s3cret"), "https://host:1/a");
        assert_eq!(shown("http://host"), "http://host/v1/traces");
    }
}
