//! TLS for what we call ourselves: whom this machine trusts, TLS 1.2 and 1.3. Made once and handed to whoever needs it.

use std::sync::Arc;

use rustls::{ClientConfig, RootCertStore};

/// Trusts what the machine trusts: the site's own authority counts like any other. The words say why it cannot be made.
pub fn client() -> Result<Arc<ClientConfig>, String> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder = builder.map_err(|error| error.to_string())?;
    Ok(Arc::new(builder.with_root_certificates(roots).with_no_client_auth()))
}
