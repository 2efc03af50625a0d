//! The bytes of a packed stream, as far as cross-references and objects in streams need them: nothing packed, or Flate with the
//! predictors of PNG. Never more than it is given room for.

use std::io::Read;

use flate2::read::{DeflateDecoder, ZlibDecoder};

use super::{Flaw, Object};

const UNREADABLE: Flaw = Flaw::Broken("packed objects cannot be unpacked");

/// `from`: everything behind the word "stream". `room`: what is left of it for the whole file.
pub fn unpack(dict: &Object, length: Option<i64>, from: &[u8], room: &mut usize) -> Result<Vec<u8>, Flaw> {
    let raw = match dict.get("Filter") {
        None | Some(Object::Null) => {
            let length = length.and_then(|length| usize::try_from(length).ok()).ok_or(UNREADABLE)?;
            let bytes = from.get(..length).ok_or(UNREADABLE)?.to_vec();
            *room = room.checked_sub(length).ok_or(TOO_MUCH)?;
            return Ok(bytes);
        }
        Some(filter) if is_flate(filter) => inflate(from, room)?,
        Some(_) => return Err(Flaw::Broken("objects are packed in a way that is not read here")),
    };
    let parms = match dict.get("DecodeParms") {
        Some(Object::List(list)) => list.first(),
        other => other,
    };
    let value = |name: &str, default: i64| parms.and_then(|p| p.get(name)).and_then(Object::number).unwrap_or(default);
    match value("Predictor", 1) {
        1 => Ok(raw),
        10..=15 => {
            let bits =
                value("Columns", 1).saturating_mul(value("Colors", 1)).saturating_mul(value("BitsPerComponent", 8));
            let width = usize::try_from(bits / 8).ok().filter(|w| (1..=4096).contains(w)).ok_or(UNREADABLE)?;
            let step =
                usize::try_from(value("Colors", 1).saturating_mul(value("BitsPerComponent", 8)) / 8).unwrap_or(1);
            unpredict(&raw, width, step.clamp(1, width))
        }
        _ => Err(Flaw::Broken("objects are packed in a way that is not read here")),
    }
}

const TOO_MUCH: Flaw = Flaw::TooMuch("packed objects that become larger than any real ones");

fn is_flate(filter: &Object) -> bool {
    match filter {
        Object::List(list) => matches!(&list[..], [only] if is_flate(only)),
        one => one.is_name("FlateDecode") || one.is_name("Fl"),
    }
}

/// Up to its own end: what the file says of its length is often wrong.
fn inflate(from: &[u8], room: &mut usize) -> Result<Vec<u8>, Flaw> {
    let mut bytes = Vec::new();
    let limit = *room as u64 + 1;
    let read = ZlibDecoder::new(from).take(limit).read_to_end(&mut bytes);
    if read.is_err() {
        // Its check sum may be cut off, its content not.
        bytes.clear();
        DeflateDecoder::new(from.get(2..).unwrap_or_default())
            .take(limit)
            .read_to_end(&mut bytes)
            .map_err(|_| UNREADABLE)?;
    }
    *room = room.checked_sub(bytes.len()).ok_or(TOO_MUCH)?;
    Ok(bytes)
}

/// Takes back what PNG does to each row before it packs it.
fn unpredict(raw: &[u8], width: usize, step: usize) -> Result<Vec<u8>, Flaw> {
    let mut out: Vec<u8> = Vec::with_capacity(raw.len());
    for packed in raw.chunks(width + 1) {
        let (kind, row) = (packed[0], &packed[1..]);
        let start = out.len();
        for (at, byte) in row.iter().enumerate() {
            let left = if at >= step { out[start + at - step] } else { 0 };
            let up = if start >= width { out[start - width + at] } else { 0 };
            let corner = if at >= step && start >= width { out[start - width + at - step] } else { 0 };
            let guess = match kind {
                0 => 0,
                1 => left,
                2 => up,
                3 => ((u16::from(left) + u16::from(up)) / 2) as u8,
                4 => paeth(left, up, corner),
                _ => return Err(UNREADABLE),
            };
            out.push(byte.wrapping_add(guess));
        }
    }
    Ok(out)
}

fn paeth(left: u8, up: u8, corner: u8) -> u8 {
    let (a, b, c) = (i16::from(left), i16::from(up), i16::from(corner));
    let guess = a + b - c;
    let far = |from: i16| (guess - from).abs();
    if far(a) <= far(b) && far(a) <= far(c) {
        left
    } else if far(b) <= far(c) {
        up
    } else {
        corner
    }
}
