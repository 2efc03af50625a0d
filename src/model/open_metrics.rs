//! Figures in the text form of OpenMetrics 1.0 (openmetrics.io), as Prometheus and its kin read it: families with type and
//! help, samples with labels, `# EOF` at the end. Values are whole numbers, or instants in seconds with their milliseconds.

use std::fmt::{Display, Write};

use chrono::{DateTime, Utc};

pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Type {
    Gauge,
    /// Only grows; its samples are named `…_total`.
    Counter,
    /// One sample of value 1 whose labels say something.
    Info,
}

/// A page being written.
#[derive(Debug, Default)]
pub struct Metrics {
    text: String,
    family: String,
    ending: &'static str,
}

impl Metrics {
    /// Begins a family; its samples follow. Families without samples are left out by whoever has none.
    pub fn family(&mut self, name: &str, kind: Type, help: &str) {
        let (word, ending) = match kind {
            Type::Gauge => ("gauge", ""),
            Type::Counter => ("counter", "_total"),
            Type::Info => ("info", "_info"),
        };
        self.family = name.to_string();
        self.ending = ending;
        let _ = writeln!(self.text, "# TYPE {name} {word}\n# HELP {name} {}", escaped(help));
    }

    pub fn sample(&mut self, labels: &[(&str, &str)], value: impl Display) {
        let _ = write!(self.text, "{}{}", self.family, self.ending);
        for (at, (name, label)) in labels.iter().enumerate() {
            let _ = write!(self.text, "{}{name}=\"{}\"", if at == 0 { '{' } else { ',' }, escaped(label));
        }
        let _ = writeln!(self.text, "{} {value}", if labels.is_empty() { "" } else { "}" });
    }

    pub fn instant(&mut self, labels: &[(&str, &str)], at: DateTime<Utc>) {
        self.sample(labels, seconds(at.timestamp_millis()));
    }

    pub fn finish(mut self) -> String {
        self.text.push_str("# EOF\n");
        self.text
    }
}

/// Milliseconds as seconds.
fn seconds(ms: i64) -> String {
    format!("{}.{:03}", ms.div_euclid(1_000), ms.rem_euclid(1_000))
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_and_samples_look_as_the_format_wants_them() {
        let mut page = Metrics::default();
        page.family("nattpost_waiting_files", Type::Gauge, "Files that wait.");
        page.sample(&[("source", "shop/orders")], 3);
        page.sample(&[], 0);
        page.family("nattpost_events", Type::Counter, "Lines of the log.");
        page.sample(&[("event", "file-seen"), ("source", "a\"b\\c\nd")], 12u64);
        page.family("nattpost", Type::Info, "The program.");
        page.sample(&[("version", "1")], 1);
        page.family("nattpost_last_timestamp_seconds", Type::Gauge, "When.");
        page.instant(&[("feed", "a/b")], DateTime::from_timestamp_millis(1_795_300_000_007).unwrap());
        assert_eq!(
            page.finish(),
            "# TYPE nattpost_waiting_files gauge\n# HELP nattpost_waiting_files Files that wait.\n\
             nattpost_waiting_files{source=\"shop/orders\"} 3\nnattpost_waiting_files 0\n\
             # TYPE nattpost_events counter\n# HELP nattpost_events Lines of the log.\n\
             nattpost_events_total{event=\"file-seen\",source=\"a\\\"b\\\\c\\nd\"} 12\n\
             # TYPE nattpost info\n# HELP nattpost The program.\nnattpost_info{version=\"1\"} 1\n\
             # TYPE nattpost_last_timestamp_seconds gauge\n# HELP nattpost_last_timestamp_seconds When.\n\
             nattpost_last_timestamp_seconds{feed=\"a/b\"} 1795300000.007\n# EOF\n"
        );
    }
}
