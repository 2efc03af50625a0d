//! Messages → XML: the template of nested elements, filled node by node.
//!
//! What is missing is left out, with the elements that would only wrap it; what is empty is written empty. The same
//! messages give the same bytes.

use std::io::Write;

use chrono::{DateTime, Utc};

use crate::model::batch::{Message, NodeRef, Value};
use crate::model::decimal;
use crate::model::layout::Layout;
use crate::model::layout::form::NotWritable;
use crate::model::layout::plan::{Checked, Control, Field, Ours, Role, Scope};
use crate::model::layout::seam::moment;
use crate::model::layout::seam::{EncodeContext, EncodeError, Encoder};
use crate::model::rules::delta::Op;
use crate::model::syntax::xml::{Charset, XmlText};

use super::Xml;
use super::template::{Element, Item, Source};

/// Text collected before it is written out.
const FLUSH_BYTES: usize = 256 << 10;

/// Writes messages into a file.
pub struct XmlWriter<'w> {
    pub(super) layout: &'w Layout,
    pub(super) xml: &'w Xml,
    context: EncodeContext,
    charset: Charset,
    out: &'w mut dyn Write,
    pub(super) text: XmlText,
    bytes: Vec<u8>,
    begun: bool,
    pub(super) messages: u64,
    /// What has become of the message that is being written.
    op: Op,
    /// What the records around the messages say, once they are written: of the file, and of the open interchange.
    pub(super) said_of_file: Vec<String>,
    pub(super) said_of_interchange: Option<Vec<String>>,
    /// What stands before the messages is being written.
    pub(super) ahead: bool,
    /// The moment of the file, in UTC and in seconds since 1970; expressions see it.
    pub(super) now: Option<(String, String)>,
}

/// A total of more than one message.
fn counts_beyond(control: &Control) -> bool {
    control.scope != Scope::Message && matches!(control.what, Checked::Count(_) | Checked::Sum { .. })
}

/// What an element holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Content {
    Nothing,
    /// Only what the layout itself says: constants, totals, the words that records are told by.
    Constants,
    Values,
}

/// Where in a message the writing is.
#[derive(Clone, Copy)]
pub(super) struct Here<'m> {
    pub message: Message<'m>,
    pub node: NodeRef<'m>,
}

impl<'w> XmlWriter<'w> {
    pub fn new(layout: &'w Layout, xml: &'w Xml, context: EncodeContext, out: &'w mut dyn Write) -> Self {
        XmlWriter {
            layout,
            xml,
            context,
            charset: Charset::from(layout.encoding.clone()),
            out,
            text: XmlText::new(xml.options.line_end),
            bytes: Vec::new(),
            begun: false,
            messages: 0,
            op: Op::Same,
            said_of_file: Vec::new(),
            said_of_interchange: None,
            ahead: false,
            now: None,
        }
    }

    fn begin(&mut self, first: Option<Here<'_>>) -> Result<(), EncodeError> {
        self.begun = true;
        // A reader tells UTF-16 by its mark, whatever the layout says.
        let is_wide = matches!(self.charset, Charset::Utf16Le | Charset::Utf16Be);
        if is_wide || self.xml.options.bom && self.charset == Charset::Utf8 {
            self.text.byte_order_mark();
        }
        self.text.declaration(&encoding_label(&self.charset));
        let xml = self.xml;
        if let Some(definition) = &xml.options.doctype {
            self.text.document_type(&xml.options.root, definition);
        }
        let template = &self.xml.template;
        if template.root_is_message.is_some() {
            return Ok(());
        }
        self.open_along(&template.root, &template.to_message, first)
    }

    fn end(&mut self) -> Result<(), EncodeError> {
        self.close_interchange()?;
        let template = &self.xml.template;
        self.close_along(&template.root, &template.to_message)
    }

    fn message(&mut self, message: Message<'_>) -> Result<(), EncodeError> {
        self.messages += 1;
        let here = Here { message, node: message.head() };
        let template = &self.xml.template;
        if template.root_is_message.is_some() {
            if self.messages > 1 {
                return Err(self.not_writable("one file of this layout holds one message"));
            }
            let record = template.root_is_message.unwrap_or_default();
            return self.write_record(record, &template.root, here);
        }
        let mut items = &template.root.items;
        for at in &template.to_message {
            match &items[*at] {
                Item::Element(inner) => items = &inner.items,
                Item::Record(record, element) if self.layout.records[*record].role == Role::OpensInterchange => {
                    self.in_interchange(*record, element, here)?;
                }
                Item::Record(record, element) => self.write_record(*record, element, here)?,
            }
        }
        Ok(())
    }

    pub(super) fn not_writable(&self, text: &str) -> EncodeError {
        EncodeError::NotWritable { layout: self.layout.id.clone(), text: text.to_string() }
    }

