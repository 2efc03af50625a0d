//! TLS of the double: a line, plain or secured, and whether a data connection goes on with its control connection's session.
//! The certificate beside this file is for 127.0.0.1, and nobody trusts it who was not given its fingerprint.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{HandshakeKind, ServerConfig, ServerConnection, StreamOwned};

pub type Secured = StreamOwned<ServerConnection, TcpStream>;

pub enum Line {
    Plain(TcpStream),
    Secured(Box<Secured>),
}

impl Line {
    pub fn socket(&self) -> &TcpStream {
        match self {
            Line::Plain(socket) => socket,
            Line::Secured(secured) => &secured.sock,
        }
    }

    /// All is said.
    pub fn end(&mut self) -> io::Result<()> {
        if let Line::Secured(secured) = self {
            secured.flush()?;
        }
        self.socket().shutdown(Shutdown::Write)
    }

    /// All is said, and that it is.
    pub fn end_politely(&mut self) -> io::Result<()> {
        if let Line::Secured(secured) = self {
            secured.conn.send_close_notify();
        }
        self.end()
    }
}

impl Read for Line {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        match self {
            Line::Plain(socket) => socket.read(bytes),
            Line::Secured(secured) => secured.read(bytes),
        }
    }
}

impl Write for Line {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Line::Plain(socket) => socket.write(bytes),
            Line::Secured(secured) => {
                let written = secured.write(bytes)?;
                secured.flush()?;
                Ok(written)
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Its own, or one of `tls/ca.pem`, which is nobody's.
fn shown(certificate: &str) -> &'static [u8] {
    match certificate {
        "signed" => include_bytes!("tls/signed.pem"),
        "other" => include_bytes!("tls/other.pem"),
        "expired" => include_bytes!("tls/expired.pem"),
        _ => include_bytes!("tls/cert.pem"),
    }
}

/// Each control connection gets a store of its own, so that only its own session can be gone on with.
pub fn config(is_newest: bool, certificate: &str) -> Arc<ServerConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let versions: &[_] = if is_newest { &[&rustls::version::TLS13] } else { &[&rustls::version::TLS12] };
    let chain = vec![CertificateDer::from_pem_slice(shown(certificate)).unwrap()];
    let key = PrivateKeyDer::from_pem_slice(include_bytes!("tls/key.pem")).unwrap();
    let builder = ServerConfig::builder_with_provider(provider).with_protocol_versions(versions).unwrap();
    let mut config = builder.with_no_client_auth().with_single_cert(chain, key).unwrap();
    config.session_storage = rustls::server::ServerSessionMemoryCache::new(32);
    Arc::new(config)
}

pub fn secured(config: &Arc<ServerConfig>, socket: TcpStream) -> io::Result<Secured> {
    let connection = ServerConnection::new(config.clone()).map_err(io::Error::other)?;
    let mut secured = StreamOwned::new(connection, socket);
    while secured.conn.is_handshaking() {
        secured.conn.complete_io(&mut secured.sock)?;
    }
    Ok(secured)
}

pub fn is_resumed(secured: &Secured) -> bool {
    secured.conn.handshake_kind() == Some(HandshakeKind::Resumed)
}
