//! TLS of one connection: who is trusted, which version, and one store of sessions per control connection, since servers
//! take on a data connection only the session of its own control connection. Handshakes are brought to their end before anything
//! else is said, with the socket's time-outs, and keep the typed reason when they fail.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{Resumption, WebPkiServerVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{ClientConfig, ClientConnection, DigitallySignedStruct, RootCertStore, SignatureScheme, StreamOwned};

use crate::model::remote::FtpRule;
use crate::model::secret::Secret;

/// A server that has got everything hangs up at once.
const UNREAD_WITHIN: Duration = Duration::from_secs(1);

pub type Session = StreamOwned<ClientConnection, TcpStream>;

/// Which certificate and key we show, as PEM.
pub struct Own {
    pub certificate: Secret,
    pub key: Secret,
}

/// One connection's TLS: control first, data connections after.
pub struct Tls {
    config: Arc<ClientConfig>,
    seen: Arc<Mutex<Seen>>,
}

/// What was learned of the server on the way.
#[derive(Default)]
pub struct Seen {
    /// Version and fingerprint of the control connection.
    pub words: Option<String>,
    /// What the server showed there, as DER.
    pub certificate: Option<Vec<u8>>,
    /// `sha256:…` of what it showed and nobody vouches for.
    pub refused: Option<String>,
}

pub fn seen(seen: &Mutex<Seen>) -> MutexGuard<'_, Seen> {
    seen.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Tls {
    /// `newest`: TLS 1.3, for servers that refuse 1.2. The words name what cannot be used.
    pub fn new(rule: &FtpRule, own: Option<&Own>, newest: bool) -> Result<Tls, String> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let versions: &[_] = if newest { &[&rustls::version::TLS13] } else { &[&rustls::version::TLS12] };
        let builder = ClientConfig::builder_with_provider(provider.clone()).with_protocol_versions(versions);
        let builder = builder.map_err(|error| error.to_string())?;
        let seen: Arc<Mutex<Seen>> = Arc::default();
        let builder = match rule.pin {
            Some(pin) => builder
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(Pinned { pin, provider: provider.clone() })),
            None => {
                let roots = Arc::new(roots(rule.ca.as_deref())?);
                let signed = WebPkiServerVerifier::builder_with_provider(roots.clone(), provider.clone()).build();
                match signed {
                    Ok(signed) => {
                        let looking = Looking { signed, provider: provider.clone(), seen: seen.clone() };
                        builder.dangerous().with_custom_certificate_verifier(Arc::new(looking))
                    }
                    // Nobody is trusted at all.
                    Err(_) => builder.with_root_certificates(roots),
                }
            }
        };
        let mut config = match own {
            Some(own) => {
                let chain: Result<Vec<_>, _> =
                    CertificateDer::pem_slice_iter(own.certificate.reveal().as_bytes()).collect();
                let chain = chain.map_err(|error| format!("client_cert: {error}"))?;
                let key = PrivateKeyDer::from_pem_slice(own.key.reveal().as_bytes());
                let key = key.map_err(|error| format!("client_key: {error}"))?;
                builder.with_client_auth_cert(chain, key).map_err(|error| format!("client_cert: {error}"))?
            }
            None => builder.with_no_client_auth(),
        };
        config.resumption = Resumption::in_memory_sessions(8);
        Ok(Tls { config: Arc::new(config), seen })
    }

    pub fn seen(&self) -> Arc<Mutex<Seen>> {
        self.seen.clone()
    }

    fn shake_hands(&self, host: &str, socket: TcpStream) -> Result<Session, io::Error> {
        let wrong = |error: rustls::Error| io::Error::other(error);
        let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
        let connection = ClientConnection::new(self.config.clone(), name).map_err(wrong)?;
        let mut session = StreamOwned::new(connection, socket);
        while session.conn.is_handshaking() {
            let (read, written) = session.conn.complete_io(&mut session.sock)?;
            if read == 0 && written == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(session)
    }

    /// The control connection, and with it the session that data connections go on with.
    pub fn control(&self, host: &str, socket: TcpStream) -> io::Result<Session> {
        let session = self.shake_hands(host, socket)?;
        let mut seen = seen(&self.seen);
        seen.words = Some(described(&session.conn, &self.config));
        seen.certificate = session.conn.peer_certificates().and_then(<[_]>::first).map(|first| first.to_vec());
        Ok(session)
    }

    pub fn data(&self, host: &str, socket: TcpStream) -> io::Result<Channel> {
        self.shake_hands(host, socket).map(|session| Channel { session, is_written: false })
    }
}