    /// Writes an element if what it holds is at least that much; otherwise nothing is written.
    pub(super) fn element(
        &mut self,
        element: &Element,
        least: Content,
        here: Option<Here<'_>>,
    ) -> Result<Content, EncodeError> {
        let mark = self.text.mark();
        let mut content = self.open(element, here)?;
        for item in &element.items {
            content = content.max(self.item(item, here)?);
        }
        if content < least {
            self.text.back_to(mark);
            return Ok(Content::Nothing);
        }
        self.text.close();
        Ok(content)
    }

    /// Start tag and text.
    pub(super) fn open(&mut self, element: &Element, here: Option<Here<'_>>) -> Result<Content, EncodeError> {
        let mut content = Content::Nothing;
        self.text.open(&element.name);
        if std::ptr::eq(element, &self.xml.template.root) {
            for (prefix, uri) in &self.xml.options.namespaces {
                let name = if prefix.is_empty() { "xmlns".to_string() } else { format!("xmlns:{prefix}") };
                self.text.attribute(&name, uri);
            }
        }
        for (name, source) in &element.attributes {
            if let Some((value, of)) = self.value(source, here)? {
                self.text.attribute(name, &value);
                content = content.max(of);
            }
        }
        if let Some(source) = &element.text
            && let Some((value, of)) = self.value(source, here)?
        {
            self.text.text(&value);
            content = content.max(of);
        }
        Ok(content)
    }

    pub(super) fn item(&mut self, item: &Item, here: Option<Here<'_>>) -> Result<Content, EncodeError> {
        let (record, element) = match item {
            // What a record is told by belongs to it even where no value of ours stands beside it.
            Item::Element(element) if element.which.is_empty() => {
                return self.element(element, Content::Constants, here);
            }
            // One of several, told by what the layout itself says of it.
            Item::Element(element) => return self.element(element, Content::Values, here),
            Item::Record(record, element) => (&self.layout.records[*record], element),
        };
        let Some(here) = here else { return Ok(Content::Nothing) };
        match record.role {
            Role::Opens(group) => {
                let mut any = Content::Nothing;
                for node in here.message.group(group).filter(|n| is_below(here, n)) {
                    self.write_whole(record, element, Here { node, ..here })?;
                    any = Content::Values;
                }
                Ok(any)
            }
            // A record that only adds is not there where it has nothing to say.
            _ => self.element(element, Content::Values, Some(here)),
        }
    }

    /// The text of a source, and what it is.
    pub(super) fn value(
        &self,
        source: &Source,
        here: Option<Here<'_>>,
    ) -> Result<Option<(String, Content)>, EncodeError> {
        let field = match source {
            Source::Word(word) => return Ok(Some((word.clone(), Content::Constants))),
            Source::Field { record, field } => &self.layout.records[*record].fields[*field],
        };
        match (&field.ours, here) {
            (Ours::Control(Control { what: Checked::Change, .. }), Some(here)) => match self.op.word() {
                None => Ok(None),
                Some(word) => self.written(field, Value::Text(word), here).map(|text| Some((text, Content::Constants))),
            },
            (Ours::Control(control), _) if self.ahead && counts_beyond(control) => {
                Err(self.not_writable(&format!("\"{}\" is known only at the end, and stands before it", field.label)))
            }
            (Ours::Control(control), _) => Ok(self.control(control, here).map(|value| (value, Content::Constants))),
            (Ours::Field { group, nth, field: index }, Some(here)) => {
                let Some(node) = target(here, *group, *nth) else { return Ok(None) };
                match node.value(*index) {
                    Value::Missing => Ok(None),
                    value => self.written(field, value, here).map(|text| Some((text, Content::Values))),
                }
            }
            (Ours::Extra { group, name }, Some(here)) => {
                let node = target(here, *group, 0);
                let extra = node.and_then(|n| n.extras().find(|(known, _)| **known == **name));
                extra
                    .map(|(_, value)| self.written(field, Value::Text(value), here).map(|text| (text, Content::Values)))
                    .transpose()
            }
            (Ours::Computed(expression), Some(here)) => match expression.text(self.values(here)) {
                Ok(text) => Ok(Some((text, Content::Values)).filter(|(text, _)| !text.is_empty())),
                Err(why) => Err(self.value_error(field, here, why)),
            },
            _ => Ok(None),
        }
    }

    pub(super) fn written(&self, field: &Field, value: Value<'_>, here: Here<'_>) -> Result<String, EncodeError> {
        let mut text = String::new();
        field.form.write(value, self.context.zone, &mut text).map_err(|why| {
            let why = match why {
                NotWritable::TooLong { value, width } => format!("\"{value}\" is longer than {width} characters"),
                NotWritable::TooFine(value) => format!("\"{value}\" has more digits than the layout takes"),
                NotWritable::NotLike(value) => format!("\"{value}\" does not look like what match= says"),
                NotWritable::NotListed(value) => format!("\"{value}\" is not in the layout's table"),
                NotWritable::WrongType(value) => format!("\"{value}\" does not fit the layout's form"),
            };
            self.value_error(field, here, why)
        })?;
        Ok(text)
    }

