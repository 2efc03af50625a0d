//! Why a question, or a line of it, is not answered. The partner's programs go by the code, his people read the sentence.

/// A code of an answer and its sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Why {
    pub code: &'static str,
    pub text: String,
}

fn why(code: &'static str, text: impl Into<String>) -> Why {
    Why { code, text: text.into() }
}

pub fn not_allowed(feature: &str) -> Why {
    why("not-allowed", format!("Who asks has no right to ask for \"{feature}\". Ask us for it."))
}

pub fn not_offered(about: &str) -> Why {
    why("not-offered", format!("Questions about \"{about}\" are not answered here. Ask us to set it up."))
}

pub fn customer_missing() -> Why {
    why("customer-missing", "The question names no customer; expected customer_no.")
}

pub fn customer_unknown(sent: &str) -> Why {
    why("customer-unknown", format!("The customer \"{sent}\" is not known. Correct the number and ask again."))
}

pub fn customer_not_yours(sent: &str) -> Why {
    why(
        "customer-not-yours",
        format!("\"{sent}\" belongs to another customer than the one who asks and those you speak for."),
    )
}

pub fn customer_ambiguous(sent: &str) -> Why {
    why("customer-ambiguous", format!("The customer \"{sent}\" may be several; expected our own number."))
}

pub fn contact_unknown(sent: &str) -> Why {
    why("contact-unknown", format!("The contact \"{sent}\" is not known with this customer."))
}

pub fn lines_missing() -> Why {
    why("lines-missing", "The question names no article and no order; expected a line for each.")
}

pub fn article_missing() -> Why {
    why("article-missing", "The line names no article; expected article_no, or another number of it.")
}

pub fn article_unknown(sent: &str) -> Why {
    why("article-unknown", format!("The article \"{sent}\" is not known. Correct the number and ask again."))
}

pub fn article_ambiguous(sent: &str, candidates: &[String]) -> Why {
    why(
        "article-ambiguous",
        format!("The article \"{sent}\" may be {}; expected our own number.", candidates.join(" or ")),
    )
}

pub fn stock_unknown(article: &str) -> Why {
    why("stock-unknown", format!("Nothing is known of the stock of \"{article}\"."))
}

pub fn document_unknown(article: &str) -> Why {
    why("document-unknown", format!("There is no document of \"{article}\" for who asks."))
}

pub fn price_unknown(article: &str) -> Why {
    why(
        "price-unknown",
        format!(
            "No price holds today for \"{article}\", this customer, quantity and currency. Where there are prices in several currencies, the question has to name one."
        ),
    )
}

pub fn order_missing() -> Why {
    why("order-missing", "The line names no order; expected buyer_order_no or order_no.")
}

pub fn order_unknown(sent: &str) -> Why {
    why("order-unknown", format!("The order \"{sent}\" is not known. Correct the number and ask again."))
}

pub fn order_ambiguous(sent: &str) -> Why {
    why("order-ambiguous", format!("The order \"{sent}\" may be several; name its customer too."))
}
