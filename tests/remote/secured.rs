//! TLS over the double: the contract, sessions of data connections, versions, and who is trusted. Real servers' TLS is rig 8.

use nattpost::edges::remote::{Broken, FaultKind, Remote};
use nattpost::model::remote::{Tls, TlsMax};

use super::contract::{self, NAMES};
use super::ftp_double::{Double, FINGERPRINT};
use super::honest::ground;
use super::{Peer, folder};

pub fn pinned(double: &Double) -> Peer {
    let mut peer = Peer::of(double);
    peer.ftp.tls = Tls::Explicit;
    let bytes = (0..64).step_by(2).map(|at| u8::from_str_radix(&FINGERPRINT[at..at + 2], 16).unwrap());
    peer.ftp.pin = Some(bytes.collect::<Vec<u8>>().try_into().unwrap());
    peer
}

/// `rude` servers end a data connection without saying so.
#[test]
fn the_contract_holds_under_tls() {
    for script in [
        "set tls",
        "set tls-reuse",
        "set tls-1.3",
        "set tls\nset rude",
        "set tls\non EPSV reply \"500 what?\"",
        "set tls\non PBSZ reply \"550 PBSZ?\"",
    ] {
        let (_kept, root) = ground();
        let double = Double::start(&root, script);
        let peer = pinned(&double);
        contract::all(&root, &NAMES, &|| peer.remote());
        assert_eq!(double.calls("PROT"), double.calls("USER"), "{script}");
    }
}

/// A server takes only the session of the same control connection; with one store for all they would overwrite each other's.
#[test]
fn four_connections_each_go_on_with_their_own_session() {
    let (_kept, root) = ground();
    let double = Double::start(&root, "set tls-reuse");
    let peer = pinned(&double);
    let mut remotes: Vec<Box<dyn Remote>> = (0..4).map(|_| peer.remote()).collect();
    for round in 0..5 {
        for remote in &mut remotes {
            remote.list(&folder("in"), &mut |_| ()).unwrap_or_else(|fault| panic!("{round}: {fault}"));
        }
    }
}

#[test]
fn a_server_of_the_newest_tls_alone_is_met_with_it_and_that_is_remembered() {
    let (_kept, root) = ground();
    let double = Double::start(&root, "set tls-1.3");
    let peer = pinned(&double);
    for _ in 0..2 {
        assert!(peer.remote().probe().unwrap().tls.unwrap().starts_with("TLS 1.3, certificate sha256:"));
    }
    assert_eq!(double.calls("AUTH"), 3, "once with 1.2, then never again");
    let mut strict = pinned(&double);
    strict.ftp.tls_max = TlsMax::Tls12;
    let fault = strict.open().err().unwrap();
    assert_eq!(fault.kind, FaultKind::Tls, "{fault}");
}

#[test]
fn a_certificate_that_nobody_vouches_for_is_not_taken() {
    let (_kept, root) = ground();
    let double = Double::start(&root, "set tls");
    for (pin, words) in [
        (None, "TLS: its certificate cannot be checked like one that an authority signed (Other(OtherError(CaUsedAs"),
        (Some([7; 32]), "TLS: its certificate is not the one that pin names. Ask the partner"),
    ] {
        let mut peer = pinned(&double);
        peer.ftp.pin = pin;
        let fault = peer.open().err().unwrap();
        assert!(fault.kind == FaultKind::Tls && fault.to_string().contains(words), "{fault}");
    }
    assert_eq!(double.calls("USER"), 0, "no name goes to a stranger");
}

