//! A new partner's file made from another's, or from one of ours: what is the other's alone (his name, his customers, his
//! servers and their secrets) is not taken over but stands there as a comment, so that a person fills it in. Text to text.

/// Nobody has seen a file of his yet.
const BEGINS: &str = "mode = \"test\" # nothing of his files is applied; then shadow, then live: docs/operating.md";

/// Whose lines these are.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Head,
    /// The list of customers, over several lines.
    Customers,
    Remote,
    Rest,
}

/// `text` as the file of a partner called `name`.
pub fn copied(text: &str, name: &str) -> String {
    let mut part = Part::Head;
    let mut out = String::with_capacity(text.len());
    for line in text.lines() {
        let code = line.trim_start();
        if code.starts_with('[') && part != Part::Customers {
            part = if first_key(code.trim_start_matches('[')) == "remote" { Part::Remote } else { Part::Rest };
        }
        let key = first_key(code);
        match (part, key) {
            (Part::Head, "name") => out.push_str(&format!("name = {}\n{BEGINS}", quoted(name))),
            // His own, whatever the other's is by now.
            (Part::Head, "mode") => continue,
            (Part::Head, "customers") => {
                out.push_str(&format!("#{line}"));
                part = if is_closed(code) { Part::Head } else { Part::Customers };
            }
            (Part::Customers, _) => {
                out.push_str(&format!("#{line}"));
                part = if is_closed(code) { Part::Head } else { Part::Customers };
            }
            (Part::Head, "remote") => out.push_str(&format!("#{line}")),
            (Part::Remote, _) if !code.is_empty() && !code.starts_with('#') => out.push_str(&format!("#{line}")),
            _ => out.push_str(line),
        }
        out.push('\n');
    }
    out
}

/// `remote` of `remote.drop]`, `"remote" . drop = 1` and `remote = {}`.
fn first_key(code: &str) -> &str {
    code.trim_start().split(['=', ' ', '\t', '.', ']']).next().unwrap_or_default().trim_matches(['"', '\''])
}

fn is_closed(code: &str) -> bool {
    code.split('#').next().unwrap_or_default().contains(']')
}

/// A TOML string.
fn quoted(text: &str) -> String {
    let plain: String = text.chars().filter(|c| !c.is_control()).collect();
    format!("\"{}\"", plain.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// However they are written.
    #[test]
    fn servers_and_secrets_are_never_taken_over() {
        for remote in [
            "[remote]\ndrop = { kind = \"ftp\", password = \"file:/x\" }",
            "[ remote . drop ]\npassword = \"file:/x\"",
            "[\"remote\".drop]\npassword = \"file:/x\"",
            "['remote'.'drop']\npassword = \"file:/x\"",
            "  [remote.drop] # his\n  password = \"file:/x\"",
            "remote.drop.password = \"file:/x\"",
            "remote = { drop = { password = \"file:/x\" } }",
        ] {
            let made = copied(&format!("name = \"Old\"\n{remote}\n[intake.orders]\nlayouts = [\"a\"]\n"), "New");
            let secret = made.lines().find(|line| line.contains("file:/x")).unwrap();
            assert!(secret.trim_start().starts_with('#'), "{remote}:\n{made}");
            assert!(made.ends_with("\n[intake.orders]\nlayouts = [\"a\"]\n"), "{made}");
        }
    }

    #[test]
    fn what_is_the_others_alone_is_left_for_a_person() {
        let text = "# A shop.\nname = \"Old\"\nmode = \"live\"\ncustomers = [ # his\n  \"1\",\n]\nzone = \"UTC\"\n\n[remote.drop]\nkind = \"ftp\"\n# Where.\npassword = \"file:/x\"\n\
                    [intake.orders]\nlayouts = [\"a\"]\nname = \"kept\"\ncustomers = \"accept\"\n";
        assert_eq!(
            copied(text, "New \"shop\""),
            "# A shop.\nname = \"New \\\"shop\\\"\"\nmode = \"test\" # nothing of his files is applied; then shadow, then live: docs/operating.md\n#customers = [ # his\n#  \"1\",\n#]\nzone = \"UTC\"\n\n#[remote.drop]\n#kind = \"ftp\"\n# Where.\n#password = \"file:/x\"\n\
             [intake.orders]\nlayouts = [\"a\"]\nname = \"kept\"\ncustomers = \"accept\"\n"
        );
    }
}
