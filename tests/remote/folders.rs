//! The contract over a folder of this machine.

use std::sync::Arc;

use nattpost::edges::remote::{Sentry, open};
use nattpost::model::remote::{Kind, RemoteRule};

use super::contract::{self, NAMES};
use super::honest::ground;

#[test]
fn a_folder_keeps_the_contract() {
    let (_kept, root) = ground();
    let sentry = Arc::new(Sentry::start().unwrap());
    let rule = RemoteRule {
        name: "shop/drop".into(),
        kind: Kind::Folder { path: root.clone() },
        connections: 1,
        timeout: std::time::Duration::from_secs(5),
        fingerprint: 0,
    };
    contract::all(&root, &NAMES, &|| {
        open(&rule, &|_| Err("a folder has no secret".into()), &sentry, &Arc::default())
            .unwrap_or_else(|f| panic!("{f}"))
    });
}
