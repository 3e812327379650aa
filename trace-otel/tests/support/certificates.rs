//! Certificates of a test's own, in a folder of its own.

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::RootCertStore;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// An authority that signs certificates.
pub(crate) struct Authority {
    dir: PathBuf,
    name: &'static str,
    issuer: CertifiedIssuer<'static, KeyPair>,
}

/// A certificate, its key, and the files that hold them.
pub(crate) struct Signed {
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
}

impl Authority {
    pub(crate) fn new(dir: &Path, name: &'static str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(rcgen::DnType::CommonName, name);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        std::fs::write(dir.join(name), issuer.pem()).unwrap();
        Self { dir: dir.to_owned(), name, issuer }
    }

    /// The file with its own certificate.
    pub(crate) fn file(&self) -> PathBuf {
        self.dir.join(self.name)
    }

    /// Signs a certificate for `localhost`.
    pub(crate) fn sign(&self, who: &str) -> Signed {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let file = |what: &str, text: String| {
            let path = self.dir.join(format!("{who}.{what}.pem"));
            std::fs::write(&path, text).unwrap();
            path
        };
        Signed { certificate: file("certificate", certificate.pem()), key: file("key", key.serialize_pem()) }
    }

    /// A server with a certificate of this authority, which wants one of the `clients` authority where there is one.
    pub(crate) fn server(&self, clients: Option<&Self>) -> rustls::ServerConfig {
        let Signed { certificate, key } = self.sign("server");
        let provider = Arc::new(default_provider());
        let builder = rustls::ServerConfig::builder_with_provider(Arc::clone(&provider));
        let builder = builder.with_safe_default_protocol_versions().unwrap();
        let builder = match clients {
            None => builder.with_no_client_auth(),
            Some(clients) => {
                let mut roots = RootCertStore::empty();
                roots.add(CertificateDer::from_pem_file(clients.file()).unwrap()).unwrap();
                let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
                builder.with_client_cert_verifier(verifier.unwrap())
            }
        };
        let chain = vec![CertificateDer::from_pem_file(certificate).unwrap()];
        builder.with_single_cert(chain, PrivateKeyDer::from_pem_file(key).unwrap()).unwrap()
    }
}
