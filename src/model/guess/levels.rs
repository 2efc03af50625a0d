//! What stands side by side in one row: prices with their quantities (`Qty 1;Price 1;Qty 2;Price 2`), lines of an order. The first stays,
//! the others are put aside: each is read by a record that takes the row again.

use std::collections::BTreeMap;

use super::content::{Content, content};
use super::cut::{Column, Sheet};
use super::names;

/// One more of what the row says, with the columns of the first that its own are like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Further {
    /// The number in the names of its columns.
    pub word: String,
    /// Place of the first's, and its own column.
    pub columns: Vec<(String, Column)>,
}

/// Names that differ by a number alone: what is left of them, then number and column.
fn series(sheet: &Sheet) -> BTreeMap<String, Vec<(u32, usize)>> {
    let mut all: BTreeMap<String, Vec<(u32, usize)>> = BTreeMap::new();
    for (at, column) in sheet.columns.iter().enumerate() {
        let Some(end) = column.label.rfind(|c: char| c.is_ascii_digit()).map(|at| at + 1) else { continue };
        let begin = column.label[..end]
            .rfind(|c: char| !c.is_ascii_digit())
            .map_or(0, |at| at + column.label[at..].chars().next().map_or(1, char::len_utf8));
        let (Ok(number), base) =
            (column.label[begin..end].parse::<u32>(), format!("{} {}", &column.label[..begin], &column.label[end..]))
        else {
            continue;
        };
        let base = names::fold(&base);
        if !base.is_empty() && number < 100 {
            all.entry(base).or_default().push((number, at));
        }
    }
    all.retain(|_, members| {
        members.sort_unstable();
        members.len() > 1 && members.windows(2).all(|two| two[0].0 < two[1].0)
    });
    all
}

fn means(base: &str, concepts: &[&str]) -> bool {
    names::meanings(base, &[]).first().is_some_and(|m| m.sure >= 60 && concepts.contains(&m.concept))
}

fn is_amount(sheet: &Sheet, members: &[(u32, usize)]) -> bool {
    members.iter().all(|(_, at)| {
        matches!(
            content(&sheet.columns[*at].bare()),
            Content::Integer | Content::Decimal { .. } | Content::Padded | Content::Empty
        )
    })
}

/// Puts aside what is not the first of its row.
pub fn aside(sheet: &mut Sheet) -> Vec<Further> {
    let mut all = series(sheet);
    // The last word says what it is: `price scale qty`.
    let says = |base: &str, concepts: &[&str]| {
        let last = base.rsplit(' ').next().unwrap_or(base);
        if names::meanings(last, &[]).is_empty() { means(base, concepts) } else { means(last, concepts) }
    };
    let price = |base: &str| says(base, &["net_price", "gross_price"]) || ["value", "amount", "wert"].contains(&base);
    let counted = |base: &str| says(base, &["qty", "from_qty"]);
    let article = all.keys().any(|base| means(base, &["article_no", "ean"]));
    let Some(leading) = all
        .iter()
        .find(|(base, members)| {
            let wanted = if article { counted(base) } else { price(base) };
            wanted && is_amount(sheet, members)
        })
        .map(|(_, members)| members.iter().map(|(number, _)| *number).collect::<Vec<u32>>())
    else {
        return Vec::new();
    };
    let alike = |members: &[(u32, usize)]| members.iter().map(|(number, _)| *number).eq(leading.iter().copied());
    all.retain(|base, members| {
        let of_person = means(base, &["name", "name2", "street", "street2", "phone", "email", "city", "contact"]);
        alike(members) && !of_person
    });
    if !article {
        // What a price holds from, and the price, whatever they are called.
        for (base, members) in &all {
            let label = match () {
                () if price(base) => "price",
                () if counted(base) => "from qty",
                () => continue,
            };
            sheet.columns[members[0].1].label = label.to_string();
        }
    } else {
        for (base, members) in &all {
            sheet.columns[members[0].1].label = base.clone();
        }
    }
    let mut further: Vec<Further> =
        leading[1..].iter().map(|number| Further { word: number.to_string(), columns: Vec::new() }).collect();
    let mut gone = Vec::new();
    for members in all.values() {
        let first = sheet.columns[members[0].1].place.clone();
        for (level, (_, at)) in further.iter_mut().zip(&members[1..]) {
            level.columns.push((first.clone(), sheet.columns[*at].clone()));
            gone.push(*at);
        }
    }
    gone.sort_unstable();
    gone.into_iter().rev().for_each(|at| _ = sheet.columns.remove(at));
    further.iter_mut().for_each(|level| level.columns.sort_by(|a, b| a.1.place.cmp(&b.1.place)));
    further
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sheet(columns: &[(&str, &str)]) -> Sheet {
        let column = |(label, value): &(&str, &str)| Column {
            place: label.to_string(),
            label: label.to_string(),
            values: vec![value.to_string()],
            ..Column::default()
        };
        Sheet { columns: columns.iter().map(column).collect(), rows: vec![0], ..Sheet::default() }
    }

    #[test]
    fn prices_side_by_side_are_several() {
        let mut one = sheet(&[("Item", "A"), ("Qty1", "1"), ("Price1", "9.5"), ("Qty2", "10"), ("Price2", "9")]);
        let further = aside(&mut one);
        let labels: Vec<&str> = one.columns.iter().map(|c| c.label.as_str()).collect();
        assert_eq!(labels, ["Item", "from qty", "price"]);
        let places: Vec<&str> = further[0].columns.iter().map(|(_, c)| c.place.as_str()).collect();
        assert_eq!((further.len(), places), (1, vec!["Price2", "Qty2"]));
        // Two lines of an address, two discounts: nothing of that is several.
        for columns in [&[("Name 1", "A"), ("Name 2", "B")][..], &[("Rabatt1", "10"), ("Rabatt2", "5")]] {
            assert!(aside(&mut sheet(columns)).is_empty(), "{columns:?}");
        }
    }
}