    pub(super) fn value_error(&self, field: &Field, here: Here<'_>, text: String) -> EncodeError {
        let head = here.message.head();
        let keys = here.message.kind().head().key.iter();
        let key: Vec<&str> = keys.filter_map(|key| head.value(*key).text()).collect();
        EncodeError::Value { message: key.join(" / "), field: field.label.clone(), text }
    }

    /// The value of a control: of the message it stands in, or of the file as far as it is written.
    fn control(&self, control: &Control, here: Option<Here<'_>>) -> Option<String> {
        match (&control.what, control.scope, here) {
            (Checked::Constant(word) | Checked::Version(word), ..) => Some(word.clone()),
            (Checked::Number, Scope::Message, Some(here)) => Some(here.node.index().to_string()),
            (Checked::Number, ..) => Some(self.messages.to_string()),
            (Checked::Count(records), Scope::Message, Some(here)) => {
                let opened = records.iter().filter_map(|r| match self.layout.records[*r].role {
                    Role::Opens(group) => Some(here.message.group(group).filter(|n| is_below(here, n)).count()),
                    _ => None,
                });
                Some(opened.sum::<usize>().to_string())
            }
            (Checked::Count(_), ..) => Some(self.messages.to_string()),
            (Checked::Sum { group, field }, Scope::Message, Some(here)) => {
                let sum = here
                    .message
                    .group(*group)
                    .filter(|n| is_below(here, n))
                    .filter_map(|n| n.value(*field).number())
                    .try_fold(0i64, i64::checked_add)?;
                let scale = self.layout.kind.groups[*group].fields[*field].field_type.scale()?;
                Some(decimal::text(sum, scale))
            }
            (Checked::Sum { .. } | Checked::Change, ..) => None,
        }
    }

    fn flush(&mut self) -> Result<(), EncodeError> {
        self.text.drain_into(&self.charset, &mut self.bytes);
        self.out.write_all(&self.bytes)?;
        self.bytes.clear();
        Ok(())
    }
}

impl Encoder for XmlWriter<'_> {
    fn at(&mut self, now: DateTime<Utc>) {
        self.now = Some(moment(now));
    }

    fn write_change(&mut self, message: Message<'_>, op: Op) -> Result<(), EncodeError> {
        self.op = op;
        let here = Here { message, node: message.head() };
        let said = self.said(Role::OpensFile, here)?;
        if !self.begun {
            self.said_of_file = said;
            self.begin(Some(here))?;
        } else if said != self.said_of_file {
            return Err(self.differs(here, &said));
        }
        self.message(message)?;
        if self.text.len() >= FLUSH_BYTES { self.flush() } else { Ok(()) }
    }

    fn finish(mut self: Box<Self>) -> Result<(), EncodeError> {
        if !self.begun {
            self.begin(None)?;
        }
        match self.xml.template.root_is_message {
            None => self.end()?,
            Some(_) if self.messages == 0 => return Err(self.not_writable("a file of this layout needs its message")),
            Some(_) => {}
        }
        self.flush()?;
        Ok(self.out.flush()?)
    }
}

/// The node a field belongs to, seen from the node of its record.
pub(super) fn target(here: Here<'_>, group: usize, nth: usize) -> Option<NodeRef<'_>> {
    let mut node = here.node;
    while node.group() != group && node.index() > 0 {
        node = here.message.node(node.parent());
    }
    if node.group() == group {
        return Some(node);
    }
    here.message.group(group).filter(|n| is_below(here, n)).nth(nth)
}

/// It belongs to the node that is being written, whatever stands between them.
pub(super) fn is_below(here: Here<'_>, node: &NodeRef<'_>) -> bool {
    let mut at = *node;
    while at.index() > 0 && at.index() != here.node.index() {
        at = here.message.node(at.parent());
    }
    at.index() == here.node.index()
}

/// The name of the encoding that other programs know.
fn encoding_label(charset: &Charset) -> String {
    match charset {
        Charset::Utf8 => "UTF-8".into(),
        Charset::Utf16Le | Charset::Utf16Be => "UTF-16".into(),
        Charset::SingleByte(encoding) => match encoding.name() {
            "latin-1" => "ISO-8859-1".into(),
            "ascii" => "US-ASCII".into(),
            "cp858" => "IBM00858".into(),
            name => match name.strip_prefix("cp") {
                Some(page) if page.starts_with("125") => format!("windows-{page}"),
                Some(page) => format!("IBM{page}"),
                None => name.replace("latin-9", "iso-8859-15").replace("latin-", "latin").to_ascii_uppercase(),
            },
        },
    }
}
