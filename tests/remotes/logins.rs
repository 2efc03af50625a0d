//! A refused login over the scripted server: rarely tried, and at once when somebody has put another secret there.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::place::{Place, order};
use crate::ftp_double::{Double, PASSWORD, USER};

fn put_secret(place: &Place, words: &str) {
    let (new, secret) = (place.at("new"), place.at("secret"));
    fs::write(&new, words).unwrap();
    fs::set_permissions(&new, fs::Permissions::from_mode(0o600)).unwrap();
    fs::rename(new, secret).unwrap();
}

#[test]
fn a_refused_login_is_tried_again_when_its_secret_is_another() {
    let place = Place::new("");
    let double = Double::start(&place.at("there"), "");
    put_secret(&place, "wrong");
    let rules = format!(
        "name = \"Shop\"\n[remote.ftp]\nkind = \"ftp\"\nhost = \"127.0.0.1\"\nport = {}\nuser = \"{USER}\"\npassword = \"file:{}\"\ntls = \"none\"\n\
         [intake.orders]\nlayouts = [\"nattpost-order-csv\"]\nfrom = \"ftp:/out\"\nsettle = \"rename\"\ncustomers = \"accept\"\narticles = \"accept\"\n",
        double.port,
        place.at("secret").display()
    );
    fs::write(place.at("partners/shop.toml"), rules).unwrap();
    place.put("there/out/o1.csv", &order("O1"));
    let tries = || double.calls("PASS");
    let told = place.run(None);
    assert!(told.text.contains("remote-failed") && told.text.contains("530"), "{}", told.text);
    assert_eq!(tries(), 1);
    // Accounts get locked: a run after a run says why it waits, and asks nobody.
    assert_eq!(place.run(None).code, Some(75));
    assert_eq!(tries(), 1);
    // The same wrong one, written anew, is another try; more than that it is not.
    put_secret(&place, "wrong too");
    place.run(None);
    place.run(None);
    assert_eq!(tries(), 2);
    put_secret(&place, PASSWORD);
    let told = place.run(None);
    assert_eq!((told.code, tries()), (Some(0), 3), "{}", told.text);
    assert_eq!(place.rows("SELECT buyer_order_no FROM orders"), ["O1"]);
}
