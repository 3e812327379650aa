//! TLS as the options ask for it.
//!
//! Comes in: paths of PEM files. Goes out: settings for `ureq` and `tonic`, and what it means when a connection fails. The files are read and
//! checked once, before anything is sent: `ureq` panics over a certificate and a key that do not belong together, and `tonic` says only that
//! something is wrong.

use super::options::{ExportOptions, OptionsError};
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use rustls::{CertificateError, RootCertStore};
use std::error::Error;
use std::path::Path;
use ureq::tls::{Certificate, ClientCert, PrivateKey, RootCerts, TlsConfig};

/// The files, as they are.
#[derive(Debug, Default)]
pub(super) struct TlsFiles {
    /// Certificates to trust instead of Mozilla's.
    roots: Option<Pem>,
    /// A certificate to show, and its key.
    client: Option<(Pem, Pem)>,
}

/// A PEM file that was read and can be used.
struct Pem(Vec<u8>);

impl std::fmt::Debug for Pem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Pem(…)")
    }
}

impl TlsFiles {
    /// Reads what the options name.
    ///
    /// # Errors
    /// When a file cannot be read, holds no certificate or key, or the key is not that of the certificate.
    pub(super) fn read(options: &ExportOptions) -> Result<Self, OptionsError> {
        let mut files = Self::default();
        if let Some(path) = &options.certificate {
            let pem = read("certificate", path)?;
            let mut roots = RootCertStore::empty();
            for certificate in certificates(&pem, path)? {
                roots.add(certificate).map_err(|error| unusable("certificate", path, &error))?;
            }
            files.roots = Some(pem);
        }
        if let Some((certificate, key)) = &options.client_certificate {
            let (shown, secret) = (read("client certificate", certificate)?, read("client key", key)?);
            let der = PrivateKeyDer::from_pem_slice(&secret.0).map_err(|error| unusable("client key", key, &error))?;
            CertifiedKey::from_der(certificates(&shown, certificate)?, der, &ring::default_provider())
                .map_err(|error| unusable("client key", key, &format!("{error} ({})", certificate.display())))?;
            files.client = Some((shown, secret));
        }
        Ok(files)
    }

    /// As `ureq` takes them.
    pub(super) fn for_http(&self) -> TlsConfig {
        let mut tls = TlsConfig::builder();
        if let Some(roots) = &self.roots {
            tls = tls.root_certs(RootCerts::new_with_certs(&of_http(roots)));
        }
        if let Some((certificate, key)) = &self.client
            && let Ok(key) = PrivateKey::from_pem(&key.0)
        {
            tls = tls.client_cert(Some(ClientCert::new_with_certs(&of_http(certificate), key)));
        }
        tls.build()
    }

    /// As `tonic` takes them.
    #[cfg(feature = "grpc")]
    pub(super) fn for_grpc(&self) -> tonic::transport::ClientTlsConfig {
        use tonic::transport::{Certificate, ClientTlsConfig, Identity};
        let mut tls = ClientTlsConfig::new();
        tls = match &self.roots {
            Some(roots) => tls.ca_certificate(Certificate::from_pem(&roots.0)),
            None => tls.with_webpki_roots(),
        };
        if let Some((certificate, key)) = &self.client {
            tls = tls.identity(Identity::from_pem(&certificate.0, &key.0));
        }
        tls
    }
}

/// Why there is no TLS connection, where that is what an error is about: a person has to look, and trying again does not help.
pub(super) fn failure(error: &(dyn Error + 'static)) -> Option<String> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        // An I/O error hides what it was made from behind an accessor of its own.
        let inner = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        let inner = inner.map_or(error, |inner| inner as &(dyn Error + 'static));
        if let Some(error) = inner.downcast_ref::<rustls::Error>() {
            return described(error);
        }
        cause = inner.source();
    }
    None
}

fn described(error: &rustls::Error) -> Option<String> {
    use rustls::Error::{AlertReceived, InvalidCertificate, InvalidMessage};
    let hint = match error {
        InvalidCertificate(CertificateError::UnknownIssuer) => {
            "; name the PEM file of the authority that signed it in OTEL_EXPORTER_OTLP_CERTIFICATE"
        }
        AlertReceived(_) => {
            "; a server that wants a certificate gets it from OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE and _CLIENT_KEY"
        }
        InvalidMessage(_) => "; is it a port without TLS?",
        InvalidCertificate(_) => "",
        _ => return None,
    };
    Some(format!("no TLS connection: {error}{hint}"))
}

/// The certificates of a file that was checked.
fn of_http(pem: &Pem) -> Vec<Certificate<'static>> {
    let all = CertificateDer::pem_slice_iter(&pem.0).filter_map(Result::ok);
    all.map(|certificate| Certificate::from_der(&certificate).to_owned()).collect()
}

fn certificates(pem: &Pem, path: &Path) -> Result<Vec<CertificateDer<'static>>, OptionsError> {
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem.0).collect();
    let all = all.map_err(|error| unusable("certificate", path, &error))?;
    if all.is_empty() {
        return Err(unusable("certificate", path, &"there is no certificate in it"));
    }
    Ok(all)
}

fn read(what: &'static str, path: &Path) -> Result<Pem, OptionsError> {
    std::fs::read(path).map(Pem).map_err(|error| unusable(what, path, &error))
}

fn unusable(what: &'static str, path: &Path, message: &dyn ToString) -> OptionsError {
    OptionsError::File { what, path: path.to_owned(), message: message.to_string() }
}
