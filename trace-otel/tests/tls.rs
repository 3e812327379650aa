//! OTLP over TLS: authorities of one's own, certificates of the client, and what is said when they do not fit.

#![cfg(feature = "export")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops where it stands")]

#[path = "support/certificates.rs"]
mod certificates;
#[cfg(feature = "grpc")]
#[path = "support/collector.rs"]
mod collector;
mod support;

use certificates::{Authority, Signed};
use std::io::{Read, Write};
use std::net::TcpListener;
use std::time::Duration;
use support::{Backend, names, trace, until};
use trace_otel::{ConvertOptions, ExportOptions, ExportReport, OtlpSink, Profiles, Protocol, export};

fn options(url: &str) -> ExportOptions {
    ExportOptions::new(url)
        .protocol(Protocol::HttpJson)
        .gzip(false)
        .timeout(Duration::from_secs(20))
        .convert(ConvertOptions::new(Profiles::NONE))
}

fn sent(options: &ExportOptions) -> ExportReport {
    export(&[trace(1, 1)], options).unwrap()
}

/// It was refused at once, with one message that holds these words.
#[track_caller]
fn assert_refused(report: &ExportReport, words: &[&str]) {
    assert_eq!((report.delivered, report.undelivered), (0, 2), "{report:?}");
    let [message] = &report.messages[..] else { panic!("one message in {report:?}") };
    for word in words {
        assert!(message.contains(word), "{word} in {message}");
    }
}

#[test]
fn spans_go_to_a_server_of_an_authority_of_ones_own() {
    let dir = tempfile::tempdir().unwrap();
    let authority = Authority::new(dir.path(), "ours.pem");
    let backend = Backend::start_tls(authority.server(None));
    let report = sent(&options(&backend.url()).certificate(authority.file()));
    assert!(report.is_complete(), "{report:?}");
    assert_eq!(backend.taken(), names(&[trace(1, 1)]));
}

#[test]
fn a_server_of_another_authority_is_refused_and_the_message_says_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let (ours, other) = (Authority::new(dir.path(), "ours.pem"), Authority::new(dir.path(), "other.pem"));
    let backend = Backend::start_tls(other.server(None));
    let words = ["no TLS connection", "UnknownIssuer", "OTEL_EXPORTER_OTLP_CERTIFICATE"];
    assert_refused(&sent(&options(&backend.url()).certificate(ours.file())), &words);
    // Without an authority of one's own, those that browsers trust.
    assert_refused(&sent(&options(&backend.url())), &words);
    assert!(backend.arrived().is_empty());
}

#[test]
fn a_certificate_for_another_name_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let authority = Authority::new(dir.path(), "ours.pem");
    let backend = Backend::start_tls(authority.server(None));
    let url = backend.url().replace("localhost", "127.0.0.1");
    assert_refused(&sent(&options(&url).certificate(authority.file())), &["no TLS connection", "not valid for name"]);
}

#[test]
fn a_server_that_wants_a_certificate_gets_it() {
    let dir = tempfile::tempdir().unwrap();
    let (ours, clients) = (Authority::new(dir.path(), "ours.pem"), Authority::new(dir.path(), "clients.pem"));
    let backend = Backend::start_tls(ours.server(Some(&clients)));
    let options = options(&backend.url()).certificate(ours.file());
    let Signed { certificate, key } = clients.sign("client");
    let report = sent(&options.clone().client_certificate(certificate, key));
    assert!(report.is_complete(), "{report:?}");

    assert_refused(&sent(&options), &["CertificateRequired", "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE"]);
    let Signed { certificate, key } = ours.sign("stranger");
    assert_refused(
        &sent(&options.client_certificate(certificate, key)),
        &["no TLS connection", "received fatal alert"],
    );
    assert_eq!(backend.arrived().len(), 1);
}

