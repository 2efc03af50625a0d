//! Address blocks without names: around a column of country codes stand postcode, town, street and name in the order that letters
//! have.

use super::content::Content;
use super::fields::Known;
use super::names::Whose;

/// Column, concept, whose, how sure.
pub type Offer = (usize, &'static str, Whose, u32);

/// The first block of a sheet is where the goods go, the second who pays.
pub fn offers(columns: &[Known<'_>]) -> Vec<Offer> {
    let mut offers = Vec::new();
    without_country(columns, &mut offers);
    let mut blocks = 0;
    let mut sheet = usize::MAX;
    for (at, known) in columns.iter().enumerate() {
        if sheet != known.sheet {
            (sheet, blocks) = (known.sheet, 0);
        }
        if known.content != Content::Country || !known.column.label.is_empty() {
            continue;
        }
        let whose = if blocks == 0 { Whose::Delivery } else { Whose::Invoice };
        blocks += 1;
        block(columns, at, whose, &mut offers);
    }
    offers
}

/// A sheet without a country: a name, a street with its number, then postcode and town.
fn without_country(columns: &[Known<'_>], offers: &mut Vec<Offer>) {
    let mut sheets: Vec<usize> = columns.iter().map(|known| known.sheet).collect();
    sheets.dedup();
    for sheet in sheets {
        let own: Vec<usize> = (0..columns.len()).filter(|at| columns[*at].sheet == sheet).collect();
        let labelled = own.iter().any(|at| !columns[*at].column.label.is_empty());
        if labelled || own.iter().any(|at| columns[*at].content == Content::Country) {
            continue;
        }
        let Some(street) = own.iter().copied().find(|at| is_street(columns, *at)) else { continue };
        let Some(name) = own.iter().copied().find(|at| *at < street && street - at < 4 && is_name(columns, *at)) else {
            continue;
        };
        offers.extend([(name, "name", Whose::Delivery, 58), (street, "street", Whose::Delivery, 60)]);
        let zip = own.iter().copied().find(|at| *at > street && at - street < 4 && is_zip(columns, *at));
        if let Some(zip) = zip {
            offers.push((zip, "zip", Whose::Delivery, 58));
            if own.contains(&(zip + 1)) && is_words(columns, zip + 1) {
                offers.push((zip + 1, "city", Whose::Delivery, 58));
            }
        }
    }
}

fn block(columns: &[Known<'_>], country: usize, whose: Whose, offers: &mut Vec<Offer>) {
    let in_sheet = |at: usize| columns[at].sheet == columns[country].sheet;
    let at = |back: usize| country.checked_sub(back).filter(|at| in_sheet(*at));
    offers.push((country, "country", whose, 72));
    let zip = [1, 2, 3].into_iter().filter_map(at).find(|at| is_zip(columns, *at));
    let Some(zip) = zip else { return };
    offers.push((zip, "zip", whose, 66));
    let mut left = zip;
    if zip + 1 < country {
        // Postcode, then town, then country.
        offers.push((zip + 1, "city", whose, 64));
    } else {
        let Some(before) = zip.checked_sub(1).filter(|at| in_sheet(*at)) else { return };
        let second = before.checked_sub(1).filter(|at| in_sheet(*at) && is_words(columns, *at));
        match second.filter(|_| is_words(columns, before)) {
            Some(city) => {
                offers.push((before, "state", whose, 60));
                offers.push((city, "city", whose, 64));
                left = city;
            }
            None => {
                offers.push((before, "city", whose, 64));
                left = before;
            }
        }
    }
    let street = (left.saturating_sub(3)..left).rev().find(|at| in_sheet(*at) && is_street(columns, *at));
    let mut street = street;
    // The second line of an address has numbers too: the first one is the street.
    while let Some(before) =
        street.and_then(|at| at.checked_sub(1)).filter(|at| in_sheet(*at) && is_street(columns, *at))
    {
        street = Some(before);
    }
    let Some(street) = street else { return };
    offers.push((street, "street", whose, 64));
    if street + 1 < left {
        offers.push((street + 1, "street2", whose, 58));
    }
    let name = (street.saturating_sub(4)..street).find(|at| in_sheet(*at) && is_name(columns, *at));
    if let Some(name) = name {
        offers.push((name, "name", whose, 60));
    }
}

fn values<'c>(columns: &'c [Known<'_>], at: usize) -> impl Iterator<Item = &'c str> + Clone {
    columns[at].column.values.iter().map(String::as_str).filter(|value| !value.is_empty())
}

fn is_zip(columns: &[Known<'_>], at: usize) -> bool {
    let fits = |value: &str| {
        (3..=10).contains(&value.len())
            && value.bytes().any(|b| b.is_ascii_digit())
            && value.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || " -".contains(c))
    };
    let some = values(columns, at).next().is_some();
    some && values(columns, at).filter(|value| fits(value)).count() * 10 >= values(columns, at).count() * 7
}

/// Letters alone: a town, a state.
fn is_words(columns: &[Known<'_>], at: usize) -> bool {
    let mut all = values(columns, at).peekable();
    all.peek().is_some() && all.all(|value| value.chars().all(|c| c.is_alphabetic() || " .-'/".contains(c)))
}

fn is_street(columns: &[Known<'_>], at: usize) -> bool {
    let house = |value: &str| {
        value.contains(' ') && value.bytes().any(|b| b.is_ascii_digit()) && value.chars().any(char::is_alphabetic)
    };
    let some = values(columns, at).next().is_some();
    some && columns[at].content == Content::Text
        && values(columns, at).filter(|v| house(v)).count() * 10 >= values(columns, at).count() * 6
}

fn is_name(columns: &[Known<'_>], at: usize) -> bool {
    let fits = |value: &str| {
        value.chars().any(char::is_alphabetic) && !value.bytes().any(|b| b.is_ascii_digit()) && value.len() > 3
    };
    let some = values(columns, at).next().is_some();
    some && matches!(columns[at].content, Content::Text) && values(columns, at).all(fits)
}
