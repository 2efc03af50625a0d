//! What each record type of a file does: opens a message, a line, says more, closes.

use super::cut::Sheet;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The file holds several of them, one after the other.
    OpensInterchange,
    ClosesInterchange,
    /// The only record: each row is a message, or a line with its head.
    Both,
    OpensFile,
    Message,
    AddsMessage,
    Line,
    AddsLine,
    ClosesMessage,
    ClosesFile,
    /// Of no interest to the kind.
    Ignored,
}

/// One for each sheet. `rows`: the sheets' numbers of rows say in which order they stand in the file.
pub fn roles(sheets: &[Sheet]) -> Vec<Role> {
    if sheets.len() == 1 {
        return vec![Role::Both];
    }
    let mut rows: Vec<(usize, usize)> =
        sheets.iter().enumerate().flat_map(|(sheet, s)| s.rows.iter().map(move |row| (*row, sheet))).collect();
    rows.sort_unstable();
    let order: Vec<usize> = rows.into_iter().map(|(_, sheet)| sheet).collect();
    let count = |sheet: usize| sheets[sheet].rows.len();
    let (Some(first), Some(last)) = (order.first().copied(), order.last().copied()) else { return Vec::new() };
    let comes_again = |sheet: usize| {
        let mut runs = 0;
        let mut before = usize::MAX;
        for at in &order {
            runs += usize::from(*at == sheet && before != sheet);
            before = *at;
        }
        runs > 1
    };
    let several = count(first) > 1
        && sheets.len() > 3
        && count(last) == count(first)
        && order.iter().enumerate().skip(1).all(|(at, sheet)| *sheet != first || order[at - 1] == last);
    let trailer =
        (several || count(last) == 1 && last != first && sheets.len() > 2 && last == sheets.len() - 1).then_some(last);
    let second = order.iter().copied().find(|sheet| *sheet != first).unwrap_or(first);
    // Once at the beginning, before what comes again, or before a head of its own: the file's.
    let has_file = several
        || count(first) == 1
            && sheets.len() > 2
            && (comes_again(second) || count(second) == 1 && trailer.is_some() && sheets.len() > 3);
    let opener = if has_file { second } else { first };
    let mut roles = vec![Role::AddsMessage; sheets.len()];
    if has_file {
        roles[first] = if several { Role::OpensInterchange } else { Role::OpensFile };
    }
    roles[opener] = Role::Message;
    let trailer = trailer.filter(|sheet| *sheet != opener && (has_file || count(opener) > 1));
    if let Some(sheet) = trailer {
        roles[sheet] = if several { Role::ClosesInterchange } else { Role::ClosesFile };
    }
    let rest: Vec<usize> = (0..sheets.len()).filter(|sheet| roles[*sheet] == Role::AddsMessage).collect();
    let often = rest.iter().copied().find(|sheet| count(*sheet) > count(opener));
    let Some(line) = often.or_else(|| rest.last().copied()) else { return roles };
    roles[line] = Role::Line;
    let ends = |sheet: usize| {
        order
            .iter()
            .enumerate()
            .filter(|(_, at)| **at == sheet)
            .all(|(at, _)| order.get(at + 1).is_none_or(|next| *next == opener || Some(*next) == trailer))
    };
    let position = |sheet: usize| order.iter().position(|at| *at == sheet);
    for sheet in rest.into_iter().filter(|sheet| *sheet != line) {
        if position(sheet) < position(line) {
            continue;
        }
        roles[sheet] = match ends(sheet) && count(sheet) == count(opener) {
            true => Role::ClosesMessage,
            false => Role::AddsLine,
        };
    }
    roles
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(tags: &[&str]) -> Vec<(String, Role)> {
        let mut sheets: Vec<Sheet> = Vec::new();
        for (row, tag) in tags.iter().enumerate() {
            match sheets.iter_mut().find(|sheet| sheet.tag == *tag) {
                Some(sheet) => sheet.rows.push(row),
                None => sheets.push(Sheet { tag: tag.to_string(), rows: vec![row], ..Sheet::default() }),
            }
        }
        let roles = roles(&sheets);
        sheets.into_iter().map(|sheet| sheet.tag).zip(roles).collect()
    }

    #[test]
    fn the_order_of_rows_tells_what_they_do() {
        use Role as R;
        let told = |tags: &[&str]| of(tags).into_iter().map(|(_, role)| role).collect::<Vec<_>>();
        assert_eq!(told(&["H", "I", "I", "I"]), [R::Message, R::Line]);
        assert_eq!(told(&["H", "L", "L", "H", "L"]), [R::Message, R::Line]);
        assert_eq!(
            told(&["00", "10", "40", "41", "42", "40", "41", "42", "50", "10", "40", "41", "42", "50", "90"]),
            [R::OpensFile, R::Message, R::Line, R::AddsLine, R::AddsLine, R::ClosesMessage, R::ClosesFile]
        );
        assert_eq!(
            told(&["00", "10", "40", "40", "90", "00", "10", "40", "90"]),
            [R::OpensInterchange, R::Message, R::Line, R::ClosesInterchange]
        );
        assert_eq!(
            told(&["F", "H", "A", "L", "L", "T", "H", "A", "L", "T", "E"]),
            [R::OpensFile, R::Message, R::AddsMessage, R::Line, R::ClosesMessage, R::ClosesFile]
        );
    }
}
