//! Names that carry no number: several runs of a feed have one name, so one comes after the other there. What a whole file says
//! makes the one before it needless; changes and orders wait until their partner took what stands there.

use super::supersede::Scope;
use crate::model::feed::Replace;

/// How a run comes to its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Turn {
    /// Nobody else has it: the number is in it.
    #[default]
    Own,
    /// It takes the place of what stands there, in one step.
    Replaces,
    /// It waits until nothing stands there.
    Waits,
}

impl Turn {
    pub const ALL: [Turn; 3] = [Turn::Own, Turn::Replaces, Turn::Waits];

    pub fn as_str(self) -> &'static str {
        match self {
            Turn::Own => "own",
            Turn::Replaces => "replaces",
            Turn::Waits => "waits",
        }
    }
}

pub fn turn(is_numbered: bool, scope: Scope, replace: Replace) -> Turn {
    match (is_numbered, scope, replace) {
        (true, ..) => Turn::Own,
        (false, Scope::Full, Replace::Unsent) => Turn::Replaces,
        (false, ..) => Turn::Waits,
    }
}

/// Is an earlier run of the same feed, whose file its partner has not taken, to leave first? Orders that are called otherwise stand in
/// nobody's way; of all else nothing in the names says which comes first.
pub fn is_behind(scope: Scope, is_same_name: bool) -> bool {
    is_same_name || scope != Scope::New
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_whole_file_takes_the_place_of_another() {
        for (is_numbered, scope, replace, expected) in [
            (true, Scope::Full, Replace::Unsent, Turn::Own),
            (true, Scope::New, Replace::Never, Turn::Own),
            (false, Scope::Full, Replace::Unsent, Turn::Replaces),
            (false, Scope::Full, Replace::Never, Turn::Waits),
            (false, Scope::Delta, Replace::Unsent, Turn::Waits),
            (false, Scope::Part, Replace::Unsent, Turn::Waits),
            (false, Scope::New, Replace::Unsent, Turn::Waits),
        ] {
            assert_eq!(turn(is_numbered, scope, replace), expected, "{is_numbered} {scope:?} {replace:?}");
        }
    }

    #[test]
    fn orders_of_another_day_do_not_wait() {
        for (scope, is_same_name, expected) in [
            (Scope::New, false, false),
            (Scope::New, true, true),
            (Scope::Delta, false, true),
            (Scope::Full, false, true),
        ] {
            assert_eq!(is_behind(scope, is_same_name), expected, "{scope:?} {is_same_name}");
        }
    }
}
