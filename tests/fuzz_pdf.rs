//! PDFs: pages counted in every writing, what acts and what is hostile named; and a fuzz driver: any bytes end in an answer, soon.

#[path = "fuzzing/chance.rs"]
mod chance;
#[path = "fuzzing/papers.rs"]
mod papers;

use std::time::{Duration, Instant};

use chance::{Chance, mutate};
use nattpost::model::pdf::{Active, Flaw, look};
use papers::{Paper, changed, deflated};

fn pages(bytes: &[u8]) -> u32 {
    look(bytes).unwrap_or_else(|flaw| panic!("{flaw}: {}", String::from_utf8_lossy(bytes))).pages
}

#[test]
fn pages_are_counted_in_every_writing() {
    for count in [0, 1, 2, 3, 40] {
        let paper = Paper::of(count);
        assert_eq!(pages(&paper.table()), count as u32);
        assert_eq!(pages(&paper.packed(false)), count as u32);
        assert_eq!(pages(&paper.packed(true)), count as u32);
    }
    // The tree decides, not what it says of itself; folders of pages in it.
    let lying = Paper::of(3).instead(2, "<</Type/Pages/Count 1/Kids[3 0 R 6 0 R]>>").with("<</Kids [4 0 R 5 0 R]>>");
    assert_eq!(pages(&lying.table()), 3);
    // Changed behind its end: the newest tree counts, twice changed too; the catalogue may be reached through names with escapes.
    let more = changed(Paper::of(2).table(), &[(2, "<</Type/Pages/Kids[3 0 R]/Count 1>>")]);
    assert_eq!(pages(&more), 1);
    assert_eq!(pages(&changed(more, &[(1, "<</#50ages 2 0 R>>"), (2, "<</Kids[3 0 R 4 0 R]>>")])), 2);
    // Beside its table a stream with what only newer readers know.
    let mut padded = Paper::of(1).table();
    padded.extend([0; 500]);
    assert_eq!(pages(&padded), 1);
    // An odd form of everything: comments, texts with brackets, hexadecimal texts, real numbers.
    let odd = Paper::of(1).with("<</A(x \\( (y) >>)/B<0aFF>/C -1.5/D[true false null]%>>\n/E/F#20G>>");
    assert_eq!(pages(&odd.table()), 1);
}

#[test]
fn what_acts_is_named() {
    let acts = |object: &str| look(&Paper::of(1).with(object).packed(false)).unwrap().active;
    assert_eq!(acts("<</S/JavaScript/JS(app.alert)>>"), [Active::Script]);
    assert_eq!(acts("<</A<</S/#4caunch/F(x.exe)>>>>"), [Active::Launch]);
    assert_eq!(acts("<</Names<</EmbeddedFiles 9 0 R>>>>"), [Active::Files]);
    assert_eq!(acts("[<</S /SubmitForm>> <</EF<<>>>>]"), [Active::Sends, Active::Files]);
    assert_eq!(acts("<</S/URI/URI(https://example.org)>>"), []);
    assert_eq!(acts("(/S /JavaScript is only a text)"), []);
    // In what no list names, where a reader that repairs would find it.
    let moved = changed(Paper::of(1).table(), &[(99, "<</S/Launch>>")]);
    assert_eq!(look(&moved).unwrap().active, [Active::Launch]);
}

#[test]
fn what_is_hostile_or_broken_is_a_flaw() {
    let flaw = |bytes: &[u8]| look(bytes).unwrap_err();
    assert_eq!(flaw(b""), Flaw::NoPdf);
    assert_eq!(flaw(b"<html>not found</html>"), Flaw::NoPdf);
    let whole = Paper::of(2).table();
    assert_eq!(flaw(&whole[..whole.len() - 8]), Flaw::Cut);
    assert_eq!(flaw(&Paper::of(1).trailer("/Encrypt 9 0 R").table()), Flaw::Encrypted);
    assert_eq!(flaw(&Paper::of(1).trailer("/Encrypt<</V 4>>").packed(true)), Flaw::Encrypted);
    let says = |bytes: &[u8], part: &str| {
        let text = flaw(bytes).to_string();
        assert!(text.contains(part), "{text}");
    };
    says(&Paper::of(1).instead(2, "<</Kids[3 0 R 2 0 R]>>").table(), "circle");
    says(&Paper::of(1).instead(2, "<</Kids[3 0 R 3 0 R]>>").table(), "twice");
    says(&Paper::of(1).instead(1, "<</Pages 77 0 R>>").table(), "tree of pages cannot be found");
    says(&Paper::of(1).instead(1, &"[".repeat(5000)).table(), "lists in lists");
    let own = String::from_utf8(Paper::of(1).table().into_iter().filter(u8::is_ascii).collect()).unwrap();
    says(own.replace("startxref", "startnone").as_bytes(), "cannot be read");
    let (head, _) = own.split_once("startxref\n").unwrap();
    let at = head.find("xref\n").unwrap();
    let round = format!("{}/Prev {at}>>\nstartxref\n{at}\n%%EOF", head.trim_end().trim_end_matches(">>"));
    says(round.as_bytes(), "circle");
    says(b"%PDF-1.4\nxref\n0 99999999\ntrailer<<>>\nstartxref\n9\n%%EOF", "more objects");
}

