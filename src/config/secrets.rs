//! Which secrets a configuration names, and where it names them: for `check`, which reads each as the daemon would. The
//! configuration itself is in force without them, since a password may come later than the partner's file.

use std::path::Path;

use super::Config;
use crate::model::problem::{HeaderValue, Way};
use crate::model::remote::Kind;
use crate::model::secret::SecretRef;

/// Where it is named, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    pub file: String,
    pub key: String,
    pub place: SecretRef,
}

/// In the order of the files; one that several channels share once.
pub fn named(config: &Config) -> Vec<Named> {
    let main =
        config.path.file_name().map_or_else(|| "nattpost.toml".into(), |name| name.to_string_lossy().into_owned());
    let mut found: Vec<Named> = Vec::new();
    let mut add = |file: &str, key: String, place: &SecretRef| {
        let named = Named { file: file.to_string(), key, place: place.clone() };
        if !found.contains(&named) {
            found.push(named);
        }
    };
    for channel in &config.channels {
        match &channel.way {
            Way::Mail(mail) => {
                if let Some((_, place)) = &mail.server.login {
                    add(&main, "mail.password".to_string(), place);
                }
            }
            Way::Webhook(webhook) => {
                for (name, value) in &webhook.headers {
                    if let HeaderValue::Secret(place) = value {
                        add(&main, format!("notices.{}.header.{name}", channel.name), place);
                    }
                }
            }
            Way::Command(_) => {}
        }
    }
    let folder = super::shown(&config.partners_folder, config.path.parent().unwrap_or(Path::new("")));
    for rule in &config.remotes {
        let (Kind::Ftp(ftp), Some((partner, remote))) = (&rule.kind, rule.name.split_once('/')) else { continue };
        let keys = [
            ("password", Some(&ftp.password)),
            ("client_cert", ftp.client_cert.as_ref()),
            ("client_key", ftp.client_key.as_ref()),
        ];
        for (key, place) in keys {
            if let Some(place) = place {
                add(&format!("{folder}/{partner}.toml"), format!("remote.{remote}.{key}"), place);
            }
        }
    }
    found
}
