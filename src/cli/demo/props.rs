//! What the demo plays with: the configuration and the partners' files of samples/demo, compiled in. It writes the
//! configuration; the files are dropped one by one by the story.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

macro_rules! sample {
    ($name:literal) => {
        include_bytes!(concat!("../../../samples/demo/", $name))
    };
}

pub const CUSTOMERS: &[u8] = sample!("files/customers.xml");
pub const ARTICLES: &[u8] = sample!("files/articles.xml");
pub const STOCK: &[u8] = sample!("files/stock.csv");
pub const PRICES: &[u8] = sample!("files/prices.csv");
pub const WEB_ORDERS: &[u8] = sample!("files/web-orders-1.xml");
pub const DEALER_ORDERS: &[u8] = sample!("files/dealer-orders-1120.csv");
pub const DEALER_TOUR: &[u8] = sample!("files/dealer-orders-1121.csv");
pub const EARLY_ORDERS: &[u8] = sample!("files/web-orders-akerlund.xml");
pub const NEW_CUSTOMER: &[u8] = sample!("files/customer-10055.xml");
pub const ORDER_STATUS: &[u8] = sample!("files/order-status.xml");

const CONFIGURATION: [(&str, &[u8]); 6] = [
    ("nattpost.toml", sample!("nattpost.toml")),
    ("partners/webshop.toml", sample!("partners/webshop.toml")),
    ("partners/dealer.toml", sample!("partners/dealer.toml")),
    ("partners/erp.toml", sample!("partners/erp.toml")),
    ("layouts/dealer-orders.toml", sample!("layouts/dealer-orders.toml")),
    ("layouts/dealer-prices.toml", sample!("layouts/dealer-prices.toml")),
];

/// Writes the configuration into a folder that is made for it, and says where nattpost.toml is.
pub fn lay_out(folder: &Path) -> Result<PathBuf> {
    for (name, content) in CONFIGURATION {
        let path = folder.join(name);
        let write = || {
            fs::create_dir_all(path.parent().unwrap_or(folder))?;
            fs::write(&path, content)
        };
        write().with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(folder.join("nattpost.toml"))
}