/// Little that becomes much, and much that is looked at again and again.
#[test]
fn bombs_are_left_soon() {
    let began = Instant::now();
    let zeros = deflated(&vec![b' '; 40 << 20]);
    let mut bomb = b"%PDF-1.5\n".to_vec();
    let at = bomb.len();
    bomb.extend(
        format!("1 0 obj<</Type/XRef/W[1 3 1]/Size 9/Filter/FlateDecode/Length {}>>stream\n", zeros.len()).bytes(),
    );
    bomb.extend_from_slice(&zeros);
    bomb.extend(format!("\nendstream endobj\nstartxref\n{at}\n%%EOF").bytes());
    assert!(matches!(look(&bomb), Err(Flaw::TooMuch(_))), "{:?}", look(&bomb));
    // Forty thousand numbers for one large object.
    let mut same = b"%PDF-1.4\n1 0 obj<</Pages 1 0 R/A[".to_vec();
    same.extend("(x) ".repeat(50_000).bytes());
    same.extend_from_slice(b"]>>endobj\n");
    let at = same.len();
    same.extend_from_slice(b"xref\n0 40000\n");
    same.extend("0000000009 00000 n \n".repeat(40_000).bytes());
    same.extend(format!("trailer<</Root 1 0 R>>\nstartxref\n{at}\n%%EOF").bytes());
    assert!(matches!(look(&same), Err(Flaw::TooMuch(_))), "{:?}", look(&same));
    assert!(began.elapsed() < Duration::from_secs(60), "{:?}", began.elapsed());
}

#[test]
fn any_bytes_end_in_an_answer() {
    let number = |name: &str, default| std::env::var(name).ok().and_then(|v| v.parse().ok()).unwrap_or(default);
    let until = Instant::now() + Duration::from_secs(number("NATTPOST_FUZZ_SECONDS", 2));
    let pieces = [
        "/Kids[",
        "<<",
        ">>",
        "2 0 R",
        "/Prev 9",
        "/Filter/FlateDecode",
        "stream\n",
        "(",
        "-1",
        "9999999999",
        "/W[8 8 8]",
    ];
    let paper = Paper::of(3).with("<</S/JavaScript>>");
    let samples =
        [paper.table(), paper.packed(false), paper.packed(true), changed(paper.table(), &[(2, "<</Kids[3 0 R]>>")])];
    let first: u64 = number("NATTPOST_FUZZ_SEED", 1);
    let (mut seed, mut read) = (first, 0);
    while Instant::now() < until {
        let mut chance = Chance::new(seed);
        let sample = &samples[chance.below(samples.len())];
        let piece = pieces[chance.below(pieces.len())].as_bytes();
        let mut bytes = sample.clone();
        if chance.below(2) == 0 {
            bytes = mutate(sample, &mut chance);
            let at = chance.below(bytes.len() + 1);
            bytes.splice(at..at, piece.iter().copied());
        } else {
            // In place: what stands where the list of objects says is still there.
            let at = chance.below(bytes.len() - piece.len());
            bytes[at..at + piece.len()].copy_from_slice(piece);
        }
        if !bytes.ends_with(b"%%EOF\n") {
            bytes.extend_from_slice(b"%%EOF\n");
        }
        let began = Instant::now();
        match std::panic::catch_unwind(|| look(&bytes)) {
            Ok(seen) => read += u64::from(seen.is_ok()),
            Err(_) => panic!("seed {seed}: {:?}", String::from_utf8_lossy(&bytes)),
        }
        assert!(began.elapsed() < Duration::from_secs(5), "seed {seed} took {:?}", began.elapsed());
        seed += 1;
    }
    assert!(
        read > (seed - first) / 100,
        "hardly any of the changed files is read any more: {read} of {}",
        seed - first
    );
    println!("pdf: {} inputs, {read} read", seed - first);
}