/// Signed by the authority that `ca` names: taken. For another name, or too late: told, and no password goes there.
#[test]
fn an_authority_of_our_own_is_trusted_and_its_certificates_are_looked_at() {
    for (certificate, words) in [
        ("signed", None),
        ("other", Some("TLS: its certificate is for another name. Name the host as its certificate does")),
        ("expired", Some("TLS: its certificate has expired. The partner has to renew it")),
    ] {
        let (_kept, root) = ground();
        let double = Double::start(&root, &format!("set certificate {certificate}"));
        let mut peer = pinned(&double);
        peer.ftp.pin = None;
        peer.ftp.ca = Some(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/ftp_double/tls/ca.pem").into());
        match (words, peer.open()) {
            (None, opened) => drop(opened.unwrap_or_else(|fault| panic!("{fault}"))),
            (Some(words), Err(fault)) => {
                assert!(fault.kind == FaultKind::Tls && fault.to_string().contains(words), "{fault}");
                assert_eq!(double.calls("USER"), 0, "{certificate}");
            }
            (Some(_), Ok(_)) => panic!("{certificate} is trusted"),
        }
    }
}

/// A data connection that ends in the middle without TLS's farewell is no end of the file: the server's word and the size say so.
#[test]
fn half_a_file_is_never_whole_under_tls() {
    for (end, words) in [("close", "426 cut after 5000 bytes"), ("cut", "after 5000 bytes")] {
        let (_kept, root) = ground();
        std::fs::write(root.join("in/a.csv"), [5_u8; 8000]).unwrap();
        let double = Double::start(&root, &format!("set tls\non RETR data 5000 {end} reply \"426 cut\""));
        let broken = pinned(&double).remote().fetch(&folder("in"), b"a.csv", 0, Some(8000), &mut Vec::new());
        assert!(matches!(&broken, Err(Broken::Theirs(fault)) if fault.to_string().contains(words)), "{broken:?}");
    }
    let (_kept, root) = ground();
    std::fs::write(root.join("in/a.csv"), [5_u8; 8000]).unwrap();
    let double = Double::start(&root, "set tls\non RETR data 5000 close reply \"226 done\"");
    let broken = pinned(&double).remote().fetch(&folder("in"), b"a.csv", 0, None, &mut Vec::new());
    let words = "226 after 5000 of 8000 bytes";
    assert!(matches!(&broken, Err(Broken::Theirs(fault)) if fault.to_string().contains(words)), "{broken:?}");
}

/// rclone's server: TLS from the first byte, and what it sends as files goes readable.
#[test]
fn files_that_go_unsecured_are_not_taken() {
    let (_kept, root) = ground();
    std::fs::write(root.join("in/a.csv"), "1").unwrap();
    let double = Double::start(&root, "set implicit");
    let mut peer = pinned(&double);
    peer.ftp.tls = Tls::Implicit;
    let fault = peer.remote().list(&folder("in"), &mut |_| ()).unwrap_err();
    let words = "MLSD: it refused PROT P (550 Action not taken), and its data connections are not secured";
    assert!(fault.kind == FaultKind::Tls && fault.to_string().contains(words), "{fault}");
}

/// What TLS 1.3 cannot give is not tried for ever: the words say what helps.
#[test]
fn session_reuse_that_cannot_be_is_told_with_advice() {
    let (_kept, root) = ground();
    let double =
        Double::start(&root, "set tls-1.3\non STOR reply \"522 SSL connection failed; session reuse required\"");
    let mut remote = pinned(&double).remote();
    let broken = remote.send(&folder("out"), b"a.part", 5, &mut &b"12345"[..]).unwrap_err();
    let Broken::Theirs(fault) = broken else { panic!("{broken:?}") };
    assert_eq!(fault.kind, FaultKind::TlsReuse);
    assert!(fault.to_string().contains("allow TLS 1.2 there, or set require_ssl_reuse=NO (vsftpd)"), "{fault}");
}

/// ftp-srv answers a transfer once the TLS of its data connection stands, and 425 when nobody begins it: asked again so, once.
#[test]
fn a_server_that_wants_tls_before_it_speaks_gets_it() {
    let (_kept, root) = ground();
    std::fs::write(root.join("in/a.csv"), "1").unwrap();
    let double = Double::start(&root, "set tls-first");
    let peer = pinned(&double);
    for _ in 0..2 {
        let mut remote = peer.remote();
        remote.list(&folder("in"), &mut |_| ()).unwrap();
        assert_eq!(remote.fetch(&folder("in"), b"a.csv", 0, Some(1), &mut Vec::new()).unwrap(), 1);
        remote.send(&folder("out"), b"a.part", 5, &mut &b"12345"[..]).unwrap();
    }
    assert_eq!((double.calls("MLSD"), double.calls("EPSV"), double.calls("USER")), (3, 7, 2));
}

/// 425 has other reasons, too: it is told as it stands, and nobody asks twice for ever.
#[test]
fn a_data_connection_that_the_server_does_not_get_is_told() {
    let (_kept, root) = ground();
    let double = Double::start(&root, "set tls\non MLSD reply \"425 cannot open\"");
    let peer = pinned(&double);
    for asked in [2, 3] {
        let fault = peer.remote().list(&folder("in"), &mut |_| ()).unwrap_err();
        assert!(fault.kind == FaultKind::Transient && fault.to_string().contains("MLSD: 425 cannot open"), "{fault}");
        assert_eq!(double.calls("MLSD"), asked);
    }
}
