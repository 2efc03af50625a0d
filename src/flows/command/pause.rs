//! Stops a partner, an intake or a feed for a while, and lets it go on. A paused intake takes nothing: its files stay in in/,
//! listed. A paused feed does not come due: what passed meanwhile counts as missed when it goes on. What a person asks for by
//! name (`send`, `retry`) is done all the same.

use anyhow::Result;

use super::super::inbound::round::Bench;
use crate::edges::clock::iso;
use crate::edges::events::{Event, Key, Value};
use crate::model::pause::Subject;

pub fn pause(bench: &mut Bench<'_>, subjects: &[Subject], who: &str, comment: &str) -> Result<String> {
    let tx = bench.store.begin()?;
    let (mut said, mut begun) = (Vec::new(), Vec::new());
    for subject in subjects {
        let before = tx.pause_of(subject)?;
        if tx.pause(subject, &iso(bench.now.wall), who, comment)? {
            said.push(format!("{} is paused", subject.told()));
            begun.push(subject);
        } else if let Some(before) = before {
            said.push(format!("{} was paused before, by {} at {}", subject.told(), before.who, before.since));
        }
    }
    tx.commit()?;
    begun.iter().for_each(|subject| tell(bench, Event::Paused, subject, comment));
    Ok(said.join("; "))
}

pub fn resume(bench: &mut Bench<'_>, subjects: &[Subject], comment: &str) -> Result<String> {
    let tx = bench.store.begin()?;
    let (mut said, mut ended) = (Vec::new(), Vec::new());
    for subject in subjects {
        let goes_on = tx.resume(subject)?;
        let mut words = match goes_on {
            true => format!("{} goes on", subject.told()),
            false => format!("{} was not paused", subject.told()),
        };
        if goes_on {
            ended.push(subject);
        }
        // A part is not free while the whole is paused, nor the other way round.
        for other in tx.pauses()?.iter().filter(|row| row.subject.partner() == subject.partner()) {
            let concerns = matches!(subject, Subject::Partner(_)) || matches!(other.subject, Subject::Partner(_));
            if concerns {
                words.push_str(&format!(
                    ", but {} is still paused (nattpost resume {})",
                    other.subject.told(),
                    other.subject.arguments()
                ));
            }
        }
        said.push(words);
    }
    tx.commit()?;
    ended.iter().for_each(|subject| tell(bench, Event::Resumed, subject, comment));
    Ok(said.join("; "))
}

fn tell(bench: &Bench<'_>, event: Event, subject: &Subject, comment: &str) {
    let partner = (Key::Partner, Value::Text(subject.partner().into()));
    let mut fields = match subject {
        Subject::Partner(_) => vec![partner],
        Subject::Intake { partner, intake } => vec![(Key::Intake, Value::Text(format!("{partner}/{intake}").into()))],
        Subject::Feed { feed, .. } => vec![partner, (Key::Feed, Value::Text(feed.as_str().into()))],
    };
    fields.push((Key::Reason, Value::Text(comment.into())));
    bench.events.tell(bench.now.wall, "", event, &fields);
}