/// The server does not want to speak the version that was offered.
pub fn is_other_version(failed: &io::Error) -> bool {
    use rustls::{AlertDescription, Error};
    let inner = failed.get_ref().and_then(|inner| inner.downcast_ref::<Error>());
    matches!(
        inner,
        Some(
            Error::AlertReceived(AlertDescription::ProtocolVersion | AlertDescription::HandshakeFailure)
                | Error::PeerIncompatible(_)
        )
    )
}

/// `TLS 1.2, certificate sha256:…`
fn described(connection: &ClientConnection, config: &ClientConfig) -> String {
    let version = match connection.protocol_version() {
        Some(rustls::ProtocolVersion::TLSv1_3) => "TLS 1.3",
        _ => "TLS 1.2",
    };
    let first = connection.peer_certificates().and_then(<[_]>::first);
    let print = first.and_then(|certificate| fingerprint(config.crypto_provider(), certificate));
    print.map_or(version.into(), |print| format!("{version}, certificate {}", in_words(print)))
}

fn in_words(print: [u8; 32]) -> String {
    let hex: String = print.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hex}")
}

/// SHA-256 of a certificate; the provider's own, so that no second library is needed for it.
fn fingerprint(provider: &CryptoProvider, certificate: &CertificateDer) -> Option<[u8; 32]> {
    let suites = provider.cipher_suites.iter().filter_map(|suite| suite.tls13());
    let hash = suites.map(|suite| suite.common.hash_provider).find(|hash| hash.output_len() == 32)?;
    hash.hash(certificate).as_ref().try_into().ok()
}

fn roots(ca: Option<&Path>) -> Result<RootCertStore, String> {
    let mut store = RootCertStore::empty();
    store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if let Some(path) = ca {
        let wrong = |why: String| format!("ca = \"{}\": {why}", path.display());
        let found = CertificateDer::pem_file_iter(path).map_err(|error| wrong(error.to_string()))?;
        for certificate in found {
            let certificate = certificate.map_err(|error| wrong(error.to_string()))?;
            store.add(certificate).map_err(|error| wrong(error.to_string()))?;
        }
    }
    Ok(store)
}

/// Trusts whom rustls trusts, and remembers what was shown: a person who pins a certificate has to read its fingerprint somewhere.
struct Looking {
    signed: Arc<WebPkiServerVerifier>,
    provider: Arc<CryptoProvider>,
    seen: Arc<Mutex<Seen>>,
}

impl std::fmt::Debug for Looking {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Looking")
    }
}

impl ServerCertVerifier for Looking {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        chain: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        stapled: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        self.signed.verify_server_cert(certificate, chain, name, stapled, now).inspect_err(|_| {
            seen(&self.seen).refused = fingerprint(&self.provider, certificate).map(in_words);
        })
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.signed.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.signed.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.signed.supported_verify_schemes()
    }
}

/// Takes one certificate, whoever signed it and whatever name stands in it.
#[derive(Debug)]
struct Pinned {
    pin: [u8; 32],
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        _chain: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        if fingerprint(&self.provider, certificate) == Some(self.pin) {
            return Ok(ServerCertVerified::assertion());
        }
        Err(rustls::Error::InvalidCertificate(rustls::CertificateError::ApplicationVerificationFailure))
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// A secured data connection.
pub struct Channel {
    session: Session,
    is_written: bool,
}

impl Read for Channel {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        match self.session.read(bytes) {
            // Several servers end a data connection without saying so; whether it was whole is told by 226 and the size.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(0),
            read => read,
        }
    }
}

impl Write for Channel {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.is_written = true;
        self.session.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.session.flush()
    }
}

impl Drop for Channel {
    fn drop(&mut self) {
        take_leave(&mut self.session);
        // The sentry has a copy of the socket: closing ours alone would not be seen.
        let mut socket = &self.session.sock;
        drop(socket.shutdown(Shutdown::Write));
        // What we never read (the tickets of TLS 1.3) would make the system cut the line, maybe before our bytes are there.
        if self.is_written && socket.set_read_timeout(Some(UNREAD_WITHIN)).is_ok() {
            let mut sink = [0; 1024];
            while matches!(socket.read(&mut sink), Ok(read) if read > 0) {}
        }
    }
}

/// Says that all is said; who is gone does not need to be told.
pub fn take_leave(session: &mut Session) {
    session.conn.send_close_notify();
    while session.conn.wants_write() && session.conn.write_tls(&mut session.sock).is_ok_and(|written| written > 0) {}
}