#[test]
fn spans_wait_for_a_server_that_is_not_trusted_and_the_status_says_why() {
    let dir = tempfile::tempdir().unwrap();
    let (ours, other) = (Authority::new(dir.path(), "ours.pem"), Authority::new(dir.path(), "other.pem"));
    let backend = Backend::start_tls(other.server(None));
    let sink = OtlpSink::new(options(&backend.url()).certificate(ours.file()), dir.path()).unwrap();
    support::store(&sink, &[trace(1, 1)]);
    until("it was tried", || sink.status().last_error.is_some());
    let status = sink.status();
    assert!(status.last_error.as_deref().unwrap().contains("UnknownIssuer"), "{status:?}");
    assert_eq!((status.waiting, status.refused, status.dropped), (1, 0, 0));
}

#[test]
fn a_port_without_tls_is_said_to_be_one() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://localhost:{}", listener.local_addr().unwrap().port());
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let _ = stream.read(&mut [0; 1024]);
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n");
    });
    assert_refused(&sent(&options(&url)), &["no TLS connection", "is it a port without TLS?"]);
}

/// What each kind of file may hold instead of what it should, for both protocols.
#[test]
fn files_that_cannot_be_used_are_errors_that_name_them() {
    let dir = tempfile::tempdir().unwrap();
    let authority = Authority::new(dir.path(), "ours.pem");
    let (one, other) = (authority.sign("one"), authority.sign("other"));
    let nothing = dir.path().join("nothing.pem");
    std::fs::write(&nothing, "no PEM at all").unwrap();
    let absent = dir.path().join("absent.pem");
    let protocols =
        if cfg!(feature = "grpc") { &[Protocol::HttpJson, Protocol::Grpc][..] } else { &[Protocol::HttpJson] };
    for protocol in protocols {
        let options = options("https://127.0.0.1:9").protocol(*protocol);
        let error = |options: &ExportOptions| export(&[], options).unwrap_err().to_string();
        for (options, named) in [
            (options.clone().certificate(&absent), &absent),
            (options.clone().certificate(&nothing), &nothing),
            (options.clone().client_certificate(&nothing, &one.key), &nothing),
            (options.clone().client_certificate(&one.certificate, &nothing), &nothing),
            (options.clone().client_certificate(&one.certificate, &one.certificate), &one.certificate),
            // Each is fine alone.
            (options.clone().client_certificate(&one.certificate, &other.key), &other.key),
        ] {
            let message = error(&options);
            assert!(
                message.starts_with("cannot read the ") && message.contains(&*named.to_string_lossy()),
                "{message}"
            );
        }
    }
}

#[cfg(feature = "grpc")]
mod grpc {
    use super::*;
    use collector::Collector;

    #[test]
    fn the_same_holds_over_grpc() {
        let dir = tempfile::tempdir().unwrap();
        let (ours, clients) = (Authority::new(dir.path(), "ours.pem"), Authority::new(dir.path(), "clients.pem"));
        let collector = Collector::start_tls(&ours.sign("server"), None);
        let options = |collector: &Collector| options(&collector.url()).protocol(Protocol::Grpc);
        let trusting = options(&collector).certificate(ours.file());
        assert!(sent(&trusting).is_complete());
        assert_refused(&sent(&options(&collector)), &["no TLS connection", "UnknownIssuer"]);
        assert_refused(&sent(&options(&collector).certificate(clients.file())), &["UnknownIssuer"]);
        assert_eq!(collector.names(), names(&[trace(1, 1)]));

        let collector = Collector::start_tls(&ours.sign("strict"), Some(&clients));
        let trusting = options(&collector).certificate(ours.file());
        let Signed { certificate, key } = clients.sign("client");
        let report = sent(&trusting.clone().client_certificate(certificate, key));
        assert!(report.is_complete(), "{report:?}");
        let report = sent(&trusting.retry_for(Duration::ZERO));
        // tonic does not hand the server's alert on; that the connection ended is all there is.
        assert_eq!((report.delivered, report.undelivered), (0, 2), "{report:?}");
    }
}
